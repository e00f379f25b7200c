//! The part of a 402 that stock clients pay: the x402 scheme `exact`, a plain transfer
//! whose fee this service's relay pays (reference/protocols.md 0, 1.2 and 1.6).
//!
//! Version 1 is always led to the vault: its clients echo nothing of the 402, so that a
//! deposit account could not be told from their payment, and some of them simulate the
//! transfer first, so that the account has to exist.

use super::MAX_TIMEOUT_SECONDS;
use crate::exact;
use crate::gate::Gate;
use crate::offer::ProductOffer;
use crate::solana_pay::MEMO_PREFIX;
use crate::x402::{Object, PaymentRequirements, PaymentRequirementsV1};
use serde_json::Value;
use tollgate_client::{PaymentId, Pubkey};

/// The payment id in a memo.
pub fn payment_id_in(memo: &str) -> Option<PaymentId> {
    memo.strip_prefix(MEMO_PREFIX)?.parse().ok()
}

/// `extra` of both versions.
fn extra(fee_payer: &Pubkey, offer: &ProductOffer) -> Object {
    let text = |value: String| Value::String(value);
    [
        ("feePayer", text(fee_payer.to_string())),
        ("decimals", offer.decimals.into()),
        ("tokenProgram", text(exact::TOKEN_PROGRAM.to_string())),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// What version 2 offers under `payment_id` (base58) to whoever pays `pay_to`.
pub(crate) fn requirements(
    gate: &Gate,
    offer: &ProductOffer,
    fee_payer: &Pubkey,
    pay_to: String,
    payment_id: &str,
) -> PaymentRequirements {
    let mut extra = extra(fee_payer, offer);
    extra.insert(
        "memo".to_owned(),
        format!("{MEMO_PREFIX}{payment_id}").into(),
    );
    extra.insert("paymentFlow".to_owned(), "upfront".into());
    PaymentRequirements {
        scheme: exact::SCHEME.to_owned(),
        network: gate.network().caip2().to_owned(),
        amount: offer.price.to_string(),
        asset: offer.mint.to_string(),
        pay_to,
        max_timeout_seconds: MAX_TIMEOUT_SECONDS,
        extra: Some(extra),
        unknown: Object::new(),
    }
}

/// What version 1 offers.
pub(crate) fn requirements_v1(
    gate: &Gate,
    offer: &ProductOffer,
    fee_payer: &Pubkey,
    resource_url: String,
    description: String,
) -> PaymentRequirementsV1 {
    PaymentRequirementsV1 {
        scheme: exact::SCHEME.to_owned(),
        network: gate.network().v1_name().to_owned(),
        max_amount_required: offer.price.to_string(),
        resource: resource_url,
        description,
        mime_type: Some(offer.text.media_type().to_owned()),
        output_schema: None,
        pay_to: offer.merchant.to_string(),
        max_timeout_seconds: MAX_TIMEOUT_SECONDS,
        asset: offer.mint.to_string(),
        extra: Some(extra(fee_payer, offer)),
    }
}
