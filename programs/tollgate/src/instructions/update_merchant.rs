//! Changes a merchant's operator or pauses it.

use crate::events::{emit, MerchantUpdated};
use crate::state::Merchant;
use anchor_lang::prelude::*;

/// What to replace; `None` leaves it as it is.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateMerchantArgs {
    /// The new hot key.
    pub operator: Option<Pubkey>,
    /// Whether new intents and payments are refused.
    pub paused: Option<bool>,
}

/// Accounts of `update_merchant`.
#[derive(Accounts)]
pub struct UpdateMerchant<'info> {
    /// The merchant's authority.
    pub authority: Signer<'info>,
    /// The only writable account.
    #[account(mut, dup)]
    pub merchant: Box<Account<'info, Merchant>>,
}

/// The authority signs; no tokens move. A compromised operator can always be replaced.
pub fn handle_update_merchant(
    ctx: Context<UpdateMerchant>,
    args: UpdateMerchantArgs,
) -> Result<()> {
    let accounts = ctx.accounts;
    accounts
        .merchant
        .require_authority(accounts.authority.key)?;
    accounts.merchant.update(args.operator, args.paused)?;
    emit(&MerchantUpdated {
        merchant: accounts.merchant.key(),
        operator: accounts.merchant.operator,
        paused: accounts.merchant.paused,
    });
    Ok(())
}
