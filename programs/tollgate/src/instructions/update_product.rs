//! Changes what a product costs and grants from now on.

use crate::error::TollgateError;
use crate::events::{emit, ProductUpdated};
use crate::state::{Merchant, Product, ProductChanges};
use anchor_lang::prelude::*;

/// Accounts of `update_product`.
#[derive(Accounts)]
pub struct UpdateProduct<'info> {
    /// The merchant's authority.
    pub authority: Signer<'info>,
    /// Whose product it is.
    pub merchant: Box<Account<'info, Merchant>>,
    /// The only writable account.
    #[account(
        mut,
        dup,
        constraint = product.merchant == merchant.key() @ TollgateError::MerchantMismatch,
    )]
    pub product: Box<Account<'info, Product>>,
}

/// The authority signs; no tokens move. Existing intents keep their terms.
pub fn handle_update_product(ctx: Context<UpdateProduct>, changes: ProductChanges) -> Result<()> {
    let accounts = ctx.accounts;
    accounts
        .merchant
        .require_authority(accounts.authority.key)?;
    accounts.product.update(&changes)?;
    emit(&ProductUpdated {
        product: accounts.product.key(),
        price: accounts.product.price,
        access: accounts.product.access,
        credits: accounts.product.credits,
        refund_window: accounts.product.refund_window,
        active: accounts.product.active,
        reserved: [0; 7],
    });
    Ok(())
}
