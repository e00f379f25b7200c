//! Situations that have to come up, or the test would show less than it seems to.

use super::action::{Action, CreateIntent, Pay};
use super::places::Places;
use super::refusal::{Failed, Refusal};
use super::state::Model;
use solana_pubkey::Pubkey;
use tollgate_client::TollgateError;

/// A situation worth counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Situation {
    /// An account was created where fewer lamports were than any account needs.
    CreatedOverOneLamport,
    /// An account was created where lamports up to its rent were.
    CreatedOverRent,
    /// An account was created where more lamports were than its rent.
    CreatedOverTenRents,
    /// The same intent was to be paid twice in one transaction.
    PaidTwiceAtOnce,
    /// An intent was created, paid and refunded in one transaction.
    RefundedAtOnce,
    /// An intent was closed and created again in one transaction.
    CreatedAgainAtOnce,
    /// A delegate paid from somebody's purse.
    PaidByDelegate,
    /// A payment in the second mint.
    PaidInSecondMint,
    /// A deposit went back from an account that somebody else may close.
    ReclaimedWithCloser,
    /// Money of a payment, a deposit or a refund could not move because it was frozen.
    Frozen,
    /// Tokens were sent to a vault without a payment.
    VaultGift,
    /// Money was withdrawn or went back while the merchant was paused.
    LeftWhilePaused,
}

impl Situation {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::CreatedOverOneLamport,
        Self::CreatedOverRent,
        Self::CreatedOverTenRents,
        Self::PaidTwiceAtOnce,
        Self::RefundedAtOnce,
        Self::CreatedAgainAtOnce,
        Self::PaidByDelegate,
        Self::PaidInSecondMint,
        Self::ReclaimedWithCloser,
        Self::Frozen,
        Self::VaultGift,
        Self::LeftWhilePaused,
    ];
}

/// What came up in a transaction that succeeded: `states` are those after each action.
pub fn of_success(
    actions: &[Action],
    before: &Model,
    states: &[Model],
    places: &Places,
) -> Vec<Situation> {
    let mut all = Vec::new();
    let mut state = before;
    for (position, action) in actions.iter().enumerate() {
        let earlier = &actions[..position];
        let after = &states[position];
        all.extend(created(state, after));
        match action {
            Action::Pay(it) => {
                if state.tokens[&it.source].owner != it.payer {
                    all.push(Situation::PaidByDelegate);
                }
                if it.mint == places.mints[1] {
                    all.push(Situation::PaidInSecondMint);
                }
            }
            Action::Refund(it) => {
                let at_once = created_among(earlier, it.intent) && paid_among(earlier, it.intent);
                all.extend(at_once.then_some(Situation::RefundedAtOnce));
            }
            Action::CreateIntent(it) => {
                let closed = earlier
                    .iter()
                    .any(|action| matches!(action, Action::CloseIntent(that) if that.intent == it.intent));
                all.extend(closed.then_some(Situation::CreatedAgainAtOnce));
            }
            Action::ReclaimDeposit(it) => {
                let closer = state.tokens[&it.deposit].closer;
                all.extend(closer.map(|_| Situation::ReclaimedWithCloser));
            }
            Action::Transfer(it) if state.flows.contains_key(&it.destination) => {
                all.push(Situation::VaultGift);
            }
            _ => {}
        }
        let leaving = match action {
            Action::Refund(it) => Some(it.merchant),
            Action::Withdraw(it) => Some(it.merchant),
            Action::ReclaimDeposit(it) => Some(state.intents[&it.intent].merchant),
            _ => None,
        };
        let paused = leaving.is_some_and(|merchant| state.merchants[&merchant].paused);
        all.extend(paused.then_some(Situation::LeftWhilePaused));
        state = after;
    }
    all
}

/// What came up in a transaction that failed; `state` is the one before it.
pub fn of_failure(actions: &[Action], failed: Failed, state: &Model) -> Vec<Situation> {
    let Some(action) = actions.get(failed.action) else {
        return Vec::new();
    };
    let earlier = &actions[..failed.action];
    let frozen = |account: &Pubkey| state.tokens.get(account).is_some_and(|held| held.frozen);
    match (action, failed.refusal) {
        (Action::Pay(it), Refusal::Program(TollgateError::IntentAlreadyPaid))
            if paid_among(earlier, it.intent) =>
        {
            vec![Situation::PaidTwiceAtOnce]
        }
        (Action::Pay(it), Refusal::Elsewhere) if frozen(&it.source) || frozen(&it.vault) => {
            vec![Situation::Frozen]
        }
        (Action::SettleDeposit(it), Refusal::Elsewhere)
            if frozen(&it.deposit) || frozen(&it.vault) =>
        {
            vec![Situation::Frozen]
        }
        (Action::Refund(it), Refusal::Elsewhere)
            if frozen(&it.vault) || frozen(&it.destination) =>
        {
            vec![Situation::Frozen]
        }
        _ => Vec::new(),
    }
}

fn created(before: &Model, after: &Model) -> Option<Situation> {
    let new_intent = after
        .intents
        .keys()
        .find(|it| !before.intents.contains_key(it));
    let new_entitlement =
        (after.entitlements.keys()).find(|address| !before.entitlements.contains_key(address));
    let (address, rent) = new_intent
        .map(|address| (address, before.rents.intent))
        .or(new_entitlement.map(|address| (address, before.rents.entitlement)))?;
    let had = *before.lamports.get(address)?;
    if had == 0 {
        None
    } else if had < before.rents.empty {
        Some(Situation::CreatedOverOneLamport)
    } else if had <= rent {
        Some(Situation::CreatedOverRent)
    } else {
        Some(Situation::CreatedOverTenRents)
    }
}

fn paid_among(actions: &[Action], intent: Pubkey) -> bool {
    let pays = |action: &Action| matches!(action, Action::Pay(Pay { intent: paid, .. }) if *paid == intent);
    actions.iter().any(pays)
}

fn created_among(actions: &[Action], intent: Pubkey) -> bool {
    let creates = |action: &Action| matches!(action, Action::CreateIntent(CreateIntent { intent: made, .. }) if *made == intent);
    actions.iter().any(creates)
}
