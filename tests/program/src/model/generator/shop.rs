//! Merchants and products.

use super::super::action::{
    AcceptAuthority, Action, CloseProduct, CreateMerchant, CreateProduct, ProposeAuthority,
    UpdateMerchant, UpdateProduct,
};
use super::super::places::SLUGS;
use super::Generator;
use rand::Rng;
use solana_pubkey::Pubkey;
use tollgate_client::{Amount, Credits, DurationSeconds, ProductChanges};

impl Generator<'_> {
    pub(super) fn create_merchant(&mut self) -> Action {
        let operator = self.one(&self.places.operators);
        let owner = self.one(&self.places.owners);
        let merchant = self.places.merchant_of(&owner);
        Action::CreateMerchant(CreateMerchant {
            owner,
            rent_payer: self.anybody(),
            merchant: self.merchant_or(Some(merchant)),
            operator: self.key_or_nobody(operator),
        })
    }

    pub(super) fn update_merchant(&mut self) -> Action {
        let merchant = self.merchant();
        let paused = self.model.merchants.get(&merchant).map(|it| it.paused);
        let operator = self.one(&self.places.operators);
        Action::UpdateMerchant(UpdateMerchant {
            signer: self.authority_of(merchant),
            merchant,
            operator: match self.random.random_range(0..4) {
                0 => Some(self.key_or_nobody(operator)),
                _ => None,
            },
            // Pauses are short, else nothing would be paid for long.
            paused: Some(paused == Some(false) && self.chance(3)),
        })
    }

    pub(super) fn propose_authority(&mut self) -> Action {
        let merchant = self.merchant();
        let proposed = self.anybody();
        Action::ProposeAuthority(ProposeAuthority {
            signer: self.authority_of(merchant),
            merchant,
            proposed: self.key_or_nobody(proposed),
        })
    }

    pub(super) fn accept_authority(&mut self) -> Action {
        let waiting: Vec<_> = (self.model.merchants.iter())
            .filter_map(|(address, it)| Some((*address, it.pending?)))
            .collect();
        let (merchant, pending) = if waiting.is_empty() {
            (self.merchant(), self.places.strangers[0])
        } else {
            self.one(&waiting)
        };
        Action::AcceptAuthority(AcceptAuthority {
            signer: self.key(pending),
            merchant,
        })
    }

    pub(super) fn create_product(&mut self) -> Action {
        let merchant = self.merchant();
        let free: Vec<_> = (0..SLUGS)
            .filter(|slug| {
                let address = self.places.products[&(merchant, *slug)];
                !self.model.products.contains_key(&address)
            })
            .collect();
        let slug = if free.is_empty() || self.wild() {
            self.random.random_range(0..=SLUGS)
        } else {
            self.one(&free)
        };
        let metered = self.random.random();
        let product = self.places.products[&(merchant, slug)];
        Action::CreateProduct(CreateProduct {
            signer: self.authority_of(merchant),
            rent_payer: self.anybody(),
            merchant,
            product: if self.wild() { self.product() } else { product },
            slug,
            mint: self.mint(),
            price: self.price(),
            access: self.access(),
            credits: if metered { self.credits() } else { 0 },
            window: self.window(),
        })
    }

    pub(super) fn update_product(&mut self) -> Action {
        let product = self.product();
        let known = self.model.products.get(&product);
        let right = known.map(|known| known.merchant);
        let active = known.is_none_or(|known| known.active);
        let metered = known.is_some_and(|known| known.credits > 0);
        let merchant = self.merchant_or(right);
        let credits = if metered != self.wild() {
            self.credits()
        } else {
            0
        };
        let changes = ProductChanges {
            price: self.sometimes(Self::price).map(Amount),
            access: self.sometimes(Self::access).map(DurationSeconds),
            credits: self.sometimes(|_| credits).map(Credits),
            refund_window: self.sometimes(Self::window).map(DurationSeconds),
            // Not for sale for a short while only.
            active: Some(!active || !self.chance(6)),
        };
        Action::UpdateProduct(UpdateProduct {
            signer: self.authority_of(merchant),
            merchant,
            product,
            changes,
        })
    }

    pub(super) fn close_product(&mut self) -> Action {
        let address = self.product();
        let product = self.model.products.get(&address);
        let rent_payer = product.map_or(self.places.payers[0], |product| product.rent_payer);
        let merchant = self.merchant_or(product.map(|product| product.merchant));
        Action::CloseProduct(CloseProduct {
            signer: self.authority_of(merchant),
            merchant,
            product: address,
            rent_payer: self.key(rent_payer),
        })
    }

    /// A product that exists, or once in a while any address of one.
    pub(super) fn product(&mut self) -> Pubkey {
        let known: Vec<_> = self.model.products.keys().copied().collect();
        if known.is_empty() || self.wild() {
            let all: Vec<_> = self.places.products.values().copied().collect();
            return self.one(&all);
        }
        self.one(&known)
    }

    fn key_or_nobody(&mut self, right: Pubkey) -> Pubkey {
        if !self.wild() {
            return right;
        }
        let others = [Pubkey::default(), self.anybody()];
        self.one(&others)
    }
}
