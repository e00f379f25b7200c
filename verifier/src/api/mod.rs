//! The endpoints of the service itself, beside the routes that it protects.
//!
//! | endpoint | answers |
//! | --- | --- |
//! | `POST /v1/access/entitlements/check` | has this wallet access to this product? |
//! | `GET`, `POST /v1/pay/{slug}/{payment_id}` | a Solana Pay transaction request |
//! | `GET /v1/pay/{slug}/{payment_id}/qr.svg` | the same as a code for cameras |
//! | `GET /v1/pay/{slug}/{payment_id}/transfer`, `…/transfer/qr.svg` | a Solana Pay transfer request, where there is a relay |
//! | `GET /v1/pay/{slug}/{payment_id}/status` | what became of either |
//! | `GET /v1/pay/{slug}`, `GET /actions.json` | the same for pages that show links as payments |
//! | `GET /v1/products` | what is sold |
//! | `GET /discovery/resources`, `GET /.well-known/x402` | where, for agents that search |
//! | `GET /v1/icon.svg` | the picture that wallets show |
//! | `GET /openapi.json` | what all of these and the protected routes look like |
//! | `GET /health/live`, `GET /health/ready` | is the process up, can it decide |
//! | `GET /.well-known/jwks.json`, `peac-issuer.json`, `did.json` | the keys of receipts, where there are any |
//!
//! They win over routes of the configuration with the same path.

mod actions;
mod check;
mod discovery;
pub(crate) mod health;
mod icon;
mod json_body;
mod openapi;
mod openapi_parts;
mod openapi_pay;
mod pay;
mod products;
mod qr;
mod status;
mod transfer;
mod well_known;

pub(crate) use self::actions::offer_of;
pub(crate) use self::json_body::{BODY_DEADLINE, read as read_json};
pub(crate) use self::openapi::document as openapi_document;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use tollgate_gate::GateError;
use tollgate_gate::gate::{CHECK_PATH, PAY_PATH};
use tollgate_gate::receipt::{DID_DOCUMENT_PATH, JWKS_PATH, PEAC_ISSUER_PATH};

use crate::app::App;
use crate::config::RouteConfig;
use crate::error::ServiceError;
use crate::forward_auth;
use crate::request_record;

/// Paths below which the configuration cannot define routes.
pub(crate) const RESERVED: [&str; 6] = [
    CHECK_PATH,
    PAY_PATH,
    PRODUCTS_PATH,
    ICON_PATH,
    forward_auth::PATH,
    "/health",
];

/// Documents that give way to a route of the configuration with the very same path.
const YIELDING: [&str; 3] = [
    actions::ACTIONS_PATH,
    discovery::DISCOVERY_PATH,
    discovery::WELL_KNOWN_PATH,
];

/// The icon's path.
pub(crate) const ICON_PATH: &str = "/v1/icon.svg";
/// Where the products are listed.
pub(crate) const PRODUCTS_PATH: &str = "/v1/products";

/// Which documents of this service the routes take the place of.
pub(crate) fn yielded(routes: &[RouteConfig]) -> Vec<&'static str> {
    let is_taken = |path: &&str| routes.iter().any(|route| route.path == *path);
    YIELDING.into_iter().filter(is_taken).collect()
}

/// The endpoints as a router.
pub(crate) fn router(app: Arc<App>) -> Router<()> {
    let mut router = Router::new();
    // Without a document of its own the path belongs to the configuration.
    if app.openapi.is_some() {
        router = router.route(openapi::OPENAPI_PATH, get(openapi::serve));
    }
    for (path, document) in [
        (actions::ACTIONS_PATH, get(actions::rules)),
        (discovery::DISCOVERY_PATH, get(discovery::resources)),
        (discovery::WELL_KNOWN_PATH, get(discovery::well_known)),
    ] {
        if !app.yielded.contains(&path) {
            router = router.route(path, document);
        }
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
        .route(&format!("{PAY_PATH}/{{slug}}"), get(actions::describe))
        .route(
            &format!("{PAY_PATH}/{{slug}}/{{payment_id}}/qr.svg"),
            get(pay::code),
        )
        .route(
            &format!("{PAY_PATH}/{{slug}}/{{payment_id}}/transfer"),
            get(transfer::describe),
        )
        .route(
            &format!("{PAY_PATH}/{{slug}}/{{payment_id}}/transfer/qr.svg"),
            get(transfer::code),
        )
        .route(
            &format!("{PAY_PATH}/{{slug}}/{{payment_id}}/status"),
            get(status::tell),
        )
        .route(PRODUCTS_PATH, get(products::list))
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
