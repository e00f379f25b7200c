//! What each action may do, written from the specification: the blueprint's table
//! and the documentation of each instruction. An action is refused for the first
//! reason that stands in the order in which the program promises to look.
//!
//! | module | what it rules |
//! | --- | --- |
//! | [`shop`] | merchants and products |
//! | [`intents`] | the terms of a purchase: made, given up, closed |
//! | [`payments`] | the three rails, and what a payment grants |
//! | [`returns`] | refunds, deposits that go back, withdrawals |
//! | [`entitlements`] | revocation, booking, closing |
//! | [`tokens`] | what SPL Token does |
//! | [`lamports`] | rent, and lamports that are sent |

pub mod entitlements;
pub mod intents;
pub mod lamports;
pub mod payments;
pub mod returns;
pub mod shop;
pub mod tokens;

use super::action::{Action, SetTime};
use super::places::Places;
use super::refusal::{Failed, Outcome, Refusal};
use super::state::{Intent, Merchant, Model, Status};
use solana_pubkey::Pubkey;
use tollgate_client::TollgateError as E;

const DAY: i64 = 86_400;
/// Longest time that an intent may stay payable.
pub const MAX_LIFETIME: i64 = 30 * DAY;
/// Longest access that one payment may grant.
pub const MAX_ACCESS: u64 = 36_525 * 86_400;
/// Longest refund window.
pub const MAX_WINDOW: u64 = 366 * 86_400;

impl Model {
    /// The world after each of the `actions` of one transaction, or why nothing changes.
    ///
    /// # Errors
    /// The action that fails, and why.
    pub fn after(&self, actions: &[Action], places: &Places) -> Result<Vec<Self>, Failed> {
        let mut states: Vec<Self> = Vec::with_capacity(actions.len());
        for (position, action) in actions.iter().enumerate() {
            let mut next = states.last().unwrap_or(self).clone();
            next.apply(action, places).map_err(|refusal| Failed {
                action: position,
                refusal,
            })?;
            states.push(next);
        }
        let last = states.last().unwrap_or(self);
        last.require_rent(self).map_err(|refusal| Failed {
            action: actions.len(),
            refusal,
        })?;
        Ok(states)
    }

    /// The world after one action of a transaction that goes on; `None` when it fails.
    pub fn applied(mut self, action: &Action, places: &Places) -> Option<Self> {
        self.apply(action, places).ok()?;
        Some(self)
    }

    fn apply(&mut self, action: &Action, places: &Places) -> Outcome {
        match action {
            Action::CreateMerchant(it) => self.create_merchant(it, places),
            Action::UpdateMerchant(it) => self.update_merchant(it),
            Action::ProposeAuthority(it) => self.propose_authority(it),
            Action::AcceptAuthority(it) => self.accept_authority(it),
            Action::CreateProduct(it) => self.create_product(it, places),
            Action::UpdateProduct(it) => self.update_product(it),
            Action::CloseProduct(it) => self.close_product(it),
            Action::CreateIntent(it) => self.create_intent(it, places),
            Action::CancelIntent(it) => self.cancel_intent(it),
            Action::CloseIntent(it) => self.close_intent(it, places),
            Action::Pay(it) => self.pay(it, places),
            Action::SettleDeposit(it) => self.settle_deposit(it, places),
            Action::RecordPayment(it) => self.record_payment(it, places),
            Action::ReclaimDeposit(it) => self.reclaim_deposit(it),
            Action::Refund(it) => self.refund(it, places),
            Action::Revoke(it) => self.revoke(it),
            Action::Consume(it) => self.consume(it),
            Action::CloseEntitlement(it) => self.close_entitlement(it),
            Action::Withdraw(it) => self.withdraw(it, places),
            Action::CreateTokens(it) => {
                self.create_tokens(&it.payer, it.owner, it.mint, places);
                Ok(())
            }
            Action::Deposit(it) => self.deposit(it, places),
            Action::HandOver(it) => self.hand_over(it, places),
            Action::Transfer(it) => self.transfer(it, places),
            Action::Freeze(it) => self.freeze(it),
            Action::Approve(it) => self.approve(it),
            Action::NameCloser(it) => self.name_closer(it),
            Action::CloseTokens(it) => self.close_tokens(it),
            Action::SendLamports(it) => self.send_lamports(it),
            Action::SetTime(SetTime(now)) => {
                self.now = *now;
                Ok(())
            }
        }
    }

    fn merchant(&mut self, address: &Pubkey) -> Result<&mut Merchant, Refusal> {
        self.merchants.get_mut(address).ok_or(Refusal::Absent)
    }

    fn intent(&self, address: &Pubkey) -> Result<Intent, Refusal> {
        self.intents.get(address).cloned().ok_or(Refusal::Absent)
    }
}

/// Passes an intent of `merchant` that waits for its payment.
fn waiting(intent: &Intent, merchant: &Pubkey) -> Outcome {
    if intent.merchant != *merchant {
        return Err(E::MerchantMismatch.into());
    }
    match intent.status {
        Status::Open => Ok(()),
        Status::Paid => Err(E::IntentAlreadyPaid.into()),
        Status::Cancelled => Err(E::IntentCancelled.into()),
        Status::Refunded => Err(E::IntentRefunded.into()),
    }
}

/// A key, unless it is the one that means nobody.
pub fn named(key: Pubkey) -> Option<Pubkey> {
    Some(key).filter(|key| *key != Pubkey::default())
}
