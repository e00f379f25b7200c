//! Publishes a product.

use crate::constants::{ACCOUNT_VERSION, PRODUCT_SEED};
use crate::derived_account;
use crate::error::TollgateError;
use crate::events::{emit, ProductCreated};
use crate::identifiers::Slug;
use crate::state::{Merchant, Product};
use crate::units::{Amount, Credits, DurationSeconds, UnixSeconds};
use anchor_lang::prelude::*;
use anchor_spl::token::{Mint, TokenAccount};

/// The product's first terms.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct CreateProductArgs {
    /// The product's name within its merchant.
    pub slug: Slug,
    /// What one payment costs.
    pub price: Amount,
    /// Access that one payment grants; 0: without limit in time.
    pub access: DurationSeconds,
    /// Calls that one payment grants; 0: calls are not counted.
    pub credits: Credits,
    /// How long after a payment it may be refunded.
    pub refund_window: DurationSeconds,
}

/// Accounts of `create_product`.
#[derive(Accounts)]
#[instruction(args: CreateProductArgs)]
pub struct CreateProduct<'info> {
    /// The merchant's authority.
    pub authority: Signer<'info>,
    /// Pays the rent and gets it back when the product closes.
    #[account(mut)]
    pub rent_payer: Signer<'info>,
    /// Whose product it is.
    pub merchant: Box<Account<'info, Merchant>>,
    /// What it is paid with: a mint of SPL Token.
    pub mint: Box<Account<'info, Mint>>,
    /// The merchant's associated token account for the mint. It has to exist,
    /// so that no payment has to create it.
    #[account(associated_token::mint = mint, associated_token::authority = merchant)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// The new product.
    /// CHECK: derived, compared and created by the handler.
    // The seeds stand here for the IDL only.
    #[cfg_attr(not(feature = "idl-build"), account(mut))]
    #[cfg_attr(
        feature = "idl-build",
        account(
            mut,
            seeds = [PRODUCT_SEED, merchant.key().as_ref(), args.slug.0.as_ref()],
            bump,
        )
    )]
    pub product: UncheckedAccount<'info>,
    /// Creates the account.
    pub system_program: Program<'info, System>,
}

/// The authority signs; no tokens move.
pub fn handle_create_product(ctx: Context<CreateProduct>, args: CreateProductArgs) -> Result<()> {
    let accounts = ctx.accounts;
    accounts
        .merchant
        .require_authority(accounts.authority.key)?;
    let merchant = accounts.merchant.key();
    let seeds = [PRODUCT_SEED, merchant.as_ref(), args.slug.0.as_ref()];
    let bump = derived_account::require_address(
        &accounts.product,
        &seeds,
        TollgateError::ProductMismatch,
    )?;
    let product = Product {
        version: ACCOUNT_VERSION,
        bump,
        active: true,
        decimals: accounts.mint.decimals,
        reserved: [0; 4],
        merchant,
        mint: accounts.mint.key(),
        vault: accounts.vault.key(),
        rent_payer: accounts.rent_payer.key(),
        slug: args.slug,
        price: args.price,
        access: args.access,
        credits: args.credits,
        refund_window: args.refund_window,
        created_at: UnixSeconds::now()?,
    };
    product.invariant()?;
    emit(&ProductCreated {
        product: accounts.product.key(),
        merchant: product.merchant,
        slug: product.slug,
        mint: product.mint,
        vault: product.vault,
        price: product.price,
        access: product.access,
        credits: product.credits,
        refund_window: product.refund_window,
    });
    derived_account::create(
        &accounts.product,
        &accounts.rent_payer,
        Product::SPACE,
        &[seeds[0], seeds[1], seeds[2], &[bump]],
    )?;
    derived_account::store(&accounts.product, &product)
}
