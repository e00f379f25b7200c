//! Transfers that the payer has sent alone: wallets, and clients that push.
//!
//! There is no flag before the money here. What names the purchase instead is the
//! transaction itself, which can be recorded once; and only for [`MOST_AGE`], which is
//! shorter than an intent of a recorded one is kept, so that a record which is gone is
//! never made again.

use solana_message::VersionedMessage;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use tokio::time::Instant;
use tollgate_client::{
    Addresses, Amount, Credits, DurationSeconds, IntentStatus, PaymentId, Pubkey, QuotedPurchase,
    transfer_payment_id,
};
use tollgate_gate::exact::{MEMO_PROGRAM, TOKEN_PROGRAM};
use tollgate_gate::solana_pay;

use super::facts::{Facts, Fate, Order};
use super::outcome::{Outcome, Paid};
use super::plan::{PROOF_LIFE, is_of, is_within};
use super::reading::Unknown;
use super::refusal::Refusal;
use super::transactions::{KEPT_FOR, expiry};
use super::turns::Turn;
use super::{Job, Performed, Settlement};
use crate::config::Settlement as Way;

/// How old a transfer may be that is recorded on its payer's word.
const MOST_AGE: DurationSeconds = PROOF_LIFE;
/// The SPL Token program's instructions that move tokens.
const TRANSFER: u8 = 3;
const TRANSFER_CHECKED: u8 = 12;

/// A transfer that somebody says was made for a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PushedTransfer {
    /// By which the cluster knows its transaction.
    pub(crate) signature: Signature,
    /// The product account.
    pub(crate) product: Pubkey,
    /// The challenge's payment id: named by the transaction's memo, or by the intent's
    /// address among the transfer's accounts (Solana Pay's reference).
    pub(crate) payment_id: PaymentId,
    /// What was asked for, exactly.
    pub(crate) amount: Amount,
    /// What it is paid with.
    pub(crate) mint: Pubkey,
    /// What the request takes from a product that counts credits.
    pub(crate) cost: Credits,
}

/// The next thing to do about a pushed transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PushStep {
    /// Create its intent and record it.
    Create,
    /// Record it for the intent that stands.
    Record {
        /// Whether that has to be made anew.
        renew: bool,
    },
    /// The entitlement stands.
    Serve,
    /// It was recorded, and what it paid for is used up.
    Duplicate,
    /// Nothing is granted for it.
    Refuse(Refusal),
}

/// Decides about a transfer that landed at `time`: a pure function.
pub(super) fn next_push_step(order: &Order, facts: &Facts, time: Option<i64>) -> PushStep {
    let Some(intent) = &facts.intent else {
        let recent = time
            .is_some_and(|time| is_within(tollgate_client::UnixSeconds(time), MOST_AGE, facts.now));
        return if recent {
            PushStep::Create
        } else {
            PushStep::Refuse(Refusal::TransferTooOld)
        };
    };
    if !is_of(intent, order) {
        return PushStep::Refuse(Refusal::PaymentIdTaken);
    }
    match intent.status {
        IntentStatus::Open if facts.now < intent.expires_at => PushStep::Record { renew: false },
        IntentStatus::Open | IntentStatus::Cancelled => PushStep::Record { renew: true },
        IntentStatus::Paid | IntentStatus::Refunded if !facts.holds_access => PushStep::Duplicate,
        IntentStatus::Paid | IntentStatus::Refunded => {
            if is_within(intent.paid_at, PROOF_LIFE, facts.now) {
                PushStep::Serve
            } else {
                PushStep::Refuse(Refusal::ProofTooOld)
            }
        }
    }
}

/// Who paid, if `transaction` is just the transfer that was asked for: exactly one
/// instruction of its own moves tokens into the vault, and just the amount; and it
/// names the purchase.
pub(super) fn payer_of(
    transaction: &VersionedTransaction,
    transfer: &PushedTransfer,
    vault: &Pubkey,
    reference: &Pubkey,
) -> Option<Pubkey> {
    let message = &transaction.message;
    let keys = message.static_account_keys();
    let mut paid = None;
    let mut named = false;
    let memo = solana_pay::memo(&transfer.payment_id);
    for instruction in message.instructions() {
        let program = *keys.get(usize::from(instruction.program_id_index))?;
        if program == MEMO_PROGRAM {
            named |= instruction.data == memo.as_bytes();
            continue;
        }
        if program != TOKEN_PROGRAM {
            continue;
        }
        // Accounts of a lookup table are not resolved: nothing that is asked for stands
        // in one.
        let account = |place: usize| {
            let index = instruction.accounts.get(place)?;
            keys.get(usize::from(*index))
        };
        let (tag, rest) = instruction.data.split_first()?;
        let (destination, authority, mint) = match *tag {
            TRANSFER => (1, 2, None),
            TRANSFER_CHECKED => (2, 3, Some(1)),
            _ => continue,
        };
        if account(destination) != Some(vault) {
            continue;
        }
        let amount = rest.get(..8)?.try_into().map(u64::from_le_bytes).ok()?;
        let right_mint = mint.is_none_or(|place| account(place) == Some(&transfer.mint));
        if paid.is_some() || Amount(amount) != transfer.amount || !right_mint {
            return None;
        }
        let payer = *account(authority)?;
        paid = Some(payer).filter(|payer| signs(message, payer));
        paid?;
        let extra = instruction
            .accounts
            .get(authority + 1..)
            .unwrap_or_default();
        named |= extra
            .iter()
            .any(|index| keys.get(usize::from(*index)) == Some(reference));
    }
    paid.filter(|_| named)
}

fn signs(message: &VersionedMessage, key: &Pubkey) -> bool {
    let signers = usize::from(message.header().num_required_signatures);
    let mut keys = message.static_account_keys().iter().take(signers);
    keys.any(|signer| signer == key)
}

impl Settlement {
    /// Goes on until the outcome is certain or the deadline has come.
    pub(super) async fn converge_pushed(
        &self,
        transfer: &PushedTransfer,
        deadline: Instant,
    ) -> Outcome {
        let mut turn = None;
        let mut first = true;
        while first || Instant::now() < deadline {
            if !first {
                tokio::time::sleep(super::engine::PAUSE).await;
            }
            first = false;
            match self.push_once(transfer, &mut turn, deadline).await {
                Ok(Some(outcome)) => return outcome,
                Ok(None) => {}
                Err(unknown) => {
                    tracing::debug!(
                        code = unknown.code(),
                        "a pushed transfer waits for the chain"
                    );
                }
            }
        }
        Outcome::Pending {
            signature: Some(transfer.signature),
        }
    }

    async fn push_once(
        &self,
        transfer: &PushedTransfer,
        turn: &mut Option<Turn>,
        deadline: Instant,
    ) -> Result<Option<Outcome>, Unknown> {
        // Not confirmed yet, or unknown to this server.
        let Some(landed) = self.pool.landed(&transfer.signature).await? else {
            return Ok(None);
        };
        if !landed.succeeded {
            return Ok(Some(Outcome::Refused(Refusal::TransactionFailed)));
        }
        let addresses = self.pool.addresses();
        let vault = addresses.vault(&self.merchant, &transfer.mint);
        let reference = addresses.quoted_intent(&self.merchant, &transfer.payment_id);
        let Some(payer) = payer_of(&landed.transaction, transfer, &vault, &reference) else {
            return Ok(Some(Outcome::Refused(Refusal::TransferMismatch)));
        };
        if turn.is_none() {
            let taking = self.turns.take(payer, transfer.product);
            *turn = tokio::time::timeout_at(deadline, taking)
                .await
                .ok()
                .flatten();
            if turn.is_none() {
                return Ok(None);
            }
        }
        let intent_id = transfer_payment_id(transfer.signature.as_array());
        let job = Job {
            order: Order {
                way: Way::Vault,
                product: transfer.product,
                payer,
                amount: transfer.amount,
                intent: addresses.quoted_intent(&self.merchant, &intent_id),
                relay: self.relay.address(),
                signature: transfer.signature,
            },
            transaction: landed.transaction,
            payment_id: None,
            intent_id,
            mint: transfer.mint,
            source: Addresses::token_account(&payer, &transfer.mint),
            fee: 0,
            cost: transfer.cost,
        };
        let reading = self.read(&job, landed.slot).await?;
        if reading.facts.fate != Fate::Landed {
            return Ok(None);
        }
        let time = landed.time.map(|time| time.0);
        let (order, builder) = (&job.order, self.builder());
        let of = (self.merchant, order.product);
        let record = || builder.record(order.intent, of, payer, &order.signature);
        let instructions = match next_push_step(order, &reading.facts, time) {
            PushStep::Serve => {
                return Ok(Some(Outcome::Paid(Paid {
                    payer,
                    signature: Some(order.signature),
                    intent: Some(order.intent),
                    slot: reading.slot,
                    turn: turn.take().filter(|_| !reading.product.credits.is_zero()),
                })));
            }
            PushStep::Duplicate => {
                return Ok(Some(Outcome::Duplicate {
                    signature: order.signature,
                }));
            }
            PushStep::Refuse(refusal) => return Ok(Some(Outcome::Refused(refusal))),
            PushStep::Record { renew: false } => vec![record()],
            PushStep::Record { renew: true } => {
                let Some(intent) = &reading.facts.intent else {
                    return Ok(None);
                };
                let (now, to) = (reading.facts.now, reading.destination);
                builder.record_anew((order.intent, intent), to, now, &order.signature)
            }
            PushStep::Create => {
                let mut quoted = QuotedPurchase::of_product(
                    (order.product, &reading.product),
                    (self.relay.operator(), self.relay.address()),
                    (payer, intent_id),
                    KEPT_FOR,
                    expiry(Way::Vault, reading.facts.now),
                );
                // What was asked for then; the price may be another now.
                quoted.terms.amount = transfer.amount;
                if let Err(refusal) = self.relay.reserve(&payer, self.record_cost(&reading)) {
                    return Ok(Some(Outcome::Bounded(refusal)));
                }
                let mut instructions = builder.create(Way::Vault, &quoted, transfer.mint);
                instructions.push(record());
                instructions
            }
        };
        let performed = self.perform(&instructions, reading.slot, deadline).await?;
        if let Performed::Refused(reason) = performed {
            tracing::warn!(%reason, signature = %order.signature, "a pushed transfer could not be recorded");
        }
        Ok(None)
    }
}
