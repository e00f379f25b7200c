//! Gives money back to a payer.

use crate::derived_account;
use crate::entitlement_account::load_entitlement;
use crate::error::TollgateError;
use crate::events::{emit, PaymentRefunded};
use crate::state::{Merchant, PaymentIntent};
use crate::token::Transfer;
use crate::units::{Amount, UnixSeconds};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};

/// How much.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct RefundArgs {
    /// More than zero; with earlier refunds at most what was paid.
    pub amount: Amount,
}

/// Accounts of `refund`.
#[derive(Accounts)]
pub struct Refund<'info> {
    /// The merchant's operator.
    pub operator: Signer<'info>,
    /// Whose vault pays.
    pub merchant: Box<Account<'info, Merchant>>,
    /// Must be paid, and within its refund window.
    #[account(
        mut,
        dup,
        constraint = intent.merchant == merchant.key() @ TollgateError::MerchantMismatch,
    )]
    pub intent: Box<Account<'info, PaymentIntent>>,
    /// The beneficiary's entitlement to the intent's product; it may have been closed.
    /// CHECK: compared with both, or with their canonical address once it is closed.
    #[account(mut)]
    pub entitlement: UncheckedAccount<'info>,
    /// The merchant's vault.
    /// CHECK: compared with the intent's record.
    #[account(mut, address = intent.vault @ TollgateError::VaultMismatch)]
    pub vault: UncheckedAccount<'info>,
    /// Any token account of the payer.
    #[account(
        mut,
        dup,
        constraint = destination.owner == intent.payer @ TollgateError::DestinationMismatch,
    )]
    pub destination: Box<Account<'info, TokenAccount>>,
    /// What is paid with.
    /// CHECK: compared with the intent's record.
    #[account(address = intent.mint @ TollgateError::MintMismatch)]
    pub mint: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
}

/// The operator signs; the money goes to the payer and nobody else, within the
/// window of the intent's terms. When everything is refunded, what the payment
/// granted is taken back; a part takes nothing back. Works while payments are paused.
pub fn handle_refund(ctx: Context<Refund>, args: RefundArgs) -> Result<()> {
    let accounts = ctx.accounts;
    accounts.merchant.require_operator(accounts.operator.key)?;
    let intent = &mut accounts.intent;
    let full = intent.refund(args.amount, UnixSeconds::now()?)?;
    Transfer {
        source: &accounts.vault,
        mint: &accounts.mint,
        destination: accounts.destination.as_ref().as_ref(),
        authority: accounts.merchant.as_ref().as_ref(),
    }
    .execute(
        args.amount,
        intent.decimals,
        &[&accounts.merchant.signer_seeds()],
    )?;
    let held = load_entitlement(&accounts.entitlement, &intent.product, &intent.beneficiary)?;
    if let Some(mut entitlement) = held.filter(|_| full) {
        entitlement.take_back(&intent.grant(), intent.generation)?;
        derived_account::store(&accounts.entitlement, &entitlement)?;
    }
    emit(&PaymentRefunded {
        intent: intent.key(),
        payer: intent.payer,
        destination: accounts.destination.key(),
        amount: args.amount,
        refunded: intent.refunded,
        full,
        reserved: [0; 7],
    });
    Ok(())
}
