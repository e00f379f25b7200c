//! What to do next about a client's transfer: a pure function of what the chain says.
//!
//! There is no other state. A process may die after any line; whoever is asked next
//! reads the same chain and goes on from there. Three rules carry this:
//!
//! 1. **The intent is a flag.** Nothing is co-signed before an open intent of this very
//!    purchase stands on chain. So money that is on its way is never unknown to the
//!    next process, and where there is no intent nothing can have moved.
//! 2. **Flags are compared after they are set.** Of two purchases of one payer and
//!    product, the one whose intent is older goes on; the other waits until that is
//!    over. Each looks for the other only in a view in which its own flag stands, so
//!    that at least one sees both: two processes never co-sign for the same payer at
//!    the same time (Lamport's bakery, with chain time for the numbers).
//! 3. **Co-signing is over soon.** It happens only while the intent is younger than
//!    [`CO_SIGN_WITHIN`]; together with the life of a blockhash that bounds how long a
//!    flag must be respected ([`IN_THE_WAY_FOR`]).

use tollgate_client::{DurationSeconds, IntentStatus, PaymentIntent, Pubkey, Rail, UnixSeconds};

use super::facts::{Deposit, Facts, Fate, Life, Order, Rival};
use super::refusal::Refusal;
use crate::config::Settlement as Way;

/// How old an intent may be for a transaction to be co-signed for it.
pub(crate) const CO_SIGN_WITHIN: DurationSeconds = DurationSeconds(60);
/// The life of a blockhash: 150 blocks, at twice the time they usually take.
const LIFE_OF_A_TRANSACTION: DurationSeconds = DurationSeconds(120);
/// How long after its creation an open intent may still get its money.
pub(crate) const IN_THE_WAY_FOR: DurationSeconds =
    DurationSeconds(CO_SIGN_WITHIN.0 + LIFE_OF_A_TRANSACTION.0);
/// How long a transaction that has paid proves its payer's key to whoever shows it.
pub(crate) const PROOF_LIFE: DurationSeconds = DurationSeconds(600);

/// The next thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Find out which other purchases of this payer and product are under way.
    Survey,
    /// Create the intent, and its token account for a deposit. `renew`: an intent
    /// stands there that is over, and is closed in the same transaction.
    Create {
        /// Whether one is in the way.
        renew: bool,
    },
    /// Co-sign the client's transaction and send it.
    Submit,
    /// Make a payment of the deposit of this intent, the order's or a rival's.
    Sweep(Pubkey),
    /// Record the transfer that has landed in the vault.
    Record {
        /// Whether an intent that is over has to be made anew for it.
        renew: bool,
    },
    /// The intent cannot get its money: cancel and close it, so that it is in nobody's
    /// way.
    Abandon,
    /// The deposit may not become a payment: cancel the intent and give it back.
    GiveBack,
    /// The deposit cannot become a payment any more: give it back.
    Return,
    /// Both rails have taken money for one payment id: refund the deposit.
    Refund,
    /// The entitlement stands.
    Serve {
        /// Whether this transaction paid for it.
        paid: bool,
    },
    /// Ask the chain again in a moment.
    Wait,
    /// This very transaction was settled, and what it paid for is used up.
    Duplicate,
    /// Nothing has moved, and nothing will.
    Refuse(Refusal),
}

/// Decides. Total: every combination of facts has a step, and each step changes the
/// facts, waits for others to change, or ends.
pub(crate) fn next_step(order: &Order, facts: &Facts) -> Step {
    let Some(intent) = &facts.intent else {
        return without_intent(order, facts, false);
    };
    if !is_of(intent, order) {
        return Step::Refuse(Refusal::PaymentIdTaken);
    }
    match intent.status {
        IntentStatus::Paid => after_payment(order, facts, intent),
        IntentStatus::Cancelled | IntentStatus::Refunded => given_up(order, facts, intent),
        IntentStatus::Open if facts.now >= intent.expires_at => given_up(order, facts, intent),
        IntentStatus::Open => waiting(order, facts, intent),
    }
}

/// Whether an intent is the order's, made by this service for this payer.
pub(super) fn is_of(intent: &PaymentIntent, order: &Order) -> bool {
    intent.product == order.product
        && intent.beneficiary == order.payer
        && intent.payer == order.payer
        && intent.author == intent.merchant
        && intent.rent_payer == order.relay
}

/// Nothing was co-signed, or it is settled and gone.
fn without_intent(order: &Order, facts: &Facts, renew: bool) -> Step {
    match facts.fate {
        // It was settled an hour ago or earlier, and its intent is closed.
        Fate::Landed => settled_before(facts),
        Fate::Failed => Step::Refuse(Refusal::TransactionFailed),
        Fate::OnItsWay => Step::Wait,
        Fate::Unseen(Life::Expiring | Life::Over) => Step::Refuse(Refusal::BlockhashExpired),
        Fate::Unseen(Life::Usable) if facts.holds_access => Step::Serve { paid: false },
        Fate::Unseen(Life::Usable) => begin(order, facts, renew),
    }
}

/// Before the flag is set: what speaks against taking money at all?
fn begin(order: &Order, facts: &Facts, renew: bool) -> Step {
    if !facts.for_sale {
        return Step::Refuse(Refusal::NotForSale);
    }
    if facts.native.is_some_and(is_spent) {
        return Step::Refuse(Refusal::PaymentIdSpent);
    }
    if facts.funds < order.amount {
        return Step::Refuse(Refusal::InsufficientFunds);
    }
    let Some(rivals) = &facts.rivals else {
        return Step::Survey;
    };
    // Whoever sets a flag respects those that stand.
    yielding_to(rivals, facts.now, None).unwrap_or(Step::Create { renew })
}

/// The intent is paid: by this transaction, or by another of the same payment id.
fn after_payment(order: &Order, facts: &Facts, intent: &PaymentIntent) -> Step {
    let refundable = facts.now < intent.refund_until && intent.refunded.is_zero();
    if intent.rail == Rail::Deposit && facts.native == Some(IntentStatus::Paid) && refundable {
        return Step::Refund;
    }
    let recent = is_within(intent.paid_at, PROOF_LIFE, facts.now);
    if order.way == Way::Deposit && facts.fate == Fate::OnItsWay {
        return Step::Wait;
    }
    // An intent of the vault is named by its transaction.
    let by_this = order.way == Way::Vault || facts.fate == Fate::Landed;
    match (by_this, facts.holds_access) {
        (true, true) if recent => Step::Serve { paid: true },
        (true, true) => Step::Refuse(Refusal::ProofTooOld),
        (true, false) => Step::Duplicate,
        (false, true) if facts.fate == Fate::Unseen(Life::Usable) => Step::Serve { paid: false },
        (false, _) => Step::Refuse(Refusal::PaymentIdSpent),
    }
}

/// The intent is cancelled, refunded or expired: it takes no money any more.
fn given_up(order: &Order, facts: &Facts, intent: &PaymentIntent) -> Step {
    if !facts.deposit.amount().is_zero() {
        return Step::Return;
    }
    match (order.way, facts.fate) {
        // What is in the vault cannot go back: it is recorded, however late.
        (Way::Vault, Fate::Landed) if intent.status != IntentStatus::Refunded => {
            Step::Record { renew: true }
        }
        (_, Fate::Landed) if facts.holds_access => {
            let recent = is_within(intent.created_at, PROOF_LIFE, facts.now);
            if recent {
                Step::Serve { paid: false }
            } else {
                Step::Refuse(Refusal::ProofTooOld)
            }
        }
        (_, Fate::Landed) => Step::Refuse(Refusal::PaymentReturned),
        (Way::Deposit, Fate::Unseen(Life::Usable))
            if intent.status == IntentStatus::Refunded && !facts.holds_access =>
        {
            Step::Refuse(Refusal::PaymentIdSpent)
        }
        _ => without_intent(order, facts, true),
    }
}

/// The intent is open: its money is awaited, or has come.
fn waiting(order: &Order, facts: &Facts, intent: &PaymentIntent) -> Step {
    if order.way == Way::Deposit
        && let Deposit::Holds(held) = facts.deposit
    {
        if held >= intent.amount {
            let paid_otherwise = facts.holds_access || facts.native.is_some_and(is_spent);
            return if paid_otherwise {
                Step::GiveBack
            } else {
                Step::Sweep(order.intent)
            };
        }
        if facts.fate == Fate::Landed && !held.is_zero() {
            // The intent was made anew at a higher price in between.
            return Step::GiveBack;
        }
    }
    let young = is_within(intent.created_at, IN_THE_WAY_FOR, facts.now);
    match facts.fate {
        Fate::Landed if order.way == Way::Vault => Step::Record { renew: false },
        Fate::Landed => Step::Wait,
        Fate::Failed => Step::Abandon,
        Fate::OnItsWay => Step::Wait,
        Fate::Unseen(Life::Usable) => go_on(order, facts, intent),
        Fate::Unseen(Life::Expiring) => Step::Wait,
        // Another transaction of the same id may be on its way, or this one with a
        // server that nobody asks.
        Fate::Unseen(Life::Over) if young => Step::Wait,
        Fate::Unseen(Life::Over) => Step::Refuse(Refusal::BlockhashExpired),
    }
}

/// The flag stands, the client's transaction can be sent.
fn go_on(order: &Order, facts: &Facts, intent: &PaymentIntent) -> Step {
    if facts.holds_access {
        return Step::Serve { paid: false };
    }
    if facts.native.is_some_and(is_spent) {
        return Step::Refuse(Refusal::PaymentIdSpent);
    }
    if !facts.for_sale {
        return Step::Refuse(Refusal::NotForSale);
    }
    let Some(rivals) = &facts.rivals else {
        return Step::Survey;
    };
    if let Some(first) = yielding_to(rivals, facts.now, Some(intent)) {
        return first;
    }
    let same_price = intent.amount == order.amount;
    let fresh = is_within(intent.created_at, CO_SIGN_WITHIN, facts.now);
    let young = is_within(intent.created_at, IN_THE_WAY_FOR, facts.now);
    match same_price && fresh {
        true => Step::Submit,
        // Something may be on its way to it, which the others respect as long as this
        // flag is as old as it is.
        false if young => Step::Wait,
        false => Step::Create { renew: true },
    }
}

/// What has to happen first because of purchases that are under way: one that has its
/// money is made a payment of; one that may still get it is waited for, unless `own`
/// is older.
fn yielding_to(rivals: &[Rival], now: UnixSeconds, own: Option<&PaymentIntent>) -> Option<Step> {
    let open = || {
        rivals.iter().filter(|rival| {
            rival.intent.status == IntentStatus::Open && now < rival.intent.expires_at
        })
    };
    let holding = open().find(|rival| rival.deposit.amount() >= rival.intent.amount);
    if let Some(rival) = holding {
        return Some(Step::Sweep(rival.address));
    }
    open()
        .any(|rival| {
            let young = is_within(rival.intent.created_at, IN_THE_WAY_FOR, now);
            // In the same second both yield: one of them may not have seen the other.
            let older = own.is_none_or(|own| rival.intent.created_at <= own.created_at);
            young && older
        })
        .then_some(Step::Wait)
}

/// A transaction whose purchase is over and gone.
fn settled_before(facts: &Facts) -> Step {
    if facts.holds_access {
        Step::Refuse(Refusal::ProofTooOld)
    } else {
        Step::Duplicate
    }
}

/// Whether another rail has had money for the same payment id.
fn is_spent(status: IntentStatus) -> bool {
    matches!(status, IntentStatus::Paid | IntentStatus::Refunded)
}

/// Whether `now` is less than `time` after `since`.
pub(super) fn is_within(since: UnixSeconds, time: DurationSeconds, now: UnixSeconds) -> bool {
    let end = i64::try_from(time.0).map_or(i64::MAX, |time| since.0.saturating_add(time));
    now.0 < end
}
