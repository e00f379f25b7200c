//! Brings a merchant into being.

use crate::constants::MERCHANT_SEED;
use crate::derived_account;
use crate::error::TollgateError;
use crate::events::{emit, MerchantCreated};
use crate::state::Merchant;
use crate::units::UnixSeconds;
use anchor_lang::prelude::*;

/// The keys to begin with.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct CreateMerchantArgs {
    /// The hot key of the merchant's server.
    pub operator: Pubkey,
}

/// Accounts of `create_merchant`.
#[derive(Accounts)]
pub struct CreateMerchant<'info> {
    /// Becomes the owner and the first authority; its signature keeps others
    /// from creating a merchant in its name.
    pub owner: Signer<'info>,
    /// Pays the rent.
    #[account(mut)]
    pub rent_payer: Signer<'info>,
    /// The new merchant.
    /// CHECK: derived, compared and created by the handler.
    // The seeds stand here for the IDL only.
    #[cfg_attr(not(feature = "idl-build"), account(mut))]
    #[cfg_attr(
        feature = "idl-build",
        account(mut, seeds = [MERCHANT_SEED, owner.key().as_ref()], bump)
    )]
    pub merchant: UncheckedAccount<'info>,
    /// Creates the account.
    pub system_program: Program<'info, System>,
}

/// The owner signs; once for each owner.
pub fn handle_create_merchant(
    ctx: Context<CreateMerchant>,
    args: CreateMerchantArgs,
) -> Result<()> {
    let accounts = ctx.accounts;
    let owner = accounts.owner.key();
    let seeds = [MERCHANT_SEED, owner.as_ref()];
    let bump = derived_account::require_address(
        &accounts.merchant,
        &seeds,
        TollgateError::MerchantMismatch,
    )?;
    let merchant = Merchant::new(owner, args.operator, bump, UnixSeconds::now()?)?;
    emit(&MerchantCreated {
        merchant: accounts.merchant.key(),
        owner,
        operator: args.operator,
    });
    derived_account::create(
        &accounts.merchant,
        &accounts.rent_payer,
        Merchant::SPACE,
        &[seeds[0], seeds[1], &[bump]],
    )?;
    derived_account::store(&accounts.merchant, &merchant)
}
