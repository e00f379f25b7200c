//! Names the next authority of a merchant.

use crate::events::{emit, AuthorityProposed};
use crate::state::Merchant;
use anchor_lang::prelude::*;

/// Who is proposed.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct ProposeAuthorityArgs {
    /// The key that may accept; the default key takes a proposal back.
    pub pending_authority: Pubkey,
}

/// Accounts of `propose_authority`.
#[derive(Accounts)]
pub struct ProposeAuthority<'info> {
    /// The merchant's authority.
    pub authority: Signer<'info>,
    /// The only writable account.
    #[account(mut, dup)]
    pub merchant: Box<Account<'info, Merchant>>,
}

/// The authority signs, and stays the authority until the other key accepts.
pub fn handle_propose_authority(
    ctx: Context<ProposeAuthority>,
    args: ProposeAuthorityArgs,
) -> Result<()> {
    let accounts = ctx.accounts;
    accounts
        .merchant
        .require_authority(accounts.authority.key)?;
    accounts.merchant.propose_authority(args.pending_authority);
    emit(&AuthorityProposed {
        merchant: accounts.merchant.key(),
        authority: accounts.merchant.authority,
        pending_authority: args.pending_authority,
    });
    Ok(())
}
