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
mod terms;
pub mod v2;

pub use terms::{MAX_TIMEOUT_SECONDS, RETRY_AFTER_SECONDS, SCHEME};

use crate::decision::{PaymentDue, PaymentReason};
use crate::encoding::base64_encode;
use crate::gate::{Entropy, Gate};
use crate::headers::{JSON, PAYMENT_REQUIRED, forbid_storing};
use crate::limits::MAX_PAYMENT_REQUIRED_BYTES;
use crate::payment_id::{self, NextPurchase};
use http::{HeaderValue, StatusCode, header};
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
    pub(crate) fn build(
        gate: &Gate,
        due: &PaymentDue,
        resource_url: String,
        now: UnixSeconds,
        entropy: &Entropy,
    ) -> Self {
        let (product, merchant) = (&due.offer().product, &due.offer().merchant);
        let payment_id = match due.caller() {
            Some(caller) => {
                let next = NextPurchase {
                    merchant,
                    product,
                    beneficiary: &caller.beneficiary,
                    progress: &caller.progress,
                };
                payment_id::known(gate.keys(), gate.addresses(), &next)
            }
            None => payment_id::anonymous(gate.keys(), product, &entropy.0),
        };
        let terms = Terms::new(gate, due, payment_id, resource_url);
        let required = v2::PaymentRequired::new(gate, due, &terms, now, entropy);
        Self {
            payment_id,
            reason: due.reason(),
            header: to_header(&required),
            // Strings and integers serialise; the status alone still says 402.
            body: serde_json::to_vec(&body::Body::new(gate, due, &terms)).unwrap_or_default(),
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

/// The bounds of [`crate::limits`] keep it below [`MAX_PAYMENT_REQUIRED_BYTES`]; a
/// longer one would make clients drop the whole response, so that it is left out
/// and the body serves alone.
fn to_header(required: &v2::PaymentRequired) -> Option<HeaderValue> {
    let json = serde_json::to_vec(required).ok()?;
    let value = base64_encode(json);
    (value.len() <= MAX_PAYMENT_REQUIRED_BYTES)
        .then(|| HeaderValue::from_str(&value).ok())
        .flatten()
}
