//! Books used credits.

use crate::error::TollgateError;
use crate::events::{emit, CreditsBooked};
use crate::state::{Entitlement, Merchant};
use crate::units::{Credits, UnixSeconds};
use anchor_lang::prelude::*;

/// What is booked.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct ConsumeArgs {
    /// All credits used so far: a total, so that booking twice changes nothing.
    pub used: Credits,
    /// The entitlement's `created_at`: the life of the account that is meant.
    pub created_at: UnixSeconds,
}

/// Accounts of `consume`.
#[derive(Accounts)]
pub struct Consume<'info> {
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

/// The operator signs; no tokens move. The total never falls and never rises over
/// what was granted.
pub fn handle_consume(ctx: Context<Consume>, args: ConsumeArgs) -> Result<()> {
    let accounts = ctx.accounts;
    accounts.merchant.require_operator(accounts.operator.key)?;
    let entitlement = &mut accounts.entitlement;
    entitlement.require_known_version()?;
    entitlement.book(args.used, args.created_at)?;
    emit(&CreditsBooked {
        entitlement: entitlement.key(),
        credits_used: entitlement.credits_used,
        credits_granted: entitlement.credits_granted,
    });
    Ok(())
}
