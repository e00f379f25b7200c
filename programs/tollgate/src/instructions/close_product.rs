//! Gives back the rent of a product.

use crate::error::TollgateError;
use crate::events::{emit, AccountClosed};
use crate::state::{Merchant, Product};
use anchor_lang::prelude::*;

/// Accounts of `close_product`.
#[derive(Accounts)]
pub struct CloseProduct<'info> {
    /// The merchant's authority.
    pub authority: Signer<'info>,
    /// Whose product it is.
    pub merchant: Box<Account<'info, Merchant>>,
    /// Existing intents and entitlements go on without it.
    #[account(
        mut,
        dup,
        constraint = product.merchant == merchant.key() @ TollgateError::MerchantMismatch,
    )]
    pub product: Box<Account<'info, Product>>,
    /// Who paid the rent.
    /// CHECK: compared with the record.
    #[account(mut, address = product.rent_payer @ TollgateError::RentPayerMismatch)]
    pub rent_payer: UncheckedAccount<'info>,
}

/// The authority signs; all lamports go to the recorded rent payer and nobody else.
pub fn handle_close_product(ctx: Context<CloseProduct>) -> Result<()> {
    let accounts = ctx.accounts;
    accounts
        .merchant
        .require_authority(accounts.authority.key)?;
    let product = &accounts.product;
    emit(&AccountClosed {
        account: product.key(),
        rent_payer: product.rent_payer,
    });
    product.close(accounts.rent_payer.to_account_info())
}
