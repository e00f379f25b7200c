//! Gives back the rent of an entitlement.

use crate::error::TollgateError;
use crate::events::{emit, AccountClosed};
use crate::state::Entitlement;
use crate::units::UnixSeconds;
use anchor_lang::prelude::*;

/// Accounts of `close_entitlement`. No signer but the fee payer.
#[derive(Accounts)]
pub struct CloseEntitlement<'info> {
    /// Expired, revoked or used up, and past the refund windows of its payments.
    #[account(mut, dup)]
    pub entitlement: Box<Account<'info, Entitlement>>,
    /// Who paid the rent.
    /// CHECK: compared with the record.
    #[account(mut, address = entitlement.rent_payer @ TollgateError::RentPayerMismatch)]
    pub rent_payer: UncheckedAccount<'info>,
}

/// Anyone may call; all lamports go to the recorded rent payer and nobody else.
pub fn handle_close_entitlement(ctx: Context<CloseEntitlement>) -> Result<()> {
    let accounts = ctx.accounts;
    let entitlement = &accounts.entitlement;
    entitlement.require_known_version()?;
    entitlement.require_closable(UnixSeconds::now()?)?;
    emit(&AccountClosed {
        account: entitlement.key(),
        rent_payer: entitlement.rent_payer,
    });
    entitlement.close(accounts.rent_payer.to_account_info())
}
