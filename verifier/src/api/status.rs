//! `GET /v1/pay/{slug}/{payment_id}/status`: what became of a purchase that a wallet
//! was asked for; for the page that shows the code.
//!
//! | answer | means |
//! | --- | --- |
//! | `open` | no transaction names this purchase |
//! | `pending` | one does, and is not recorded yet; ask again |
//! | `paid` | the payment stands, with its entitlement |
//! | `unmatched` | one does, and is not the transfer that was asked for, or came too late: the merchant has to see to it. Do not pay again |
//! | 503 | the chain did not say |
//!
//! Transactions are found by the reference among their accounts: the address of the
//! intent that the merchant would quote. Wallets that leave it out are helped by
//! `?signature=`: a memo that names the purchase does as well. Whoever knows a payment
//! id can make transactions that name it; the newest [`MOST_TRACES`] are looked at, and
//! a signature finds what they cover up.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use solana_signature::Signature;
use tollgate_client::{IntentStatus, PaymentId, PaymentIntent, Pubkey, transfer_payment_id};
use tollgate_gate::GateError;
use tollgate_gate::Metering;
use tollgate_gate::headers::forbid_storing;
use tracing::warn;

use super::pay;
use crate::app::App;
use crate::chain::{Listing, RpcFailure};
use crate::error::{RETRY_AFTER, ServiceError, json_response};
use crate::request_record::{self, Wait};
use crate::settlement::{Outcome, PushedTransfer, Refusal};

/// Transactions that are looked at, the newest first.
const MOST_TRACES: usize = 20;
/// Transactions of unknown meaning that are read for one answer.
const MOST_READ: usize = 4;
/// How long an answer waits for a record that is being made; it is made all the same.
const PATIENCE: Duration = Duration::from_secs(10);

/// A transaction that the caller knows of.
#[derive(Debug, Deserialize)]
pub(super) struct Hint {
    signature: Option<String>,
}

/// What is said.
#[derive(Debug)]
enum Standing {
    Open,
    Pending(Option<Signature>),
    Paid {
        intent: Pubkey,
        entitlement: Pubkey,
        beneficiary: Pubkey,
        signature: Option<Signature>,
        /// A view in which the entitlement stands.
        slot: u64,
    },
    Unmatched(Signature, &'static str),
}

pub(super) async fn tell(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
    hint: Result<Query<Hint>, QueryRejection>,
) -> Result<Response, ServiceError> {
    let (listing, payment_id) = pay::named(&app, path)?;
    let Query(hint) = hint.map_err(|_| GateError::QueryInvalid)?;
    let signature = hint
        .signature
        .map(|text| text.parse().map_err(|_| GateError::QueryInvalid))
        .transpose()?;
    let _turn = app
        .payment_turns
        .try_acquire()
        .map_err(|_| GateError::Overloaded)?;
    let purchase = Purchase {
        app: &app,
        listing: &listing,
        payment_id,
    };
    let standing = request_record::waiting(Wait::Chain, purchase.standing(signature))
        .await
        .map_err(|error| {
            warn!(code = error.code(), %error, "a purchase could not be looked up");
            GateError::ChainUnavailable
        })?;
    let waits = matches!(standing, Standing::Open | Standing::Pending(_));
    let mut response = json_response(StatusCode::OK, &standing.to_json());
    let headers = response.headers_mut();
    forbid_storing(headers);
    if waits {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER.0));
    }
    Ok(response)
}

impl Standing {
    fn to_json(&self) -> Value {
        match self {
            Self::Open => json!({ "status": "open" }),
            Self::Pending(None) => json!({ "status": "pending" }),
            Self::Pending(Some(signature)) => {
                json!({ "status": "pending", "signature": signature.to_string() })
            }
            Self::Paid {
                intent,
                entitlement,
                beneficiary,
                signature,
                slot,
            } => {
                let mut paid = json!({
                    "status": "paid",
                    "intent": intent.to_string(),
                    "entitlement": entitlement.to_string(),
                    "beneficiary": beneficiary.to_string(),
                    "slot": slot,
                });
                if let (Some(signature), Some(paid)) = (signature, paid.as_object_mut()) {
                    paid.insert("signature".to_owned(), signature.to_string().into());
                }
                paid
            }
            Self::Unmatched(signature, reason) => json!({
                "status": "unmatched",
                "signature": signature.to_string(),
                "reason": reason,
            }),
        }
    }
}

/// The purchase that is asked about.
struct Purchase<'a> {
    app: &'a App,
    listing: &'a Listing,
    payment_id: PaymentId,
}

impl Purchase<'_> {
    async fn standing(&self, hint: Option<Signature>) -> Result<Standing, RpcFailure> {
        let addresses = self.app.pool.addresses();
        let merchant = self.listing.product.merchant;
        let reference = addresses.quoted_intent(&merchant, &self.payment_id);
        let found = match hint {
            Some(signature) => vec![signature],
            None => {
                let traces = self.app.pool.traces(&reference, None, MOST_TRACES).await?;
                let succeeded = traces.iter().filter(|trace| trace.succeeded);
                succeeded.map(|trace| trace.signature).collect()
            }
        };
        // One question: the merchant's own intent of this id, and one for each
        // transaction that may be a transfer.
        let recorded = |signature: &Signature| {
            addresses.quoted_intent(&merchant, &transfer_payment_id(signature.as_array()))
        };
        let asked: Vec<Pubkey> = [reference]
            .into_iter()
            .chain(found.iter().map(recorded))
            .collect();
        let (slot, intents) = self.intents(&asked, 0).await?;
        let signatures = [None].into_iter().chain(found.iter().copied().map(Some));
        let mut waiting = None;
        for ((address, intent), signature) in asked.into_iter().zip(intents).zip(signatures) {
            let Some(intent) = intent.filter(|intent| intent.product == self.listing.address)
            else {
                continue;
            };
            if was_paid(&intent) {
                return Ok(self.paid((address, &intent), signature, slot));
            }
            if intent.status == IntentStatus::Open {
                match (signature, self.look_after(address, &intent).await) {
                    // An order, or a purchase of another rail: not paid so far.
                    (None, Some(false)) => {}
                    (signature, _) => waiting = Some(Standing::Pending(signature)),
                }
            }
        }
        let mut rest = None;
        // The oldest first: it is the one that was asked for.
        for signature in found.into_iter().rev().take(MOST_READ) {
            match self.examine(&signature).await? {
                Standing::Open => {}
                paid @ Standing::Paid { .. } => return Ok(paid),
                pending @ Standing::Pending(_) => rest = Some(pending),
                unmatched => rest = rest.or(Some(unmatched)),
            }
        }
        Ok(waiting.or(rest).unwrap_or(Standing::Open))
    }

    async fn look_after(&self, address: Pubkey, intent: &PaymentIntent) -> Option<bool> {
        let settlement = self.app.settlement.as_ref()?;
        settlement.look_after_order(address, intent).await
    }

    async fn intents(
        &self,
        asked: &[Pubkey],
        since: u64,
    ) -> Result<(u64, Vec<Option<PaymentIntent>>), RpcFailure> {
        let pool = &self.app.pool;
        let (slot, accounts) = pool.accounts_since(asked, since).await?;
        let intents = asked
            .iter()
            .zip(accounts)
            .map(|(address, account)| pool.decode(address, account))
            .collect::<Result<_, _>>()?;
        Ok((slot, intents))
    }

    fn paid(
        &self,
        (address, intent): (Pubkey, &PaymentIntent),
        signature: Option<Signature>,
        slot: u64,
    ) -> Standing {
        let addresses = self.app.pool.addresses();
        Standing::Paid {
            intent: address,
            entitlement: addresses.entitlement(&intent.product, &intent.beneficiary),
            beneficiary: intent.beneficiary,
            signature,
            slot,
        }
    }

    /// What a transaction means that is not recorded.
    async fn examine(&self, signature: &Signature) -> Result<Standing, RpcFailure> {
        let Some(landed) = self.app.pool.landed(signature).await? else {
            // Seen a moment ago by another server, or a caller's word for one to come.
            return Ok(Standing::Pending(Some(*signature)));
        };
        let keys = landed.transaction.message.static_account_keys();
        let relay = self.app.settlement.as_ref().map(|known| known.fee_payer());
        if relay.is_some() && keys.first() == relay.as_ref() {
            // Our own: an order's beginning.
            return Ok(Standing::Open);
        }
        if let Some(payer) = keys.first()
            && let Some(paid) = self.paid_by(payer, signature, landed.slot).await?
        {
            return Ok(paid);
        }
        let unmatched = Standing::Unmatched(*signature, "transfer_mismatch");
        let Some(settlement) = &self.app.settlement else {
            return Ok(unmatched);
        };
        let product = &self.listing.product;
        let recording = settlement.record_pushed(PushedTransfer {
            signature: *signature,
            product: self.listing.address,
            payment_id: self.payment_id,
            amount: product.price,
            mint: product.mint,
            cost: Metering::ONE_CREDIT.cost,
        });
        let outcome = tokio::time::timeout(PATIENCE, recording).await;
        let Ok(outcome) = outcome else {
            return Ok(Standing::Pending(Some(*signature)));
        };
        let slot = match outcome {
            Outcome::Paid(paid) => paid.slot,
            Outcome::Duplicate { .. } | Outcome::Refused(Refusal::ProofTooOld) => landed.slot,
            Outcome::Refused(Refusal::TransferMismatch | Refusal::TransactionFailed) => {
                return Ok(unmatched);
            }
            Outcome::Refused(refusal) => {
                let reason = refusal.code(tollgate_gate::x402::Version::V2);
                return Ok(Standing::Unmatched(*signature, reason));
            }
            Outcome::Pending { .. }
            | Outcome::Bounded(_)
            | Outcome::Busy
            | Outcome::Unavailable(_) => {
                return Ok(Standing::Pending(Some(*signature)));
            }
        };
        // What is said is what stands.
        let id = transfer_payment_id(signature.as_array());
        let merchant = &product.merchant;
        let address = self.app.pool.addresses().quoted_intent(merchant, &id);
        let (slot, intents) = self.intents(&[address], slot).await?;
        let intent = intents.into_iter().next().flatten();
        Ok(match intent.filter(was_paid) {
            Some(intent) => self.paid((address, &intent), Some(*signature), slot),
            None => Standing::Pending(Some(*signature)),
        })
    }

    /// The payer's own purchase of this id, if this transaction's payer has paid it.
    async fn paid_by(
        &self,
        payer: &Pubkey,
        signature: &Signature,
        since: u64,
    ) -> Result<Option<Standing>, RpcFailure> {
        let merchant = &self.listing.product.merchant;
        let addresses = self.app.pool.addresses();
        let address = addresses.intent(merchant, payer, &self.payment_id);
        let (slot, intents) = self.intents(&[address], since).await?;
        let intent = intents.into_iter().next().flatten();
        let intent =
            intent.filter(|intent| was_paid(intent) && intent.product == self.listing.address);
        Ok(intent.map(|intent| self.paid((address, &intent), Some(*signature), slot)))
    }
}

fn was_paid(intent: &PaymentIntent) -> bool {
    matches!(intent.status, IntentStatus::Paid | IntentStatus::Refunded)
}
