//! Turns a plain transfer into a payment.

use crate::error::{ensure, TollgateError};
use crate::settlement::{settle, Payment};
use crate::state::{Merchant, PaymentIntent, Rail};
use crate::token::Transfer;
use crate::units::{Amount, UnixSeconds};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};

/// Accounts of `settle_deposit`.
#[derive(Accounts)]
pub struct SettleDeposit<'info> {
    /// Anyone. Pays the rent of a first entitlement and gets it back when that closes.
    #[account(mut)]
    pub rent_payer: Signer<'info>,
    /// Bound by the intent; read for its pause only.
    pub merchant: Box<Account<'info, Merchant>>,
    /// A quote of the operator that waits for its payment.
    #[account(mut, dup)]
    pub intent: Box<Account<'info, PaymentIntent>>,
    /// The beneficiary's entitlement to the intent's product; the first payment creates it.
    /// CHECK: compared with both, or created at their canonical address.
    #[account(mut)]
    pub entitlement: UncheckedAccount<'info>,
    /// A token account of the intent itself, for its mint. Any of them: a client may
    /// have paid into another than the associated one.
    #[account(
        mut,
        dup,
        constraint = deposit.owner == intent.key() && deposit.mint == intent.mint
            @ TollgateError::DepositMismatch,
    )]
    pub deposit: Box<Account<'info, TokenAccount>>,
    /// The merchant's vault.
    /// CHECK: compared with the intent's record.
    #[account(mut, address = intent.vault @ TollgateError::VaultMismatch)]
    pub vault: UncheckedAccount<'info>,
    /// What is paid with.
    /// CHECK: compared with the intent's record.
    #[account(address = intent.mint @ TollgateError::MintMismatch)]
    pub mint: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
    /// Creates a first entitlement.
    pub system_program: Program<'info, System>,
}

/// Anyone may call. Exactly the intent's amount moves from the deposit to the
/// vault, once; a deposit that is short stays where it is and can be topped up; what
/// is over stays reclaimable.
pub fn handle_settle_deposit(ctx: Context<SettleDeposit>) -> Result<()> {
    let now = UnixSeconds::now()?;
    let accounts = ctx.accounts;
    let intent = &mut accounts.intent;
    accounts.merchant.require_open()?;
    intent.require_open(&accounts.merchant.key())?;
    // The sender is not known, so the terms must name whom it is for.
    let offered = intent.author == intent.merchant && intent.beneficiary != Pubkey::default();
    ensure(offered, TollgateError::DepositNotOffered)?;
    let deposit = &accounts.deposit;
    ensure(
        deposit.delegate.is_none() && deposit.close_authority.is_none(),
        TollgateError::DepositEncumbered,
    )?;
    ensure(
        Amount(deposit.amount) >= intent.amount,
        TollgateError::DepositShort,
    )?;
    let payment = Payment {
        payer: intent.deposit_payer(),
        beneficiary: intent.beneficiary,
        rail: Rail::Deposit,
    };
    settle(
        intent,
        &accounts.entitlement,
        &accounts.rent_payer,
        &payment,
        now,
    )?;
    Transfer {
        source: deposit.as_ref().as_ref(),
        mint: &accounts.mint,
        destination: &accounts.vault,
        authority: intent.as_ref().as_ref(),
    }
    .execute(intent.amount, intent.decimals, &[&intent.signer_seeds()])
}
