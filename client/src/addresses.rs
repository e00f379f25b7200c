//! Where accounts live. Seeds: the blueprint's table, kept in
//! [`tollgate::constants`].

use crate::{PaymentId, Pubkey, Slug};
use tollgate::constants::{ENTITLEMENT_SEED, INTENT_SEED, MERCHANT_SEED, PRODUCT_SEED};

/// Derives the addresses of one deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The deployed program.
    pub program_id: Pubkey,
}

impl Default for Addresses {
    fn default() -> Self {
        Self::new(crate::PROGRAM_ID)
    }
}

impl Addresses {
    /// The addresses under `program_id`.
    pub const fn new(program_id: Pubkey) -> Self {
        Self { program_id }
    }

    /// The merchant that `owner` created.
    pub fn merchant(&self, owner: &Pubkey) -> Pubkey {
        self.derive(&[MERCHANT_SEED, owner.as_ref()])
    }

    /// A product of `merchant` (the account's address).
    pub fn product(&self, merchant: &Pubkey, slug: &Slug) -> Pubkey {
        self.derive(&[PRODUCT_SEED, merchant.as_ref(), &slug.0])
    }

    /// A payment intent; `author` is the payer for self-service and the merchant
    /// account for a quote.
    pub fn intent(&self, merchant: &Pubkey, author: &Pubkey, payment_id: &PaymentId) -> Pubkey {
        self.derive(&[
            INTENT_SEED,
            merchant.as_ref(),
            author.as_ref(),
            &payment_id.0,
        ])
    }

    /// The intent of a quote of `merchant`'s operator.
    pub fn quoted_intent(&self, merchant: &Pubkey, payment_id: &PaymentId) -> Pubkey {
        self.intent(merchant, merchant, payment_id)
    }

    /// Whether the intent's address is found with the first bump, 255: then the
    /// program finds it at the least cost.
    pub(crate) fn is_cheapest_intent(
        &self,
        merchant: &Pubkey,
        author: &Pubkey,
        payment_id: &PaymentId,
    ) -> bool {
        let seeds: [&[u8]; 5] = [
            INTENT_SEED,
            merchant.as_ref(),
            author.as_ref(),
            &payment_id.0,
            &[u8::MAX],
        ];
        Pubkey::create_program_address(&seeds, &self.program_id).is_ok()
    }

    /// What `beneficiary` holds of `product`.
    pub fn entitlement(&self, product: &Pubkey, beneficiary: &Pubkey) -> Pubkey {
        self.derive(&[ENTITLEMENT_SEED, product.as_ref(), beneficiary.as_ref()])
    }

    /// The vault of `merchant` (the account's address) for `mint`.
    pub fn vault(&self, merchant: &Pubkey, mint: &Pubkey) -> Pubkey {
        Self::token_account(merchant, mint)
    }

    /// The associated token account of `owner` for an SPL Token mint.
    pub fn token_account(owner: &Pubkey, mint: &Pubkey) -> Pubkey {
        spl_associated_token_account_interface::address::get_associated_token_address_with_program_id(
            owner,
            mint,
            &spl_token_interface::ID,
        )
    }

    fn derive(&self, seeds: &[&[u8]]) -> Pubkey {
        Pubkey::find_program_address(seeds, &self.program_id).0
    }
}
