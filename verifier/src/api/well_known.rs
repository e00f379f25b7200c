//! The documents by which verifiers of receipts find the keys.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use tollgate_gate::GateError;

use crate::app::App;
use crate::error::{ServiceError, json_response};

/// Long enough to spare requests, short enough for a rotation: a new key should be
/// published before it is used.
const LIFETIME: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// `GET /.well-known/jwks.json`
pub(super) async fn jwks(State(app): State<Arc<App>>) -> Result<Response, ServiceError> {
    document(app.receipts.as_ref().map(|desk| desk.keys().jwks()))
}

/// `GET /.well-known/peac-issuer.json`
pub(super) async fn peac_issuer(State(app): State<Arc<App>>) -> Result<Response, ServiceError> {
    let origin = app.gate.origin();
    let desk = app.receipts.as_ref();
    document(desk.and_then(|desk| desk.keys().peac_issuer(origin)))
}

/// `GET /.well-known/did.json`
pub(super) async fn did_document(State(app): State<Arc<App>>) -> Result<Response, ServiceError> {
    let origin = app.gate.origin();
    let desk = app.receipts.as_ref();
    document(desk.map(|desk| desk.keys().did_document(origin)))
}

fn document(document: Option<Value>) -> Result<Response, ServiceError> {
    let document = document.ok_or(GateError::RouteNotFound)?;
    let mut response = json_response(StatusCode::OK, &document);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, LIFETIME);
    Ok(response)
}
