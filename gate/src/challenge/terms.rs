//! What both dialects say, computed once.

use super::particulars::Particulars;
use super::transfer::{requirements, requirements_v1};
use crate::gate::{CHECK_PATH, Gate, PAY_PATH};
use crate::offer::ProductOffer;
use crate::solana_pay;
use crate::x402::{PaymentRequirements, PaymentRequirementsV1};
use serde::Serialize;

/// The x402 scheme of the program's own atomic payment: one transaction that
/// creates the intent and pays it, and leaves an entitlement. Stock clients skip
/// schemes that they do not know.
pub const SCHEME: &str = "entitlement";
/// `maxTimeoutSeconds`: a transaction's blockhash lives about this long.
pub const MAX_TIMEOUT_SECONDS: u64 = 60;
/// `retry.after`: confirmation takes about this long.
pub const RETRY_AFTER_SECONDS: u64 = 2;

/// Computed texts of one challenge.
#[derive(Debug)]
pub(super) struct Terms {
    pub description: String,
    pub amount: String,
    pub mint: String,
    pub pay_to: String,
    pub transaction_request: String,
    pub payment_uri: String,
    pub check_url: String,
    pub extra: Extra,
    /// Version 2's plain transfer, where it is offered.
    pub transfer: Option<PaymentRequirements>,
    /// Version 1's.
    pub transfer_v1: Option<PaymentRequirementsV1>,
}

/// `accepts[].extra` of the scheme [`SCHEME`]: everything that an agent needs to
/// build the transaction by itself. Numbers that may exceed 2^53 are strings.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Extra {
    /// The program.
    pub program_id: String,
    /// The merchant account; the same as `payTo`.
    pub merchant: String,
    /// The product account.
    pub product: String,
    /// The product's name within its merchant.
    pub slug: String,
    /// The token account that is paid into: the merchant's associated token account.
    pub vault: String,
    /// Decimals of the asset; part of `TransferChecked`.
    pub decimals: u8,
    /// The payment id for `create_intent`, base58.
    pub payment_id: String,
    /// Access that the payment grants, in seconds; 0: without limit in time.
    pub access_seconds: u64,
    /// Calls that the payment grants; `"0"`: calls are not counted.
    pub credits: String,
    /// How long after the payment it may be refunded, in seconds.
    pub refund_window_seconds: u64,
    /// The instructions of the transaction, in this order, for the author = payer.
    pub instruction: &'static str,
    /// Where a wallet or agent gets the transaction ready to sign (Solana Pay).
    pub transaction_request: String,
    /// Whose entitlement it becomes, if the caller proved a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beneficiary: Option<String>,
}

impl Terms {
    pub(super) fn new(gate: &Gate, offer: &ProductOffer, given: &Particulars) -> Self {
        let origin = gate.origin();
        let payment_id = &given.payment_id;
        // A slug needs no escapes, nor does base58.
        let transaction_request = format!("{origin}{PAY_PATH}/{}/{payment_id}", offer.slug);
        let pay_to = offer.merchant.to_string();
        let description = describe(offer.text.title(), offer.text.description());
        let transfer = given.transfer_to.clone().zip(gate.fee_payer());
        Self {
            transfer_v1: transfer.as_ref().map(|(_, fee_payer)| {
                let resource_url = given.resource_url.clone();
                requirements_v1(gate, offer, fee_payer, resource_url, description.clone())
            }),
            transfer: transfer.map(|(pay_to, fee_payer)| {
                requirements(gate, offer, fee_payer, pay_to, payment_id)
            }),
            description,
            amount: offer.price.to_string(),
            mint: offer.mint.to_string(),
            // A transaction request and never a plain transfer: money that arrives
            // without `pay` would not be attributed to anybody.
            payment_uri: solana_pay::transaction_request(&transaction_request),
            check_url: format!("{origin}{CHECK_PATH}"),
            extra: Extra {
                program_id: gate.addresses().program_id.to_string(),
                merchant: pay_to.clone(),
                product: offer.product.to_string(),
                slug: offer.slug.to_string(),
                vault: offer.vault.to_string(),
                decimals: offer.decimals,
                payment_id: payment_id.clone(),
                access_seconds: offer.access.0,
                credits: offer.credits.to_string(),
                refund_window_seconds: offer.refund_window.0,
                instruction: "create_intent+pay",
                transaction_request: transaction_request.clone(),
                beneficiary: given
                    .caller
                    .as_ref()
                    .map(|caller| caller.beneficiary.clone()),
            },
            pay_to,
            transaction_request,
        }
    }
}

fn describe(title: &str, description: &str) -> String {
    match description {
        "" => title.to_owned(),
        description => format!("{title}: {description}"),
    }
}
