//! Gives back what was deposited and is no payment.

use crate::error::TollgateError;
use crate::events::{emit, DepositReclaimed};
use crate::state::PaymentIntent;
use crate::token::{close_account, Transfer};
use crate::units::{Amount, UnixSeconds};
use anchor_lang::prelude::*;
use anchor_spl::token::{Mint, Token, TokenAccount};

/// Accounts of `reclaim_deposit`. No signer but the fee payer.
#[derive(Accounts)]
pub struct ReclaimDeposit<'info> {
    /// Paid, cancelled, refunded or expired.
    pub intent: Box<Account<'info, PaymentIntent>>,
    /// A token account of the intent, of whatever mint: also what was sent by
    /// mistake goes back.
    #[account(
        mut,
        dup,
        constraint = deposit.owner == intent.key() @ TollgateError::DepositMismatch,
    )]
    pub deposit: Box<Account<'info, TokenAccount>>,
    /// The deposit's mint.
    #[account(address = deposit.mint @ TollgateError::MintMismatch)]
    pub mint: Box<Account<'info, Mint>>,
    /// A token account of whom deposits go back to.
    #[account(
        mut,
        dup,
        constraint = destination.owner == intent.deposit_owner() @ TollgateError::DestinationMismatch,
    )]
    pub destination: Box<Account<'info, TokenAccount>>,
    /// The intent's rent payer, who gets the deposit account's rent.
    /// CHECK: compared with the intent's record.
    #[account(mut, address = intent.rent_payer @ TollgateError::RentPayerMismatch)]
    pub rent_payer: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
}

/// Anyone may call, once the deposit cannot become a payment any more. All of it
/// goes to the beneficiary, the account's rent to the intent's rent payer.
pub fn handle_reclaim_deposit(ctx: Context<ReclaimDeposit>) -> Result<()> {
    let accounts = ctx.accounts;
    let intent = &accounts.intent;
    let deposit = &accounts.deposit;
    intent.require_deposits_over(UnixSeconds::now()?)?;
    let amount = Amount(deposit.amount);
    let signer_seeds = intent.signer_seeds();
    if !amount.is_zero() {
        Transfer {
            source: deposit.as_ref().as_ref(),
            mint: accounts.mint.as_ref().as_ref(),
            destination: accounts.destination.as_ref().as_ref(),
            authority: intent.as_ref().as_ref(),
        }
        .execute(amount, accounts.mint.decimals, &[&signer_seeds])?;
    }
    // With a foreign close authority the empty account stays; the money matters more.
    if deposit.close_authority.is_none() {
        close_account(
            deposit.as_ref().as_ref(),
            &accounts.rent_payer,
            intent.as_ref().as_ref(),
            &[&signer_seeds],
        )?;
    }
    emit(&DepositReclaimed {
        intent: intent.key(),
        deposit: deposit.key(),
        mint: deposit.mint,
        owner: intent.deposit_owner(),
        destination: accounts.destination.key(),
        amount,
    });
    Ok(())
}
