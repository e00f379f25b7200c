//! axum and a fixed body.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use super::{BODY, PATH};

/// Serves the fixed body.
pub(super) fn start(listener: TcpListener) {
    tokio::spawn(async move { axum::serve(listener, router()).await });
}

/// The protected API: one resource.
pub(super) fn router() -> Router {
    Router::new().route(PATH, get(report))
}

async fn report() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], BODY)
}
