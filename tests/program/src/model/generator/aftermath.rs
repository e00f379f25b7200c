//! Refunds, bookings, withdrawals, ends.

use super::super::action::{Action, CloseEntitlement, Consume, Refund, Revoke, Withdraw};
use super::super::state::{Rail, Status};
use super::Generator;
use rand::Rng;

impl Generator<'_> {
    pub(super) fn refund(&mut self) -> Action {
        let now = self.model.now;
        let wild = self.wild();
        let (address, intent) = self.intent(|it| {
            let moved = matches!(it.rail, Rail::Pay | Rail::Deposit);
            moved && (wild || (it.status == Status::Paid && now < it.refund_until))
        });
        let intent = intent.cloned();
        let right = intent.as_ref().map(|it| it.merchant);
        let merchant = self.merchant_or(right);
        let payer = intent.as_ref().and_then(|it| it.payer);
        let owner = self.key(payer.unwrap_or(self.places.payers[0]));
        let mint = intent.as_ref().map_or(self.places.mints[0], |it| it.mint);
        let left = intent.as_ref().map_or(1, |it| it.amount - it.refunded);
        let amount = if self.chance(3) {
            left.div_ceil(2)
        } else {
            left
        };
        let product = intent.as_ref().map(|it| it.product).unwrap_or_default();
        let beneficiary = intent.and_then(|it| it.beneficiary).unwrap_or_default();
        let receiving = self.mint_or(mint);
        Action::Refund(Refund {
            operator: self.operator_of(merchant),
            merchant,
            intent: address,
            entitlement: self.entitlement_of(product, beneficiary),
            vault: self.vault(right, mint),
            destination: self.places.purses[&(owner, receiving)],
            mint: self.mint_or(mint),
            amount: self.amount_or(amount),
        })
    }

    pub(super) fn revoke(&mut self) -> Action {
        let (entitlement, held) = self.entitlement(|held| !held.revoked);
        let right = held.map(|held| held.merchant);
        let merchant = self.merchant_or(right);
        Action::Revoke(Revoke {
            operator: self.operator_of(merchant),
            merchant,
            entitlement,
        })
    }

    pub(super) fn consume(&mut self) -> Action {
        let any = self.wild();
        let (entitlement, held) = self.entitlement(|held| any || held.metered);
        let held = held.cloned();
        let merchant = self.merchant_or(held.as_ref().map(|held| held.merchant));
        let (used, granted, created_at) = held.map_or((0, 1, 0), |held| {
            (held.credits_used, held.credits_granted, held.created_at)
        });
        let few = used.saturating_add(self.random.random_range(0..20));
        let right = [
            few.min(granted),
            few.min(granted),
            few.min(granted),
            granted,
        ];
        let wrong = [granted.saturating_add(1), used.saturating_sub(1)];
        let total = if self.wild() {
            self.one(&wrong)
        } else {
            self.one(&right)
        };
        let replaced = i64::from(self.wild());
        Action::Consume(Consume {
            operator: self.operator_of(merchant),
            merchant,
            entitlement,
            used: total,
            created_at: created_at - replaced,
        })
    }

    pub(super) fn close_entitlement(&mut self) -> Action {
        let now = self.model.now;
        let (entitlement, held) =
            self.entitlement(|held| now >= held.refundable_until && !held.usable(now));
        let rent_payer = held.map_or(self.places.payers[0], |held| held.rent_payer);
        Action::CloseEntitlement(CloseEntitlement {
            entitlement,
            rent_payer: self.key(rent_payer),
        })
    }

    pub(super) fn withdraw(&mut self) -> Action {
        let merchant = self.merchant();
        let mint = self.mint();
        let vault = self.places.vaults[&(merchant, mint)];
        let held = self.model.tokens.get(&vault).map_or(1, |held| held.amount);
        let part = held / self.random.random_range(1..5);
        let destination = if self.wild() {
            let others = [vault, self.tokens()];
            self.one(&others)
        } else {
            self.places.purses[&(self.anybody(), mint)]
        };
        Action::Withdraw(Withdraw {
            signer: self.authority_of(merchant),
            merchant,
            mint,
            destination,
            amount: self.amount_or(part),
        })
    }
}
