//! The JSON body of the 402: x402 v1 (specs/x402-specification-v1.md), and under
//! other names what agents, wallets and people need. Absent fields are omitted,
//! never `null` (v1 clients refuse `null`).

use super::particulars::Particulars;
use super::terms::{Extra, MAX_TIMEOUT_SECONDS, RETRY_AFTER_SECONDS, SCHEME, Terms};
use crate::error::{PROBLEM_TYPE_PREFIX, Retry};
use crate::gate::Gate;
use crate::offer::ProductOffer;
use serde::Serialize;
use std::borrow::Cow;

/// The body. The comment of each field names its source.
#[derive(Clone, Debug, Serialize)]
pub struct Body {
    /// x402 v1: 1.
    #[serde(rename = "x402Version")]
    pub x402_version: u8,
    /// x402 v1, and what programs read: a stable code of [`crate::PaymentReason`].
    pub error: Cow<'static, str>,
    /// What people read: the reason in a sentence.
    pub detail: Cow<'static, str>,
    /// RFC 9457 problem type, as in every other refusal.
    pub r#type: String,
    /// The status, for bodies that travel without it.
    pub status: u16,
    /// x402 v1: the ways to pay.
    pub accepts: [RequirementsV1; 1],
    /// The protocol of the header and of `accepts`.
    pub payment_protocol: &'static str,
    /// Where the money moves: `solana_usdc`, or `solana_spl_token` for other mints.
    pub settlement_rail: &'static str,
    /// The product's price on chain, in the currency's smallest unit.
    pub amount: String,
    /// `USDC`, or the mint's address.
    pub currency: String,
    /// The payment id, base58: the name of this purchase on chain and in the logs.
    pub reference: String,
    /// What to do, in sentences.
    pub instructions: String,
    /// When and where to look whether the payment counts.
    pub retry: RetryAfterPayment,
    /// For wallets: a Solana Pay transaction request.
    pub payment_uri: String,
    /// What is sold.
    pub product: ProductTerms,
    /// Where the right to be served will stand.
    pub entitlement: EntitlementPointer,
}

/// An entry of `accepts` in x402 v1.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequirementsV1 {
    /// [`SCHEME`].
    pub scheme: &'static str,
    /// v1 name of the cluster.
    pub network: String,
    /// The product's price on chain.
    pub max_amount_required: String,
    /// URL of the resource.
    pub resource: String,
    /// The merchant's title and description of the product.
    pub description: String,
    /// Media type of the response.
    pub mime_type: String,
    /// The merchant account.
    pub pay_to: String,
    /// [`MAX_TIMEOUT_SECONDS`].
    pub max_timeout_seconds: u64,
    /// The product's mint.
    pub asset: String,
    /// What the scheme needs; as in v2.
    pub extra: Extra,
}

/// `retry`.
#[derive(Clone, Debug, Serialize)]
pub struct RetryAfterPayment {
    /// A payer who is not sure pays again under the same id only.
    pub class: Retry,
    /// Seconds from the payment to the next look.
    pub after: u64,
    /// The endpoint that says whether the payment counts.
    pub check: String,
}

/// `product`: the terms in names that need no knowledge of x402.
#[derive(Clone, Debug, Serialize)]
pub struct ProductTerms {
    /// The product account.
    pub address: String,
    /// The product's name within its merchant.
    pub slug: String,
    /// The merchant's title.
    pub title: String,
    /// The merchant's description, if any.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The merchant account.
    pub merchant: String,
    /// The mint.
    pub mint: String,
    /// Decimals of the mint.
    pub decimals: u8,
    /// The price in whole units, exactly.
    pub price: String,
    /// What one payment grants, in words.
    pub grants: String,
    /// Access in seconds; 0: without limit in time.
    pub access_seconds: u64,
    /// Calls; `"0"`: not counted.
    pub credits: String,
    /// Refund window in seconds.
    pub refund_window_seconds: u64,
}

/// `entitlement`: the one account that decides.
#[derive(Clone, Debug, Serialize)]
pub struct EntitlementPointer {
    /// The program that owns it.
    pub program: String,
    /// How its address is derived.
    pub seeds: [&'static str; 3],
    /// The caller's key, if it was proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beneficiary: Option<String>,
    /// The caller's account, if the key was proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl Body {
    pub(super) fn new(
        gate: &Gate,
        offer: &ProductOffer,
        terms: &Terms,
        given: &Particulars,
    ) -> Self {
        let usdc = gate.network().is_usdc(&offer.mint);
        let (rail, currency) = if usdc {
            ("solana_usdc", "USDC".to_owned())
        } else {
            ("solana_spl_token", terms.mint.clone())
        };
        Self {
            x402_version: 1,
            error: given.reason.code.clone(),
            detail: given.reason.detail.clone(),
            r#type: format!("{PROBLEM_TYPE_PREFIX}{}", given.reason.code),
            status: http::StatusCode::PAYMENT_REQUIRED.as_u16(),
            accepts: [RequirementsV1 {
                scheme: SCHEME,
                network: gate.network().v1_name().to_owned(),
                max_amount_required: terms.amount.clone(),
                resource: given.resource_url.clone(),
                description: terms.description.clone(),
                mime_type: offer.text.media_type().to_owned(),
                pay_to: terms.pay_to.clone(),
                max_timeout_seconds: MAX_TIMEOUT_SECONDS,
                asset: terms.mint.clone(),
                extra: terms.extra.clone(),
            }],
            payment_protocol: "x402",
            settlement_rail: rail,
            amount: terms.amount.clone(),
            reference: given.payment_id.clone(),
            instructions: instructions(offer, terms, &currency),
            currency,
            retry: RetryAfterPayment {
                class: Retry::SamePaymentId,
                after: RETRY_AFTER_SECONDS,
                check: terms.check_url.clone(),
            },
            payment_uri: terms.payment_uri.clone(),
            product: ProductTerms {
                address: terms.extra.product.clone(),
                slug: terms.extra.slug.clone(),
                title: offer.text.title().to_owned(),
                description: offer.text.description().to_owned(),
                merchant: terms.pay_to.clone(),
                mint: terms.mint.clone(),
                decimals: offer.decimals,
                price: offer.price_in_units(),
                grants: offer.grant_in_words(),
                access_seconds: offer.access.0,
                credits: terms.extra.credits.clone(),
                refund_window_seconds: offer.refund_window.0,
            },
            entitlement: EntitlementPointer {
                program: terms.extra.program_id.clone(),
                seeds: ["entitlement", "<product>", "<beneficiary>"],
                beneficiary: terms.extra.beneficiary.clone(),
                address: given
                    .caller
                    .as_ref()
                    .map(|caller| caller.entitlement.clone()),
            },
        }
    }
}

fn instructions(offer: &ProductOffer, terms: &Terms, currency: &str) -> String {
    format!(
        "Pay {price} {currency} for {grant}: open payment_uri in a Solana wallet, or POST {{\"account\": \
         \"<your address>\"}} to {request} and sign and send the transaction that it returns, or build \
         create_intent and pay yourself from accepts[0].extra. Do not transfer tokens to payTo by hand: \
         such a transfer is not counted. Then repeat the request and sign in with the key that paid \
         (header SIGN-IN-WITH-X, challenge in the header PAYMENT-REQUIRED). If you are not sure whether \
         a payment went through, ask at {check} before you pay again, and pay again only under the same \
         reference.",
        price = offer.price_in_units(),
        grant = offer.grant_in_words(),
        request = terms.transaction_request,
        check = terms.check_url,
    )
}
