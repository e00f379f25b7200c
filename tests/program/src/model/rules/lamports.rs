//! Rent, and lamports that are sent.

use super::super::action::SendLamports;
use super::super::refusal::{Outcome, Refusal, ensure};
use super::super::state::Model;
use crate::MinimumBalanceRule;
use solana_pubkey::Pubkey;

impl Model {
    pub(super) fn send_lamports(&mut self, it: &SendLamports) -> Outcome {
        *self.lamports.get_mut(&it.sender).unwrap() -= it.lamports;
        *self.lamports.entry(it.destination).or_default() += it.lamports;
        Ok(())
    }

    /// Lamports that are there already count towards the rent.
    pub(super) fn pay_rent(&mut self, rent_payer: &Pubkey, address: &Pubkey, rent: u64) {
        let held = self.lamports.entry(*address).or_default();
        let missing = rent.saturating_sub(*held);
        *held += missing;
        *self.lamports.get_mut(rent_payer).unwrap() -= missing;
    }

    /// All lamports of a closed account go to the recorded rent payer.
    pub(super) fn return_rent(&mut self, address: &Pubkey, rent_payer: &Pubkey) {
        let returned = self.lamports.remove(address).unwrap();
        *self.lamports.entry(*rent_payer).or_default() += returned;
    }

    /// The runtime's own rule: a transaction leaves no account with lamports below
    /// its rent, unless it was below before and the runtime lets it stay. Accounts
    /// with data always have theirs.
    pub(super) fn require_rent(&self, before: &Self) -> Outcome {
        let poor = |lamports: u64| 0 < lamports && lamports < self.rents.empty;
        for (address, lamports) in &self.lamports {
            let had = before.lamports.get(address).copied().unwrap_or(0);
            let may_stay = match self.rents.minimum_balance_rule {
                MinimumBalanceRule::NoGains => *lamports <= had,
                MinimumBalanceRule::NoLosses => *lamports >= had,
            };
            let allowed = !poor(*lamports) || (poor(had) && may_stay);
            ensure(allowed, Refusal::Rent)?;
        }
        Ok(())
    }
}
