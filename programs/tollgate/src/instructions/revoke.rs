//! Ends an entitlement.

use crate::error::TollgateError;
use crate::events::{emit, EntitlementRevoked};
use crate::state::{Entitlement, Merchant};
use crate::units::UnixSeconds;
use anchor_lang::prelude::*;

/// Accounts of `revoke`.
#[derive(Accounts)]
pub struct Revoke<'info> {
    /// The merchant's operator.
    pub operator: Signer<'info>,
    /// Whose product it is.
    pub merchant: Box<Account<'info, Merchant>>,
    /// The only writable account.
    #[account(
        mut,
        dup,
        constraint = entitlement.merchant == merchant.key() @ TollgateError::MerchantMismatch,
    )]
    pub entitlement: Box<Account<'info, Entitlement>>,
}

/// The operator signs; no tokens move. Revoking again changes nothing.
pub fn handle_revoke(ctx: Context<Revoke>) -> Result<()> {
    let accounts = ctx.accounts;
    accounts.merchant.require_operator(accounts.operator.key)?;
    accounts.entitlement.require_known_version()?;
    accounts.entitlement.revoke(UnixSeconds::now()?);
    emit(&EntitlementRevoked {
        entitlement: accounts.entitlement.key(),
        product: accounts.entitlement.product,
        beneficiary: accounts.entitlement.beneficiary,
    });
    Ok(())
}
