//! What may follow a payment, or its absence: deposits, refunds, revocation,
//! booking, and closing.

use crate::{Addresses, Amount, Credits, Entitlement, PaymentIntent, Pubkey, UnixSeconds};
use solana_instruction::Instruction;
use tollgate::{
    ConsumeArgs, ProposeAuthorityArgs, RecordPaymentArgs, RefundArgs, accounts as account,
    instruction as data,
};

/// A payment on another rail, on the operator's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttestedPayment {
    /// Code of the rail.
    pub rail: u16,
    /// What names the payment there.
    pub reference: [u8; 32],
    /// Who paid; must fit the intent.
    pub payer: Pubkey,
    /// Whose entitlement it becomes; must fit the intent.
    pub beneficiary: Pubkey,
}

impl Addresses {
    /// The associated token account that deposits for an intent go to.
    pub fn deposit(&self, intent: &Pubkey, mint: &Pubkey) -> Pubkey {
        Self::token_account(intent, mint)
    }

    /// Turns a deposit into a payment; anyone may pay the rent.
    pub fn settle_deposit(
        &self,
        rent_payer: Pubkey,
        address: Pubkey,
        intent: &PaymentIntent,
        deposit: Pubkey,
    ) -> Instruction {
        self.instruction(
            account::SettleDeposit {
                rent_payer,
                merchant: intent.merchant,
                intent: address,
                entitlement: self.entitlement(&intent.product, &intent.beneficiary),
                deposit,
                vault: intent.vault,
                mint: intent.mint,
                token_program: spl_token_interface::ID,
                system_program: solana_system_interface::program::ID,
            },
            data::SettleDeposit {},
        )
    }

    /// Gives a deposit back to `destination`, a token account of
    /// [`PaymentIntent::deposit_owner`].
    pub fn reclaim_deposit(
        &self,
        address: Pubkey,
        intent: &PaymentIntent,
        deposit: Pubkey,
        mint: Pubkey,
        destination: Pubkey,
    ) -> Instruction {
        self.instruction(
            account::ReclaimDeposit {
                intent: address,
                deposit,
                mint,
                destination,
                rent_payer: intent.rent_payer,
                token_program: spl_token_interface::ID,
            },
            data::ReclaimDeposit {},
        )
    }

    /// Records a payment on another rail.
    pub fn record_payment(
        &self,
        operator: Pubkey,
        rent_payer: Pubkey,
        address: Pubkey,
        intent: &PaymentIntent,
        attested: &AttestedPayment,
    ) -> Instruction {
        let of = (intent.merchant, intent.product);
        self.record_quoted(operator, rent_payer, address, of, attested)
    }

    /// The same for an intent that does not exist yet, such as one that is created in
    /// the same transaction; `of` are its merchant and its product.
    pub fn record_quoted(
        &self,
        operator: Pubkey,
        rent_payer: Pubkey,
        address: Pubkey,
        (merchant, product): (Pubkey, Pubkey),
        attested: &AttestedPayment,
    ) -> Instruction {
        self.instruction(
            account::RecordPayment {
                operator,
                rent_payer,
                merchant,
                intent: address,
                entitlement: self.entitlement(&product, &attested.beneficiary),
                system_program: solana_system_interface::program::ID,
            },
            data::RecordPayment {
                args: RecordPaymentArgs {
                    rail: attested.rail,
                    reference: attested.reference,
                    payer: attested.payer,
                    beneficiary: attested.beneficiary,
                },
            },
        )
    }

    /// Refunds `amount` of a paid intent to `destination`, a token account of its payer.
    pub fn refund(
        &self,
        operator: Pubkey,
        address: Pubkey,
        intent: &PaymentIntent,
        destination: Pubkey,
        amount: Amount,
    ) -> Instruction {
        self.instruction(
            account::Refund {
                operator,
                merchant: intent.merchant,
                intent: address,
                entitlement: self.entitlement(&intent.product, &intent.beneficiary),
                vault: intent.vault,
                destination,
                mint: intent.mint,
                token_program: spl_token_interface::ID,
            },
            data::Refund {
                args: RefundArgs { amount },
            },
        )
    }

    /// Ends an entitlement.
    pub fn revoke(&self, operator: Pubkey, merchant: Pubkey, entitlement: Pubkey) -> Instruction {
        self.instruction(
            account::Revoke {
                operator,
                merchant,
                entitlement,
            },
            data::Revoke {},
        )
    }

    /// Books the total of used credits of the entitlement that was created at `created_at`.
    pub fn consume(
        &self,
        operator: Pubkey,
        merchant: Pubkey,
        entitlement: Pubkey,
        used: Credits,
        created_at: UnixSeconds,
    ) -> Instruction {
        self.instruction(
            account::Consume {
                operator,
                merchant,
                entitlement,
            },
            data::Consume {
                args: ConsumeArgs { used, created_at },
            },
        )
    }

    /// Names the next authority; the default key takes a proposal back.
    pub fn propose_authority(
        &self,
        authority: Pubkey,
        merchant: Pubkey,
        pending_authority: Pubkey,
    ) -> Instruction {
        self.instruction(
            account::ProposeAuthority {
                authority,
                merchant,
            },
            data::ProposeAuthority {
                args: ProposeAuthorityArgs { pending_authority },
            },
        )
    }

    /// Makes the proposed key the authority.
    pub fn accept_authority(&self, new_authority: Pubkey, merchant: Pubkey) -> Instruction {
        self.instruction(
            account::AcceptAuthority {
                new_authority,
                merchant,
            },
            data::AcceptAuthority {},
        )
    }

    /// Gives back the rent of an intent that is final.
    pub fn close_intent(&self, address: Pubkey, intent: &PaymentIntent) -> Instruction {
        self.instruction(
            account::CloseIntent {
                intent: address,
                deposit: self.deposit(&address, &intent.mint),
                rent_payer: intent.rent_payer,
            },
            data::CloseIntent {},
        )
    }

    /// Gives back the rent of an entitlement that is of no use any more.
    pub fn close_entitlement(&self, address: Pubkey, entitlement: &Entitlement) -> Instruction {
        self.instruction(
            account::CloseEntitlement {
                entitlement: address,
                rent_payer: entitlement.rent_payer,
            },
            data::CloseEntitlement {},
        )
    }

    /// Gives back the rent of a product.
    pub fn close_product(
        &self,
        authority: Pubkey,
        merchant: Pubkey,
        product: Pubkey,
        rent_payer: Pubkey,
    ) -> Instruction {
        self.instruction(
            account::CloseProduct {
                authority,
                merchant,
                product,
                rent_payer,
            },
            data::CloseProduct {},
        )
    }
}
