//! The picture that wallets show beside a payment.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};

const ICON: &str = include_str!("icon.svg");

pub(super) async fn icon() -> Response {
    let mut response = Response::new(Body::from(ICON));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
