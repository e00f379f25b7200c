//! What a product costs, for catalogues that agents search before they ask.
//!
//! These are the terms of a 402 without what belongs to one request: whoever wants to
//! pay asks for the resource and gets a payment id there.

use serde_json::json;

use crate::challenge::{MAX_TIMEOUT_SECONDS, SCHEME};
use crate::gate::Gate;
use crate::offer::ProductOffer;
use crate::x402::{Object, PaymentRequirements};

/// The ways to pay for an offer, as an x402 v2 `accepts`.
pub fn accepts(gate: &Gate, offer: &ProductOffer) -> Vec<PaymentRequirements> {
    let extra = json!({
        "programId": gate.addresses().program_id.to_string(),
        "merchant": offer.merchant.to_string(),
        "product": offer.product.to_string(),
        "slug": offer.slug.as_str(),
        "vault": offer.vault.to_string(),
        "decimals": offer.decimals,
        "accessSeconds": offer.access.0,
        "credits": offer.credits.to_string(),
        "refundWindowSeconds": offer.refund_window.0,
        "instruction": "create_intent+pay",
    });
    vec![PaymentRequirements {
        scheme: SCHEME.to_owned(),
        network: gate.network().caip2().to_owned(),
        amount: offer.price.to_string(),
        asset: offer.mint.to_string(),
        pay_to: offer.merchant.to_string(),
        max_timeout_seconds: MAX_TIMEOUT_SECONDS,
        extra: extra.as_object().cloned(),
        unknown: Object::default(),
    }]
}
