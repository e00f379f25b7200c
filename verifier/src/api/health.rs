//! Liveness and readiness.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::app::App;
use crate::error::json_response;

/// The process runs and answers. Says nothing about the chain: restarting this
/// process would not mend an RPC server.
pub(crate) async fn live() -> Response {
    answer(StatusCode::OK, json!({ "status": "live" }))
}

/// Requests can be decided: the catalogue is known, and the last critical read of
/// the chain is recent. (The RPC server's own `getHealth` is not asked.)
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    readiness(&app)
}

/// The answer of [`ready`], for the admin listener too.
pub(crate) fn readiness(app: &App) -> Response {
    let reason = app.unready();
    let status = match reason {
        None => StatusCode::OK,
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let age = app.health.age().map(|age| age.as_millis().to_string());
    answer(
        status,
        json!({
            "status": if reason.is_none() { "ready" } else { "not_ready" },
            "reason": reason,
            "last_chain_read_ms_ago": age.and_then(|age| age.parse::<u64>().ok()),
        }),
    )
}

fn answer(status: StatusCode, body: serde_json::Value) -> Response {
    let mut response = json_response(status, &body);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
