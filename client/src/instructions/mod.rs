//! One builder for each instruction of the program. Accounts and arguments are
//! the program crate's own types, so that neither can drift.

mod aftermath;

pub use aftermath::AttestedPayment;

use crate::{
    Addresses, Amount, Credits, DurationSeconds, IntentTerms, PaymentId, PaymentIntent,
    ProductChanges, Pubkey, Slug, UnixSeconds,
};
use anchor_lang::{InstructionData, ToAccountMetas};
use solana_instruction::Instruction;
use tollgate::{
    CreateIntentArgs, CreateMerchantArgs, CreateProductArgs, PayArgs, UpdateMerchantArgs,
    WithdrawArgs, accounts as account, instruction as data,
};

/// What `create_product` needs besides the merchant's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewProduct {
    /// The product's name within its merchant.
    pub slug: Slug,
    /// What it is paid with.
    pub mint: Pubkey,
    /// Price of one payment.
    pub price: Amount,
    /// Access that one payment grants; 0: without limit in time.
    pub access: DurationSeconds,
    /// Calls that one payment grants; 0: calls are not counted.
    pub credits: Credits,
    /// How long after a payment it may be refunded.
    pub refund_window: DurationSeconds,
}

/// What `create_intent` needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewIntent {
    /// The payer at list price, the operator for a quote.
    pub creator: Pubkey,
    /// Pays the rent.
    pub rent_payer: Pubkey,
    /// The merchant account.
    pub merchant: Pubkey,
    /// The product account.
    pub product: Pubkey,
    /// The purchase's name.
    pub payment_id: PaymentId,
    /// Payable before; at most 30 days ahead.
    pub expires_at: UnixSeconds,
    /// Whose entitlement it will be; `None`: whom the payer names.
    pub beneficiary: Option<Pubkey>,
    /// List price or quote.
    pub terms: IntentTerms,
}

/// What `pay` needs. Mostly read off the intent: see [`Payment::of_intent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Whose tokens move.
    pub payer: Pubkey,
    /// Pays the rent of a first entitlement.
    pub rent_payer: Pubkey,
    /// The merchant account.
    pub merchant: Pubkey,
    /// The product account.
    pub product: Pubkey,
    /// The intent account.
    pub intent: Pubkey,
    /// Whose entitlement it becomes.
    pub beneficiary: Pubkey,
    /// Debited token account.
    pub source: Pubkey,
    /// The vault that the intent recorded.
    pub vault: Pubkey,
    /// The mint that the intent recorded.
    pub mint: Pubkey,
    /// The intent's amount.
    pub amount: Amount,
}

impl Payment {
    /// A payment of an existing intent from the payer's associated token account.
    pub fn of_intent(
        address: Pubkey,
        intent: &PaymentIntent,
        payer: Pubkey,
        beneficiary: Pubkey,
    ) -> Self {
        Self {
            payer,
            rent_payer: payer,
            merchant: intent.merchant,
            product: intent.product,
            intent: address,
            beneficiary,
            source: Addresses::token_account(&payer, &intent.mint),
            vault: intent.vault,
            mint: intent.mint,
            amount: intent.amount,
        }
    }
}

impl Addresses {
    /// Creates the merchant of `owner`; `rent_payer` pays the rent.
    pub fn create_merchant(
        &self,
        owner: Pubkey,
        rent_payer: Pubkey,
        operator: Pubkey,
    ) -> Instruction {
        self.instruction(
            account::CreateMerchant {
                owner,
                rent_payer,
                merchant: self.merchant(&owner),
                system_program: solana_system_interface::program::ID,
            },
            data::CreateMerchant {
                args: CreateMerchantArgs { operator },
            },
        )
    }

    /// Changes a merchant's operator or pause; `None` leaves it.
    pub fn update_merchant(
        &self,
        authority: Pubkey,
        merchant: Pubkey,
        operator: Option<Pubkey>,
        paused: Option<bool>,
    ) -> Instruction {
        self.instruction(
            account::UpdateMerchant {
                authority,
                merchant,
            },
            data::UpdateMerchant {
                args: UpdateMerchantArgs { operator, paused },
            },
        )
    }

    /// Publishes a product. The vault must exist: see [`Addresses::create_vault`].
    pub fn create_product(
        &self,
        authority: Pubkey,
        rent_payer: Pubkey,
        merchant: Pubkey,
        new: &NewProduct,
    ) -> Instruction {
        let NewProduct {
            slug,
            mint,
            price,
            access,
            credits,
            refund_window,
        } = *new;
        self.instruction(
            account::CreateProduct {
                authority,
                rent_payer,
                merchant,
                mint,
                vault: self.vault(&merchant, &mint),
                product: self.product(&merchant, &slug),
                system_program: solana_system_interface::program::ID,
            },
            data::CreateProduct {
                args: CreateProductArgs {
                    slug,
                    price,
                    access,
                    credits,
                    refund_window,
                },
            },
        )
    }

    /// Changes a product's terms for intents to come.
    pub fn update_product(
        &self,
        authority: Pubkey,
        merchant: Pubkey,
        product: Pubkey,
        changes: ProductChanges,
    ) -> Instruction {
        self.instruction(
            account::UpdateProduct {
                authority,
                merchant,
                product,
            },
            data::UpdateProduct { changes },
        )
    }

    /// Records the terms of one purchase.
    pub fn create_intent(&self, new: &NewIntent) -> Instruction {
        let author = new.terms.author(new.merchant, new.creator);
        self.instruction(
            account::CreateIntent {
                creator: new.creator,
                rent_payer: new.rent_payer,
                merchant: new.merchant,
                product: new.product,
                intent: self.intent(&new.merchant, &author, &new.payment_id),
                system_program: solana_system_interface::program::ID,
            },
            data::CreateIntent {
                args: CreateIntentArgs {
                    payment_id: new.payment_id,
                    expires_at: new.expires_at,
                    beneficiary: new.beneficiary.unwrap_or_default(),
                    terms: new.terms,
                },
            },
        )
    }

    /// Pays an open intent.
    pub fn pay(&self, payment: &Payment) -> Instruction {
        self.instruction(
            account::Pay {
                payer: payment.payer,
                rent_payer: payment.rent_payer,
                merchant: payment.merchant,
                intent: payment.intent,
                entitlement: self.entitlement(&payment.product, &payment.beneficiary),
                source: payment.source,
                vault: payment.vault,
                mint: payment.mint,
                token_program: spl_token_interface::ID,
                system_program: solana_system_interface::program::ID,
            },
            data::Pay {
                args: PayArgs {
                    amount: payment.amount,
                    beneficiary: payment.beneficiary,
                },
            },
        )
    }

    /// Gives up an open intent; `signer` is the operator or the intent's author.
    pub fn cancel_intent(&self, signer: Pubkey, merchant: Pubkey, intent: Pubkey) -> Instruction {
        self.instruction(
            account::CancelIntent {
                signer,
                merchant,
                intent,
            },
            data::CancelIntent {},
        )
    }

    /// Moves `amount` from the merchant's vault to `destination`.
    pub fn withdraw(
        &self,
        authority: Pubkey,
        merchant: Pubkey,
        mint: Pubkey,
        destination: Pubkey,
        amount: Amount,
    ) -> Instruction {
        self.instruction(
            account::Withdraw {
                authority,
                merchant,
                mint,
                vault: self.vault(&merchant, &mint),
                destination,
                token_program: spl_token_interface::ID,
            },
            data::Withdraw {
                args: WithdrawArgs { amount },
            },
        )
    }

    /// Creates a vault if it does not exist; anyone may pay for it.
    pub fn create_vault(&self, rent_payer: Pubkey, merchant: Pubkey, mint: Pubkey) -> Instruction {
        create_token_account(rent_payer, merchant, mint)
    }

    fn instruction(
        &self,
        accounts: impl ToAccountMetas,
        data: impl InstructionData,
    ) -> Instruction {
        Instruction {
            program_id: self.program_id,
            accounts: accounts.to_account_metas(None),
            data: data.data(),
        }
    }
}

/// Creates the associated token account of `owner` if it does not exist.
pub fn create_token_account(rent_payer: Pubkey, owner: Pubkey, mint: Pubkey) -> Instruction {
    spl_associated_token_account_interface::instruction::create_associated_token_account_idempotent(
        &rent_payer,
        &owner,
        &mint,
        &spl_token_interface::ID,
    )
}
