//! Brings a merchant into being.

use crate::constants::MERCHANT_SEED;
use crate::events::MerchantCreated;
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
    #[account(
        init,
        payer = rent_payer,
        space = Merchant::SPACE,
        seeds = [MERCHANT_SEED, owner.key().as_ref()],
        bump,
    )]
    pub merchant: Box<Account<'info, Merchant>>,
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
    let merchant = Merchant::new(
        owner,
        args.operator,
        ctx.bumps.merchant,
        UnixSeconds::now()?,
    )?;
    emit!(MerchantCreated {
        merchant: accounts.merchant.key(),
        owner,
        operator: args.operator
    });
    accounts.merchant.set_inner(merchant);
    Ok(())
}
