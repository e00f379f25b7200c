//! The x402 offer-receipt (extension `offer-receipt`, payload version 1; written
//! against `@x402/extensions` 2.27.0).
//!
//! The payload is canonical JSON (RFC 8785): members in the order of their names,
//! no white space, strings of URLs and base58 only, so that nothing needs an escape
//! that JSON libraries disagree on.

use super::{ReceiptFacts, ReceiptKey, jws};
use crate::encoding::base64_encode;
use crate::x402::{Object, SettleResponse};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Version of the payload.
pub(super) const VERSION: u8 = 1;

/// The signed payload. The optional `transaction` is left out: the reading behind a
/// grant names the intent that was paid, not the transaction that paid it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfferReceipt {
    /// Unix seconds.
    pub issued_at: i64,
    /// CAIP-2 id of the cluster.
    pub network: String,
    /// The beneficiary, who proved this key.
    pub payer: String,
    /// The resource.
    pub resource_url: String,
    /// 1.
    pub version: u8,
}

impl OfferReceipt {
    /// The payload for a grant.
    pub fn of(facts: &ReceiptFacts) -> Self {
        Self {
            issued_at: facts.issued_at.0,
            network: facts.network.clone(),
            payer: facts.grounds.beneficiary.to_string(),
            resource_url: facts.resource_url.clone(),
            version: VERSION,
        }
    }

    /// The bytes that are signed.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Strings and integers serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The signed receipt, a compact JWS whose `kid` is the key's `did:key` URL.
pub fn issue(key: &ReceiptKey, facts: &ReceiptFacts) -> String {
    let payload = OfferReceipt::of(facts).to_bytes();
    jws::sign_text(key, &key.public().did_url(), None, &payload)
}

/// The receipt as `extensions` of the result of a payment.
pub fn extensions(key: &ReceiptKey, facts: &ReceiptFacts) -> Object {
    let receipt = json!({
        "info": { "receipt": { "format": "jws", "signature": issue(key, facts) } },
    });
    Object::from_iter([("offer-receipt".to_owned(), receipt)])
}

/// The value of `PAYMENT-RESPONSE` that carries the receipt where no payment came with
/// the request.
///
/// `transaction` is empty: this request settled none. What was settled before is
/// in the PEAC record.
pub fn payment_response(facts: &ReceiptFacts, extensions: &Object) -> String {
    let response = SettleResponse {
        extensions: Some(extensions.clone()),
        ..SettleResponse::settled(&facts.network, String::new(), &facts.grounds.beneficiary)
    };
    // Strings serialise.
    base64_encode(serde_json::to_vec(&response).unwrap_or_default())
}
