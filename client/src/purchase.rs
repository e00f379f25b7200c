//! The one-shot purchase at list price: `[create_intent, pay]` in one
//! transaction, so that an intent without its payment is never left behind.

use crate::instructions::{NewIntent, Payment};
use crate::{
    Addresses, Amount, Credits, DurationSeconds, IntentTerms, Offer, PaymentId, Product, Pubkey,
    UnixSeconds,
};
use solana_instruction::Instruction;

/// Everything that the payer agrees to. The program refuses any other terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// Signs, pays and, unless `rent_payer` is another, pays the rent.
    pub payer: Pubkey,
    /// Pays the rent of the intent and of a first entitlement.
    pub rent_payer: Pubkey,
    /// Whose entitlement it becomes.
    pub beneficiary: Pubkey,
    /// The merchant account.
    pub merchant: Pubkey,
    /// The product account.
    pub product: Pubkey,
    /// What is paid with.
    pub mint: Pubkey,
    /// The purchase's name. The same id never takes money twice from a payer.
    pub payment_id: PaymentId,
    /// Expected price.
    pub amount: Amount,
    /// Expected access; 0: without limit in time.
    pub access: DurationSeconds,
    /// Expected credits; 0: not counted.
    pub credits: Credits,
    /// The intent is payable before.
    pub expires_at: UnixSeconds,
}

impl Purchase {
    /// A purchase by and for `payer` at the terms that the product has now.
    pub fn of_product(
        address: Pubkey,
        product: &Product,
        payer: Pubkey,
        payment_id: PaymentId,
        expires_at: UnixSeconds,
    ) -> Self {
        Self {
            payer,
            rent_payer: payer,
            beneficiary: payer,
            merchant: product.merchant,
            product: address,
            mint: product.mint,
            payment_id,
            amount: product.price,
            access: product.access,
            credits: product.credits,
            expires_at,
        }
    }

    /// The intent's address.
    pub fn intent(&self, addresses: &Addresses) -> Pubkey {
        addresses.intent(&self.merchant, &self.payer, &self.payment_id)
    }

    /// The entitlement's address.
    pub fn entitlement(&self, addresses: &Addresses) -> Pubkey {
        addresses.entitlement(&self.product, &self.beneficiary)
    }

    /// The two instructions, in their order.
    pub fn instructions(&self, addresses: &Addresses) -> [Instruction; 2] {
        let create = addresses.create_intent(&NewIntent {
            creator: self.payer,
            rent_payer: self.rent_payer,
            merchant: self.merchant,
            product: self.product,
            payment_id: self.payment_id,
            expires_at: self.expires_at,
            beneficiary: Some(self.beneficiary),
            terms: IntentTerms::ListPrice(Offer {
                amount: self.amount,
                access: self.access,
                credits: self.credits,
            }),
        });
        let pay = addresses.pay(&Payment {
            payer: self.payer,
            rent_payer: self.rent_payer,
            merchant: self.merchant,
            product: self.product,
            intent: self.intent(addresses),
            beneficiary: self.beneficiary,
            source: Addresses::token_account(&self.payer, &self.mint),
            vault: addresses.vault(&self.merchant, &self.mint),
            mint: self.mint,
            amount: self.amount,
        });
        [create, pay]
    }
}
