//! x402 v2 `PaymentRequired` (specs/x402-specification-v2.md; fields as in
//! reference/protocols.md 1.2). Absent fields are omitted, never `null`.

use super::particulars::Particulars;
use super::terms::{Extra, MAX_TIMEOUT_SECONDS, SCHEME, Terms};
use crate::gate::Gate;
use crate::offer::ProductOffer;
use crate::siwx::SignInChallenge;
use serde::Serialize;
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
    /// The ways to pay: exactly one, because stock clients fail on clusters that
    /// they do not know, and so that no client chooses a second way to pay.
    pub accepts: [PaymentRequirements; 1],
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
        Self {
            x402_version: 2,
            error: given.reason.code.clone(),
            resource: Resource {
                url: given.resource_url.clone(),
                description: terms.description.clone(),
                mime_type: offer.text.media_type().to_owned(),
            },
            accepts: [PaymentRequirements {
                scheme: SCHEME,
                network: gate.network().caip2().to_owned(),
                amount: terms.amount.clone(),
                asset: terms.mint.clone(),
                pay_to: terms.pay_to.clone(),
                max_timeout_seconds: MAX_TIMEOUT_SECONDS,
                extra: terms.extra.clone(),
            }],
            extensions: Extensions {
                sign_in_with_x: sign_in,
            },
        }
    }
}
