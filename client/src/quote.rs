//! A purchase on the operator's word: the intent that a plain transfer pays.

use crate::instructions::NewIntent;
use crate::{
    Addresses, Amount, DurationSeconds, IntentTerms, PaymentId, Product, Pubkey, Quote, UnixSeconds,
};
use solana_instruction::Instruction;

/// Terms that the merchant's operator sets for one payer, whose entitlement it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotedPurchase {
    /// The merchant's operator; signs.
    pub operator: Pubkey,
    /// Pays the rent of the intent, and gets it back when that closes.
    pub rent_payer: Pubkey,
    /// The merchant account.
    pub merchant: Pubkey,
    /// The product account.
    pub product: Pubkey,
    /// The purchase's name, unique for the merchant.
    pub payment_id: PaymentId,
    /// Who pays, whom it is for, and to whom a deposit goes back.
    pub payer: Pubkey,
    /// What is granted for how much; the quote's own payer is `payer`.
    pub terms: Quote,
    /// Payable before.
    pub expires_at: UnixSeconds,
}

impl QuotedPurchase {
    /// A quote at the terms that the product has now, refundable for `refund_window`
    /// or as long as the product says, whichever is longer.
    pub fn of_product(
        (address, product): (Pubkey, &Product),
        (operator, rent_payer): (Pubkey, Pubkey),
        (payer, payment_id): (Pubkey, PaymentId),
        refund_window: DurationSeconds,
        expires_at: UnixSeconds,
    ) -> Self {
        Self {
            operator,
            rent_payer,
            merchant: product.merchant,
            product: address,
            payment_id,
            payer,
            terms: Quote {
                payer,
                amount: product.price,
                access: product.access,
                credits: product.credits,
                refund_window: product.refund_window.max(refund_window),
            },
            expires_at,
        }
    }

    /// The intent's address.
    pub fn intent(&self, addresses: &Addresses) -> Pubkey {
        addresses.quoted_intent(&self.merchant, &self.payment_id)
    }

    /// What it costs.
    pub fn amount(&self) -> Amount {
        self.terms.amount
    }

    /// Creates the intent; operator and rent payer sign.
    pub fn create(&self, addresses: &Addresses) -> Instruction {
        addresses.create_intent(&NewIntent {
            creator: self.operator,
            rent_payer: self.rent_payer,
            merchant: self.merchant,
            product: self.product,
            payment_id: self.payment_id,
            expires_at: self.expires_at,
            beneficiary: Some(self.payer),
            terms: IntentTerms::Quote(self.terms),
        })
    }
}
