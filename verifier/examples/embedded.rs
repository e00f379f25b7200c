//! An axum service that sells one of its routes.
//!
//!     cargo run -p tollgate-verifier --example embedded -- 127.0.0.1:8402 tollgate.toml
//!
//! The configuration is the one of `verifier/examples/tollgate.toml`, without
//! `[upstream]`, with these routes:
//!
//!     [[routes]]
//!     path = "/"
//!     free = true
//!
//!     [[routes]]
//!     path = "/v1/quotes/{symbol}"
//!     product = "quotes-month"
//!
//! tests/e2e runs it against a local chain: 402, a payment, 200.

use std::error::Error;

use axum::extract::Path;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tollgate_verifier::{Config, Embedded, PaidAccess};

/// The service itself; it knows nothing of payments but who paid.
pub fn service() -> Router {
    Router::new()
        .route("/", get(async || "one route here is for sale"))
        .route("/v1/quotes/{symbol}", get(quote))
        // The configuration does not name it, so that nobody reaches it.
        .route("/internal", get(async || "not for callers"))
}

async fn quote(Path(symbol): Path<String>, access: PaidAccess) -> Json<Value> {
    Json(json!({
        "symbol": symbol,
        "price": "42.00",
        "beneficiary": access.beneficiary.to_string(),
    }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: embedded ADDRESS tollgate.toml".into());
    };
    tollgate_verifier::logging::init("info");
    let listener = TcpListener::bind(address).await?;
    let gate = Embedded::start(Config::load(file.as_ref())?).await?;
    let app = service().layer(gate.layer());
    gate.serve(listener, app).await;
    Ok(())
}
