//! Takes money out of a vault.

use crate::events::{emit, Withdrawn};
use crate::state::Merchant;
use crate::token::Transfer;
use crate::units::Amount;
use anchor_lang::prelude::*;
use anchor_spl::token::{Mint, Token, TokenAccount};

/// How much.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct WithdrawArgs {
    /// Moved from the vault; more than zero, at most what it holds.
    pub amount: Amount,
}

/// Accounts of `withdraw`.
#[derive(Accounts)]
pub struct Withdraw<'info> {
    /// The merchant's authority.
    pub authority: Signer<'info>,
    /// Whose vault it is.
    pub merchant: Box<Account<'info, Merchant>>,
    /// The vault's mint.
    pub mint: Box<Account<'info, Mint>>,
    /// The merchant's vault for the mint.
    #[account(
        mut,
        dup,
        associated_token::mint = mint,
        associated_token::authority = merchant,
    )]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// Any token account of the mint but the vault.
    /// CHECK: by SPL Token, which compares the mint.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
}

/// The authority signs; the operator cannot. Works while payments are paused.
pub fn handle_withdraw(ctx: Context<Withdraw>, args: WithdrawArgs) -> Result<()> {
    let accounts = ctx.accounts;
    accounts
        .merchant
        .require_authority(accounts.authority.key)?;
    Transfer {
        source: accounts.vault.as_ref().as_ref(),
        mint: accounts.mint.as_ref().as_ref(),
        destination: &accounts.destination,
        authority: accounts.merchant.as_ref().as_ref(),
    }
    .execute(
        args.amount,
        accounts.mint.decimals,
        &[&accounts.merchant.signer_seeds()],
    )?;
    emit(&Withdrawn {
        merchant: accounts.merchant.key(),
        vault: accounts.vault.key(),
        destination: accounts.destination.key(),
        amount: args.amount,
    });
    Ok(())
}
