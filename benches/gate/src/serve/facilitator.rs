//! A facilitator that says yes at once: what a peer costs when its facilitator
//! costs nothing but the way to it on this machine.

use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::peer;

/// Serves `/supported`, `/verify` and `/settle`.
pub(super) fn start(listener: TcpListener) {
    let router = Router::new()
        .route("/supported", get(supported))
        .route("/verify", post(verify))
        .route("/settle", post(settle));
    tokio::spawn(async move { axum::serve(listener, router).await });
}

async fn supported() -> Json<Value> {
    Json(json!({
        "kinds": [{ "x402Version": 2, "scheme": peer::SCHEME, "network": peer::NETWORK }],
        "extensions": [],
        "signers": {},
    }))
}

async fn verify() -> Json<Value> {
    Json(json!({ "isValid": true, "payer": peer::PAYER }))
}

async fn settle() -> Json<Value> {
    Json(json!({
        "success": true,
        "payer": peer::PAYER,
        "transaction": "5".repeat(88),
        "network": peer::NETWORK,
    }))
}
