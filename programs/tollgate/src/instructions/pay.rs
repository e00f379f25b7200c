//! Pays an open intent and leaves the entitlement.

#[cfg(feature = "idl-build")]
use crate::constants::ENTITLEMENT_SEED;
use crate::error::{ensure, TollgateError};
use crate::settlement::{settle, Payment};
use crate::state::{Merchant, PaymentIntent, Rail};
use crate::token::Transfer;
use crate::units::{Amount, UnixSeconds};
use anchor_lang::prelude::*;
use anchor_spl::token::Token;

/// What the payer agrees to; the instruction refuses anything else.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct PayArgs {
    /// The intent's amount.
    pub amount: Amount,
    /// Whose entitlement it becomes: the intent's beneficiary, or the payer's
    /// choice where the intent leaves it open.
    pub beneficiary: Pubkey,
}

/// Accounts of `pay`. Nothing that is written here is shared by a merchant's
/// payments except the vault.
///
/// The entitlement's seeds stand here for the IDL only: the handler checks the
/// address when it creates the account, and saves the derivation when it exists.
#[derive(Accounts)]
#[instruction(args: PayArgs)]
pub struct Pay<'info> {
    /// Whose tokens move. Also a key that the intent allows.
    pub payer: Signer<'info>,
    /// Pays the rent of a first entitlement and gets it back when that closes.
    #[account(mut)]
    pub rent_payer: Signer<'info>,
    /// Bound by the intent; read for its pause only.
    pub merchant: Box<Account<'info, Merchant>>,
    // The program creates intents at their derived address only, so that owner
    // and discriminator already prove the account. The only serialised account
    // that is writable here: nothing can alias it.
    #[account(mut, dup)]
    pub intent: Box<Account<'info, PaymentIntent>>,
    /// The beneficiary's entitlement to the intent's product; the first payment creates it.
    /// CHECK: compared with both, or created at their canonical address.
    #[cfg_attr(not(feature = "idl-build"), account(mut))]
    #[cfg_attr(
        feature = "idl-build",
        account(
            mut,
            seeds = [ENTITLEMENT_SEED, intent.product.as_ref(), args.beneficiary.as_ref()],
            bump,
        )
    )]
    pub entitlement: UncheckedAccount<'info>,
    /// A token account that the payer owns or is the delegate of; not the vault.
    /// CHECK: by SPL Token, which compares mint and authority.
    #[account(mut)]
    pub source: UncheckedAccount<'info>,
    /// The merchant's vault.
    /// CHECK: compared with the intent's record.
    #[account(mut, address = intent.vault @ TollgateError::VaultMismatch)]
    pub vault: UncheckedAccount<'info>,
    /// What is paid with.
    /// CHECK: compared with the intent's record.
    #[account(address = intent.mint @ TollgateError::MintMismatch)]
    pub mint: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
    /// Creates a first entitlement.
    pub system_program: Program<'info, System>,
}

/// The payer signs. Exactly the intent's amount moves from `source` to the
/// vault, once; an intent that is not open, expired, of a paused or another
/// merchant, or meant for another payer or beneficiary is refused and nothing moves.
pub fn handle_pay(ctx: Context<Pay>, args: PayArgs) -> Result<()> {
    let now = UnixSeconds::now()?;
    let accounts = ctx.accounts;
    let payer = accounts.payer.key();
    accounts.merchant.require_open()?;
    let intent = &mut accounts.intent;
    intent.require_open(&accounts.merchant.key())?;
    ensure(args.amount == intent.amount, TollgateError::AmountMismatch)?;
    let payment = Payment {
        payer,
        beneficiary: args.beneficiary,
        rail: Rail::Pay,
    };
    settle(
        intent,
        &accounts.entitlement,
        &accounts.rent_payer,
        &payment,
        now,
    )?;
    Transfer {
        source: &accounts.source,
        mint: &accounts.mint,
        destination: &accounts.vault,
        authority: &accounts.payer,
    }
    .execute(intent.amount, intent.decimals, &[])
}
