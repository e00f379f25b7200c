//! What an intent still needs that nobody asks for again: a pure function of what the
//! chain says.

use solana_signature::Signature;
use tollgate_client::{DurationSeconds, IntentStatus, PaymentIntent, Rail, UnixSeconds};

use crate::settlement::facts::Deposit;
use crate::settlement::plan::{PROOF_LIFE, is_within};

/// How long an open intent is left to whoever made it.
const LEFT_ALONE: DurationSeconds = DurationSeconds(10);
/// How long after a payment a late deposit is looked for.
const LATE_DEPOSITS: DurationSeconds = DurationSeconds(300);

/// The relay's transaction that would have paid an intent of the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::settlement) enum Transfer {
    /// It stands.
    Landed(Signature),
    /// All of the relay's transactions since the intent was made are known, and it is
    /// not among them.
    None,
    /// They are not all known.
    Unknown,
}

/// What is known beside the intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::settlement) struct Known {
    /// Chain time.
    pub(in crate::settlement) now: UnixSeconds,
    /// The intent's token account.
    pub(in crate::settlement) deposit: Deposit,
    /// Whether its beneficiary would be served without it.
    pub(in crate::settlement) holds_access: bool,
    /// The beneficiary's own intent of the same payment id.
    pub(in crate::settlement) native: Option<IntentStatus>,
    /// The transfer that it may wait for.
    pub(in crate::settlement) transfer: Transfer,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::settlement) enum Chore {
    /// Make the deposit a payment.
    Settle,
    /// Cancel, and give the deposit back: its payer has access already.
    GiveBack,
    /// Give back what is in the deposit account, close that, and the intent if it is
    /// over.
    Reclaim {
        /// Whether it is.
        close: bool,
    },
    /// Close the intent: its rent comes back.
    Close,
    /// Refund the deposit: another rail has had money for the same payment id.
    Refund,
    /// Record the transfer to the vault.
    Record {
        /// The transaction.
        signature: Signature,
        /// Whether the intent has to be made anew.
        renew: bool,
    },
}

/// Whether an intent can need anything now; the others are not looked at closer.
pub(in crate::settlement) fn is_due(intent: &PaymentIntent, now: UnixSeconds) -> bool {
    match intent.status {
        IntentStatus::Open => !is_within(intent.created_at, LEFT_ALONE, now),
        IntentStatus::Cancelled | IntentStatus::Refunded => true,
        IntentStatus::Paid => {
            now >= intent.refund_until || is_within(intent.paid_at, LATE_DEPOSITS, now)
        }
    }
}

/// Whether an intent may be closed as far as its own fields say. Those that say what
/// became of a payment stay for as long as somebody may ask by it.
fn is_over(intent: &PaymentIntent, now: UnixSeconds) -> bool {
    match intent.status {
        IntentStatus::Open => now >= intent.expires_at,
        IntentStatus::Paid => now >= intent.refund_until,
        IntentStatus::Cancelled => !is_within(intent.created_at, PROOF_LIFE, now),
        IntentStatus::Refunded => !is_within(intent.paid_at, PROOF_LIFE, now),
    }
}

/// Decides.
pub(in crate::settlement) fn chore(intent: &PaymentIntent, known: &Known) -> Option<Chore> {
    let now = known.now;
    if !is_due(intent, now) {
        return None;
    }
    let over = is_over(intent, now);
    let open = intent.status == IntentStatus::Open && now < intent.expires_at;
    if open {
        return unfinished(intent, known);
    }
    let spent_twice = intent.rail == Rail::Deposit && known.native == Some(IntentStatus::Paid);
    if intent.status == IntentStatus::Paid
        && spent_twice
        && intent.refunded.is_zero()
        && now < intent.refund_until
    {
        return Some(Chore::Refund);
    }
    if known.deposit != Deposit::Absent {
        return Some(Chore::Reclaim { close: over });
    }
    let unpaid = matches!(intent.status, IntentStatus::Open | IntentStatus::Cancelled);
    match known.transfer {
        Transfer::Landed(signature) if unpaid => Some(Chore::Record {
            signature,
            renew: true,
        }),
        // It may be one of the vault whose money has come.
        Transfer::Unknown if unpaid => None,
        _ => over.then_some(Chore::Close),
    }
}

/// Payable still: has its money come?
fn unfinished(intent: &PaymentIntent, known: &Known) -> Option<Chore> {
    if known.deposit.amount() >= intent.amount {
        let spent = known
            .native
            .is_some_and(|status| matches!(status, IntentStatus::Paid | IntentStatus::Refunded));
        return Some(if known.holds_access || spent {
            Chore::GiveBack
        } else {
            Chore::Settle
        });
    }
    match known.transfer {
        Transfer::Landed(signature) if known.deposit == Deposit::Absent => Some(Chore::Record {
            signature,
            renew: false,
        }),
        _ => None,
    }
}
