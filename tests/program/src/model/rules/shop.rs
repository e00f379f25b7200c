//! Merchants and products.

use super::super::action::{
    AcceptAuthority, CloseProduct, CreateMerchant, CreateProduct, ProposeAuthority, UpdateMerchant,
    UpdateProduct,
};
use super::super::places::{Places, SLUGS};
use super::super::refusal::{Outcome, Refusal, ensure};
use super::super::state::{Merchant, Model, Product};
use super::{MAX_ACCESS, MAX_WINDOW, named};
use solana_pubkey::Pubkey;
use tollgate_client::{ProductChanges, TollgateError as E};

impl Model {
    pub(super) fn create_merchant(&mut self, it: &CreateMerchant, places: &Places) -> Outcome {
        let address = places.merchant_of(&it.owner);
        ensure(it.merchant == address, E::MerchantMismatch)?;
        ensure(it.operator != Pubkey::default(), E::KeyMissing)?;
        let free = !self.merchants.contains_key(&address);
        ensure(free, Refusal::Elsewhere)?;
        self.pay_rent(&it.rent_payer, &address, self.rents.merchant);
        let merchant = Merchant {
            authority: it.owner,
            pending: None,
            operator: it.operator,
            paused: false,
        };
        self.merchants.insert(address, merchant);
        Ok(())
    }

    pub(super) fn update_merchant(&mut self, it: &UpdateMerchant) -> Outcome {
        let merchant = self.merchant(&it.merchant)?;
        ensure(it.signer == merchant.authority, E::SignerNotAllowed)?;
        if let Some(operator) = it.operator {
            ensure(operator != Pubkey::default(), E::KeyMissing)?;
            merchant.operator = operator;
        }
        merchant.paused = it.paused.unwrap_or(merchant.paused);
        Ok(())
    }

    pub(super) fn propose_authority(&mut self, it: &ProposeAuthority) -> Outcome {
        let merchant = self.merchant(&it.merchant)?;
        ensure(it.signer == merchant.authority, E::SignerNotAllowed)?;
        merchant.pending = named(it.proposed);
        Ok(())
    }

    pub(super) fn accept_authority(&mut self, it: &AcceptAuthority) -> Outcome {
        let merchant = self.merchant(&it.merchant)?;
        ensure(merchant.pending == Some(it.signer), E::SignerNotAllowed)?;
        merchant.authority = it.signer;
        merchant.pending = None;
        Ok(())
    }

    pub(super) fn create_product(&mut self, it: &CreateProduct, places: &Places) -> Outcome {
        let authority = self.merchant(&it.merchant)?.authority;
        let vault = places.vaults[&(it.merchant, it.mint)];
        ensure(self.tokens.contains_key(&vault), Refusal::Absent)?;
        let address = places.products[&(it.merchant, it.slug)];
        ensure(it.signer == authority, E::SignerNotAllowed)?;
        ensure(it.product == address, E::ProductMismatch)?;
        ensure(it.slug < SLUGS, E::SlugInvalid)?;
        let product = Product {
            merchant: it.merchant,
            mint: it.mint,
            rent_payer: it.rent_payer,
            price: it.price,
            access: it.access,
            credits: it.credits,
            window: it.window,
            active: true,
        };
        within_bounds(&product)?;
        let free = !self.products.contains_key(&address);
        ensure(free, Refusal::Elsewhere)?;
        self.pay_rent(&it.rent_payer, &address, self.rents.product);
        self.products.insert(address, product);
        Ok(())
    }

    pub(super) fn update_product(&mut self, it: &UpdateProduct) -> Outcome {
        let authority = self.merchant(&it.merchant)?.authority;
        let product = self.products.get_mut(&it.product);
        let product = product.ok_or(Refusal::Absent)?;
        ensure(product.merchant == it.merchant, E::MerchantMismatch)?;
        ensure(it.signer == authority, E::SignerNotAllowed)?;
        change(product, &it.changes)
    }

    pub(super) fn close_product(&mut self, it: &CloseProduct) -> Outcome {
        let authority = self.merchant(&it.merchant)?.authority;
        let product = self.products.get(&it.product).ok_or(Refusal::Absent)?;
        ensure(product.merchant == it.merchant, E::MerchantMismatch)?;
        ensure(product.rent_payer == it.rent_payer, E::RentPayerMismatch)?;
        ensure(it.signer == authority, E::SignerNotAllowed)?;
        self.products.remove(&it.product);
        self.return_rent(&it.product, &it.rent_payer);
        Ok(())
    }
}

fn change(product: &mut Product, changes: &ProductChanges) -> Outcome {
    let metered = product.credits > 0;
    product.price = changes.price.map_or(product.price, |new| new.0);
    product.access = changes.access.map_or(product.access, |new| new.0);
    product.credits = changes.credits.map_or(product.credits, |new| new.0);
    product.window = changes.refund_window.map_or(product.window, |new| new.0);
    product.active = changes.active.unwrap_or(product.active);
    ensure((product.credits > 0) == metered, E::MeteringFixed)?;
    within_bounds(product)
}

fn within_bounds(product: &Product) -> Outcome {
    ensure(product.price > 0, E::PriceZero)?;
    ensure(product.access <= MAX_ACCESS, E::AccessTooLong)?;
    ensure(product.window <= MAX_WINDOW, E::RefundWindowTooLong)
}
