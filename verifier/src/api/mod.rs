//! The endpoints of the service itself, beside the routes that it protects.
//!
//! | endpoint | answers |
//! | --- | --- |
//! | `POST /v1/access/entitlements/check` | has this wallet access to this product? |
//! | `GET`, `POST /v1/pay/{slug}/{payment_id}` | a Solana Pay transaction request |
//! | `GET /v1/products` | what is sold |
//! | `GET /v1/icon.svg` | the picture that wallets show |
//! | `GET /openapi.json` | what all of these and the protected routes look like |
//! | `GET /health/live`, `GET /health/ready` | is the process up, can it decide |
//! | `GET /.well-known/jwks.json`, `peac-issuer.json`, `did.json` | the keys of receipts, where there are any |
//!
//! They win over routes of the configuration with the same path.

mod check;
pub(crate) mod health;
mod icon;
mod json_body;
mod openapi;
mod openapi_parts;
mod pay;
mod products;
mod well_known;

pub(crate) use self::json_body::BODY_DEADLINE;
pub(crate) use self::openapi::document as openapi_document;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use tollgate_gate::GateError;
use tollgate_gate::gate::{CHECK_PATH, PAY_PATH};
use tollgate_gate::receipt::{DID_DOCUMENT_PATH, JWKS_PATH, PEAC_ISSUER_PATH};

use crate::app::App;
use crate::error::ServiceError;
use crate::forward_auth;
use crate::request_record;

/// Paths below which the configuration cannot define routes.
pub(crate) const RESERVED: [&str; 6] = [
    CHECK_PATH,
    PAY_PATH,
    "/v1/products",
    "/v1/icon.svg",
    forward_auth::PATH,
    "/health",
];

/// The icon's path.
pub(crate) const ICON_PATH: &str = "/v1/icon.svg";

/// The endpoints as a router.
pub(crate) fn router(app: Arc<App>) -> Router<()> {
    let mut router = Router::new();
    // Without a document of its own the path belongs to the configuration.
    if app.openapi.is_some() {
        router = router.route(openapi::OPENAPI_PATH, get(openapi::serve));
    }
    if app.receipts.is_some() {
        router = router
            .route(JWKS_PATH, get(well_known::jwks))
            .route(PEAC_ISSUER_PATH, get(well_known::peac_issuer))
            .route(DID_DOCUMENT_PATH, get(well_known::did_document));
    }
    router
        .route(CHECK_PATH, post(check::check))
        .route(
            &format!("{PAY_PATH}/{{slug}}/{{payment_id}}"),
            get(pay::describe).post(pay::transaction),
        )
        .route("/v1/products", get(products::list))
        .route(ICON_PATH, get(icon::icon))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route_layer(from_fn(request_record::matched))
        .method_not_allowed_fallback(async || ServiceError::from(GateError::MethodNotAllowed))
        .with_state(app)
}

/// Whether the configuration may define a route with this pattern.
pub(crate) fn is_reserved(pattern: &str) -> bool {
    RESERVED.iter().any(|reserved| {
        pattern
            .strip_prefix(reserved)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
