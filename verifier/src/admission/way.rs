//! The first step: which route a request asks for.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};
use tollgate_client::UnixSeconds;
use tollgate_gate::x402::{PaymentPayload, SettleResponse};
use tollgate_gate::{GateError, Resolution, RouteMatch};

use super::Asked;
use super::payment::Presented;
use crate::app::App;
use crate::audit::Trail;
use crate::chain::Freshness;
use crate::error::ServiceError;
use crate::market::Market;
use crate::request_record;

/// A request that found its route.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) market: Arc<Market>,
    pub(super) matched: RouteMatch,
    pub(super) method: Method,
    pub(super) now: UnixSeconds,
    /// Whoever proved a key is not turned away on what is remembered.
    pub(super) freshness: Freshness,
    /// The payment that came with the request, where payments are settled.
    pub(super) presented: Option<Presented>,
    /// What became of it, for the answer.
    pub(super) settled: Option<SettleResponse>,
    pub(super) trail: Trail,
}

impl App {
    /// The route of a request, or the answer where there is none.
    pub(super) fn way(&self, asked: Asked<'_>) -> Result<Way, Box<Response>> {
        let refused = |error: ServiceError| Box::new(error.into_response());
        let market = self.known_market().map_err(refused)?;
        let matched = match market.table.resolve(asked.method, asked.raw_path) {
            Ok(Resolution::Route(matched)) => matched,
            Ok(Resolution::Options { allow }) => {
                let response = StatusCode::NO_CONTENT.into_response();
                return Err(Box::new(allowed(response, &allow.to_string())));
            }
            Err(error) => {
                let response = ServiceError::from(error).into_response();
                return Err(Box::new(match market.table.allow(asked.raw_path) {
                    Some(allow) if error == GateError::MethodNotAllowed => {
                        allowed(response, &allow.to_string())
                    }
                    Some(_) | None => response,
                }));
            }
        };
        if asked.websocket && !market.allows_websocket(&matched.route) {
            return Err(refused(GateError::UpgradeNotSupported.into()));
        }
        request_record::route(matched.route.pattern().as_str());
        let mut trail = Trail::default();
        trail.route(&matched.route);
        Ok(Way {
            market,
            matched,
            method: asked.method.clone(),
            now: wall_clock(),
            freshness: asked.freshness(),
            presented: self
                .settlement
                .is_some()
                .then(|| PaymentPayload::from_headers(asked.headers).transpose())
                .flatten(),
            settled: None,
            trail,
        })
    }
}

fn allowed(mut response: Response, methods: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(methods) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// This machine's clock: for proofs of identity only. Entitlements are judged by
/// chain time.
pub(crate) fn wall_clock() -> UnixSeconds {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    UnixSeconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}
