//! axum answering with one and the same 402 of the layer: the same bytes without what
//! makes them.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{HeaderMap, Response, StatusCode, header};
use tokio::net::TcpListener;

use super::PATH;
use crate::load::Client;

/// Asks the layer at `of` once, and serves its answer from then on.
pub(super) async fn start(listener: TcpListener, of: SocketAddr) {
    let answer = Client::connect(of).await.get(HeaderMap::new()).await;
    assert_eq!(answer.status(), StatusCode::PAYMENT_REQUIRED);
    let (mut head, body) = answer.into_parts();
    head.headers.remove(header::DATE);
    head.headers.remove(header::CONTENT_LENGTH);
    let handler = async move || {
        let mut response = Response::new(Body::from(body.clone()));
        *response.status_mut() = StatusCode::PAYMENT_REQUIRED;
        response.headers_mut().clone_from(&head.headers);
        response
    };
    let router = Router::new().route(PATH, get(handler));
    tokio::spawn(async move { axum::serve(listener, router).await });
}
