//! x402 v2 `PaymentRequired` (specs/x402-specification-v2.md; fields as in
//! reference/protocols.md 1.2). Absent fields are omitted, never `null`.

use super::particulars::Particulars;
use super::terms::{Extra, MAX_TIMEOUT_SECONDS, SCHEME, Terms};
use crate::gate::Gate;
use crate::offer::ProductOffer;
use crate::siwx::SignInChallenge;
use crate::x402;
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// The JSON in the `PAYMENT-REQUIRED` header.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequired {
    /// 2.
    pub x402_version: u8,
    /// A stable code of [`crate::PaymentReason`].
    pub error: Cow<'static, str>,
    /// What is asked for.
    pub resource: Resource,
    /// The ways to pay, all on one cluster, because stock clients fail on those that
    /// they do not know: a plain transfer, where it is offered, and the program's own
    /// payment. Clients skip schemes that they do not know.
    pub accepts: Vec<Accepted>,
    /// Optional protocols.
    pub extensions: Extensions,
}

/// `resource`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// The configured origin and the canonical path; never from `Host`.
    pub url: String,
    /// The merchant's title and description of the product.
    pub description: String,
    /// Media type of the response, from the configuration.
    pub mime_type: String,
}

/// An entry of `accepts`.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Accepted {
    /// The scheme `exact`.
    Transfer(Box<x402::PaymentRequirements>),
    /// [`SCHEME`].
    Program(Box<PaymentRequirements>),
}

/// The entry of the program's own payment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequirements {
    /// [`SCHEME`].
    pub scheme: &'static str,
    /// CAIP-2 id of the cluster.
    pub network: String,
    /// The product's price on chain, in the asset's smallest unit.
    pub amount: String,
    /// The product's mint.
    pub asset: String,
    /// The merchant account: owner of the vault.
    pub pay_to: String,
    /// [`MAX_TIMEOUT_SECONDS`].
    pub max_timeout_seconds: u64,
    /// What the scheme needs.
    pub extra: Extra,
}

/// `extensions`.
#[derive(Clone, Debug, Serialize)]
pub struct Extensions {
    /// How to prove a key that has paid before.
    #[serde(rename = "sign-in-with-x", skip_serializing_if = "Option::is_none")]
    pub sign_in_with_x: Option<SignInChallenge>,
    /// A client may name its payment, so that repeating it cannot pay twice.
    #[serde(rename = "payment-identifier", skip_serializing_if = "Option::is_none")]
    pub payment_identifier: Option<PaymentIdentifierOffer>,
}

/// `extensions["payment-identifier"]` (specs/extensions/payment_identifier.md).
#[derive(Clone, Debug, Default, Serialize)]
pub struct PaymentIdentifierOffer {
    /// What the client fills in.
    pub info: PaymentIdentifierInfo,
    /// The form of the filled-in `info`.
    pub schema: PaymentIdentifierSchema,
}

/// `info`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PaymentIdentifierInfo {
    /// Whether a payment without a name is refused: it is not.
    pub required: bool,
}

/// JSON Schema of `info`.
#[derive(Clone, Copy, Debug, Default)]
pub struct PaymentIdentifierSchema;

impl Serialize for PaymentIdentifierSchema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "required": { "type": "boolean" },
                "id": {
                    "type": "string",
                    "minLength": x402::PaymentIdentifier::MIN_BYTES,
                    "maxLength": x402::PaymentIdentifier::MAX_BYTES,
                    "pattern": "^[a-zA-Z0-9_-]+$",
                },
            },
            "required": ["required"],
        })
        .serialize(serializer)
    }
}

impl PaymentRequired {
    pub(super) fn new(
        gate: &Gate,
        offer: &ProductOffer,
        terms: &Terms,
        given: &Particulars,
    ) -> Self {
        let sign_in = given.sign_in.as_ref().map(|sign_in| {
            let statement = format!(
                "Sign in to use what you paid for: {}. This pays nothing.",
                offer.text.title()
            );
            SignInChallenge::new(
                gate.origin(),
                gate.network(),
                &given.resource_url,
                statement,
                sign_in,
            )
        });
        let program = PaymentRequirements {
            scheme: SCHEME,
            network: gate.network().caip2().to_owned(),
            amount: terms.amount.clone(),
            asset: terms.mint.clone(),
            pay_to: terms.pay_to.clone(),
            max_timeout_seconds: MAX_TIMEOUT_SECONDS,
            extra: terms.extra.clone(),
        };
        // First what most clients know: some take the first entry only.
        let transfer = terms.transfer.clone().map(Box::new);
        let accepts = transfer
            .map(Accepted::Transfer)
            .into_iter()
            .chain([Accepted::Program(Box::new(program))])
            .collect();
        let payment_identifier = terms
            .transfer
            .is_some()
            .then(PaymentIdentifierOffer::default);
        Self {
            x402_version: 2,
            error: given.reason.code.clone(),
            resource: Resource {
                url: given.resource_url.clone(),
                description: terms.description.clone(),
                mime_type: offer.text.media_type().to_owned(),
            },
            accepts,
            extensions: Extensions {
                sign_in_with_x: sign_in,
                payment_identifier,
            },
        }
    }
}
