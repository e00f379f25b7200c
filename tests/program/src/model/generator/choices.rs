//! One of several: keys, addresses, amounts.

use super::super::state::{Entitlement, Intent};
use super::Generator;
use rand::Rng;
use rand::seq::IndexedRandom;
use solana_pubkey::Pubkey;

impl<'a> Generator<'a> {
    pub(super) fn one<T: Copy>(&mut self, all: &[T]) -> T {
        *all.choose(self.random).expect("there is a choice")
    }

    pub(super) fn chance(&mut self, one_in: u32) -> bool {
        self.random.random_ratio(1, one_in)
    }

    /// Whether this choice is made without regard to the rules.
    pub(super) fn wild(&mut self) -> bool {
        self.random.random_ratio(self.wildness, 100)
    }

    pub(super) fn anybody(&mut self) -> Pubkey {
        self.one(&self.places.everybody)
    }

    pub(super) fn payer(&mut self) -> Pubkey {
        self.one(&self.places.payers)
    }

    pub(super) fn mint(&mut self) -> Pubkey {
        self.one(&self.places.mints)
    }

    /// `right`, or once in a while anybody.
    pub(super) fn key(&mut self, right: Pubkey) -> Pubkey {
        if self.wild() { self.anybody() } else { right }
    }

    /// `right`, or once in a while any mint.
    pub(super) fn mint_or(&mut self, right: Pubkey) -> Pubkey {
        if self.wild() { self.mint() } else { right }
    }

    /// A merchant that exists, if one does.
    pub(super) fn merchant(&mut self) -> Pubkey {
        let existing: Vec<_> = self.model.merchants.keys().copied().collect();
        if existing.is_empty() || self.wild() {
            self.one(&self.places.merchants)
        } else {
            self.one(&existing)
        }
    }

    /// `right`, or once in a while any merchant.
    pub(super) fn merchant_or(&mut self, right: Option<Pubkey>) -> Pubkey {
        match right {
            Some(right) if !self.wild() => right,
            _ => self.merchant(),
        }
    }

    pub(super) fn operator_of(&mut self, merchant: Pubkey) -> Pubkey {
        let known = self.model.merchants.get(&merchant);
        let right = known.map_or(self.places.operators[0], |known| known.operator);
        self.key(right)
    }

    pub(super) fn authority_of(&mut self, merchant: Pubkey) -> Pubkey {
        let known = self.model.merchants.get(&merchant);
        let right = known.map_or(self.places.owners[0], |known| known.authority);
        self.key(right)
    }

    /// The vault of the merchant for the mint, or once in a while any vault.
    pub(super) fn vault(&mut self, merchant: Option<Pubkey>, mint: Pubkey) -> Pubkey {
        match merchant {
            Some(merchant) if !self.wild() => self.places.vaults[&(merchant, mint)],
            _ => {
                let all: Vec<_> = self.places.vaults.values().copied().collect();
                self.one(&all)
            }
        }
    }

    pub(super) fn amount_or(&mut self, right: u64) -> u64 {
        if !self.wild() {
            return right;
        }
        let near = [
            0,
            1,
            right.saturating_sub(1),
            right.saturating_add(1),
            u64::MAX,
        ];
        self.one(&near)
    }

    /// The entitlement of both, or once in a while another, or no entitlement.
    pub(super) fn entitlement_of(&mut self, product: Pubkey, beneficiary: Pubkey) -> Pubkey {
        let right = self.places.entitlements.get(&(product, beneficiary));
        match right {
            Some(right) if !self.wild() => *right,
            _ if self.chance(2) => {
                let purses: Vec<_> = self.places.purses.values().copied().collect();
                self.one(&purses)
            }
            _ => {
                let any: Vec<_> = self.places.entitlements.values().copied().collect();
                self.one(&any)
            }
        }
    }

    /// An intent that `suits`, or once in a while any, or any address of one.
    pub(super) fn intent(
        &mut self,
        suits: impl Fn(&Intent) -> bool,
    ) -> (Pubkey, Option<&'a Intent>) {
        let suiting: Vec<_> = (self.model.intents.iter())
            .filter(|(_, intent)| suits(intent))
            .map(|(address, _)| *address)
            .collect();
        let address = if let Some(focus) = self.focus {
            focus
        } else if self.wild() && !self.model.intents.is_empty() {
            let existing: Vec<_> = self.model.intents.keys().copied().collect();
            self.one(&existing)
        } else if suiting.is_empty() || self.wild() {
            let all: Vec<_> = self.places.intents.values().copied().collect();
            self.one(&all)
        } else {
            self.one(&suiting)
        };
        (address, self.model.intents.get(&address))
    }

    /// An entitlement that `suits`, or once in a while any, or any address of one.
    pub(super) fn entitlement(
        &mut self,
        suits: impl Fn(&Entitlement) -> bool,
    ) -> (Pubkey, Option<&'a Entitlement>) {
        let suiting: Vec<_> = (self.model.entitlements.iter())
            .filter(|(_, held)| suits(held))
            .map(|(address, _)| *address)
            .collect();
        let address = if self.wild() && !self.model.entitlements.is_empty() {
            let existing: Vec<_> = self.model.entitlements.keys().copied().collect();
            self.one(&existing)
        } else if suiting.is_empty() || self.wild() {
            let all: Vec<_> = self.places.entitlements.values().copied().collect();
            self.one(&all)
        } else {
            self.one(&suiting)
        };
        (address, self.model.entitlements.get(&address))
    }

    /// A token account that exists.
    pub(super) fn tokens(&mut self) -> Pubkey {
        let existing: Vec<_> = self.model.tokens.keys().copied().collect();
        self.one(&existing)
    }

    /// A number in every other case.
    pub(super) fn sometimes(&mut self, draw: impl FnOnce(&mut Self) -> u64) -> Option<u64> {
        self.random.random::<bool>().then(|| draw(self))
    }

    pub(super) fn price(&mut self) -> u64 {
        match self.random.random_range(0..60) {
            0 => u64::MAX,
            1..4 => 1,
            _ if self.wild() => 0,
            _ => self.random.random_range(2..5_000),
        }
    }

    pub(super) fn access(&mut self) -> u64 {
        const LONGEST: u64 = super::super::rules::MAX_ACCESS;
        match self.random.random_range(0..24) {
            0..3 => 0,
            3 => LONGEST,
            _ if self.wild() => LONGEST + 1,
            _ => self.random.random_range(1..20_000),
        }
    }

    /// Of a metered product.
    pub(super) fn credits(&mut self) -> u64 {
        match self.random.random_range(0..40) {
            0 => u64::MAX,
            _ => self.random.random_range(1..50),
        }
    }

    pub(super) fn window(&mut self) -> u64 {
        const LONGEST: u64 = super::super::rules::MAX_WINDOW;
        match self.random.random_range(0..24) {
            0 | 1 => 0,
            2 => LONGEST,
            _ if self.wild() => LONGEST + 1,
            _ => self.random.random_range(1..8_000),
        }
    }
}
