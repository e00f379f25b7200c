//! Makes a proposed key the authority of a merchant.

use crate::events::{emit, AuthorityAccepted};
use crate::state::Merchant;
use anchor_lang::prelude::*;

/// Accounts of `accept_authority`.
#[derive(Accounts)]
pub struct AcceptAuthority<'info> {
    /// The key that was proposed.
    pub new_authority: Signer<'info>,
    /// The only writable account.
    #[account(mut, dup)]
    pub merchant: Box<Account<'info, Merchant>>,
}

/// The proposed key signs: a key that nobody holds can never become the authority.
pub fn handle_accept_authority(ctx: Context<AcceptAuthority>) -> Result<()> {
    let accounts = ctx.accounts;
    accounts
        .merchant
        .accept_authority(accounts.new_authority.key)?;
    emit(&AuthorityAccepted {
        merchant: accounts.merchant.key(),
        authority: accounts.merchant.authority,
    });
    Ok(())
}
