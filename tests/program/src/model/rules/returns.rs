//! Refunds, deposits that go back, withdrawals.

use super::super::action::{ReclaimDeposit, Refund, Withdraw};
use super::super::places::Places;
use super::super::refusal::{Outcome, Refusal, ensure};
use super::super::state::{Entitlement, Intent, Model, Rail, Status};
use tollgate_client::TollgateError as E;

impl Model {
    pub(super) fn refund(&mut self, it: &Refund, places: &Places) -> Outcome {
        let operator = self.merchant(&it.merchant)?.operator;
        let mut intent = self.intent(&it.intent)?;
        let receiver = self.tokens.get(&it.destination).ok_or(Refusal::Absent)?;
        let receiver = receiver.owner;
        ensure(intent.merchant == it.merchant, E::MerchantMismatch)?;
        let vault = places.vaults[&(intent.merchant, intent.mint)];
        ensure(it.vault == vault, E::VaultMismatch)?;
        ensure(Some(receiver) == intent.payer, E::DestinationMismatch)?;
        ensure(it.mint == intent.mint, E::MintMismatch)?;
        ensure(it.operator == operator, E::SignerNotAllowed)?;
        let moved_here = matches!(intent.rail, Rail::Pay | Rail::Deposit);
        ensure(moved_here, E::RefundElsewhere)?;
        ensure(intent.status == Status::Paid, E::IntentNotPaid)?;
        ensure(self.now < intent.refund_until, E::RefundWindowOver)?;
        let refunded = intent.refunded.checked_add(it.amount);
        let refunded = refunded.ok_or(E::ArithmeticOverflow)?;
        ensure(refunded <= intent.amount, E::RefundTooLarge)?;
        ensure(it.amount > 0, E::AmountZero)?;
        self.move_tokens(&vault, &it.destination, &it.merchant, it.amount)?;
        self.flow(&vault).refunded += it.amount;
        intent.refunded = refunded;

        let beneficiary = intent.beneficiary.unwrap();
        let due = places.entitlements[&(intent.product, beneficiary)];
        ensure(it.entitlement == due, E::EntitlementMismatch)?;
        if refunded == intent.amount {
            intent.status = Status::Refunded;
            let held = self.entitlements.get_mut(&due);
            if let Some(held) = held.filter(|held| held.era == intent.era && !held.revoked) {
                held.take_back(&intent);
            }
            self.standing
                .retain(|payment| payment.intent != Some(it.intent));
        }
        self.intents.insert(it.intent, intent);
        Ok(())
    }

    pub(super) fn reclaim_deposit(&mut self, it: &ReclaimDeposit) -> Outcome {
        let intent = self.intent(&it.intent)?;
        let held = self.tokens.get(&it.deposit).ok_or(Refusal::Absent)?.clone();
        let receiver = self.tokens.get(&it.destination).ok_or(Refusal::Absent)?;
        ensure(held.owner == it.intent, E::DepositMismatch)?;
        ensure(held.mint == it.mint, E::MintMismatch)?;
        let owner = intent.beneficiary.or(intent.payer);
        let owner = owner.unwrap_or(intent.merchant);
        ensure(receiver.owner == owner, E::DestinationMismatch)?;
        ensure(intent.rent_payer == it.rent_payer, E::RentPayerMismatch)?;
        let pending = intent.status == Status::Open && self.now < intent.expires_at;
        ensure(!pending, E::DepositPending)?;
        if held.amount > 0 {
            self.move_tokens(&it.deposit, &it.destination, &it.intent, held.amount)?;
            self.give(&it.destination, held.amount);
        }
        // With a foreign close authority the empty account stays.
        if held.closer.is_none() {
            self.tokens.remove(&it.deposit);
            self.return_rent(&it.deposit, &it.rent_payer);
        }
        Ok(())
    }

    pub(super) fn withdraw(&mut self, it: &Withdraw, places: &Places) -> Outcome {
        let authority = self.merchant(&it.merchant)?.authority;
        let vault = places.vaults[&(it.merchant, it.mint)];
        ensure(self.tokens.contains_key(&vault), Refusal::Absent)?;
        ensure(it.signer == authority, E::SignerNotAllowed)?;
        ensure(it.amount > 0, E::AmountZero)?;
        ensure(vault != it.destination, E::AccountsAliased)?;
        self.move_tokens(&vault, &it.destination, &it.merchant, it.amount)?;
        self.flow(&vault).withdrawn += it.amount;
        self.give(&it.destination, it.amount);
        Ok(())
    }
}

impl Entitlement {
    /// All of a payment's seconds, and of its credits those that are not used.
    fn take_back(&mut self, intent: &Intent) {
        if intent.access == 0 {
            self.unlimited -= 1;
        } else {
            let until = self.timed_until.checked_sub_unsigned(intent.access);
            self.timed_until = until.unwrap();
        }
        let unused = self.credits_granted - self.credits_used;
        self.credits_granted -= unused.min(intent.credits);
        self.payments -= 1;
        self.set_expiry();
    }

    pub(super) fn set_expiry(&mut self) {
        self.expires_at = if self.unlimited > 0 {
            i64::MAX
        } else {
            self.timed_until
        };
    }
}
