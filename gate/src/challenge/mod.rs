//! The one 402 that serves every reader at once.
//!
//! | reader | where it looks | part |
//! | --- | --- | --- |
//! | x402 v2 clients | `PAYMENT-REQUIRED` header | [`v2`] |
//! | x402 v1 clients | JSON body: `x402Version`, `error`, `accepts` | [`body`] |
//! | agents | JSON body: `error`, `reference`, `retry`, `product`, `entitlement` | [`body`] |
//! | people, wallets | JSON body: `detail`, `instructions`, `payment_uri` | [`body`] |
//!
//! All of them name the same payment id, so that whoever follows two of them still
//! makes one purchase. Nothing is stored: see [`crate::payment_id`].

pub mod body;
mod outline;
mod particulars;
mod template;
mod terms;
pub mod v2;

pub(crate) use template::ChallengeTemplates;
pub use terms::{MAX_TIMEOUT_SECONDS, RETRY_AFTER_SECONDS, SCHEME};

use crate::decision::{PaymentDue, PaymentReason};
use crate::encoding::base64_encode;
use crate::gate::{Entropy, Gate};
use crate::headers::{JSON, PAYMENT_REQUIRED, forbid_storing};
use crate::limits::MAX_PAYMENT_REQUIRED_BYTES;
use crate::offer::ProductOffer;
use crate::payment_id::{self, NextPurchase};
use crate::route::Route;
use http::{HeaderValue, StatusCode, header};
use particulars::Particulars;
use std::sync::Arc;
use terms::Terms;
use tollgate_client::{PaymentId, UnixSeconds};

/// A finished 402.
#[derive(Clone, Debug)]
pub struct PaymentChallenge {
    payment_id: PaymentId,
    reason: PaymentReason,
    header: Option<HeaderValue>,
    body: Vec<u8>,
}

impl PaymentChallenge {
    /// `route` is the one that was asked for.
    pub(crate) fn build(
        gate: &Gate,
        due: &PaymentDue,
        route: &Route,
        resource_url: String,
        now: UnixSeconds,
        entropy: &Entropy,
    ) -> Self {
        let offer = due.offer();
        let payment_id = match due.caller() {
            Some(caller) => {
                let next = NextPurchase {
                    merchant: &offer.merchant,
                    product: &offer.product,
                    beneficiary: &caller.beneficiary,
                    progress: &caller.progress,
                };
                payment_id::known(gate.keys(), gate.addresses(), &next)
            }
            None => payment_id::anonymous(gate.keys(), &offer.product, &entropy.0),
        };
        let given = Particulars::new(gate, due, &payment_id, resource_url, now, entropy);
        // The very offer of the route: another one, be it of the same product, may have
        // other terms.
        let is_routes = route.offer().is_some_and(|own| Arc::ptr_eq(own, offer));
        let written = is_routes
            .then(|| route.challenges().fill(gate, offer, &given))
            .flatten()
            .unwrap_or_else(|| Written::new(gate, offer, &given));
        Self {
            payment_id,
            reason: due.reason(),
            header: to_header(written.header),
            body: written.body.into_bytes(),
        }
    }

    /// The payment id that the challenge names.
    pub fn payment_id(&self) -> &PaymentId {
        &self.payment_id
    }

    /// Why payment is demanded.
    pub fn reason(&self) -> PaymentReason {
        self.reason
    }

    /// Value of the `PAYMENT-REQUIRED` header: base64 of JSON.
    pub fn header(&self) -> Option<&HeaderValue> {
        self.header.as_ref()
    }

    /// The JSON body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The whole response: 402 with `Content-Type`, `Cache-Control: no-store`,
    /// `Vary` and `PAYMENT-REQUIRED`.
    pub fn into_response(self) -> http::Response<Vec<u8>> {
        let mut response = http::Response::new(self.body);
        *response.status_mut() = StatusCode::PAYMENT_REQUIRED;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, JSON);
        forbid_storing(headers);
        if let Some(value) = self.header {
            headers.insert(PAYMENT_REQUIRED, value);
        }
        response
    }
}

/// Both parts of a 402 as they are sent.
#[derive(Debug, PartialEq, Eq)]
struct Written {
    /// Base64 of JSON.
    header: String,
    /// JSON.
    body: String,
}

impl Written {
    /// Writes all of it.
    fn new(gate: &Gate, offer: &ProductOffer, given: &Particulars) -> Self {
        // Strings and integers serialise; the status alone still says 402.
        let (header, body) = Self::json(gate, offer, given).unwrap_or_default();
        Self {
            header: base64_encode(header),
            body,
        }
    }

    /// Header and body as JSON.
    fn json(gate: &Gate, offer: &ProductOffer, given: &Particulars) -> Option<(String, String)> {
        let terms = Terms::new(gate, offer, given);
        let header = v2::PaymentRequired::new(gate, offer, &terms, given);
        let body = body::Body::new(gate, offer, &terms, given);
        Some((
            serde_json::to_string(&header).ok()?,
            serde_json::to_string(&body).ok()?,
        ))
    }
}

/// The bounds of [`crate::limits`] keep it below [`MAX_PAYMENT_REQUIRED_BYTES`]; a
/// longer one would make clients drop the whole response, so that it is left out
/// and the body serves alone.
fn to_header(base64: String) -> Option<HeaderValue> {
    (!base64.is_empty() && base64.len() <= MAX_PAYMENT_REQUIRED_BYTES)
        .then(|| HeaderValue::try_from(base64).ok())
        .flatten()
}
