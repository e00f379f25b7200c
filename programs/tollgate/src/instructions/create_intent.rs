//! Records the terms of one purchase.

use crate::constants::INTENT_SEED;
use crate::derived_account;
use crate::error::TollgateError;
use crate::events::{emit, IntentCreated};
use crate::identifiers::PaymentId;
use crate::state::{IntentOrigin, IntentTerms, Merchant, PaymentIntent, Product};
use crate::units::UnixSeconds;
use anchor_lang::prelude::*;

/// Which purchase, by when, on which terms.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct CreateIntentArgs {
    /// The purchase's name, unique for its author.
    pub payment_id: PaymentId,
    /// Payable while now is before it; at most 30 days ahead.
    pub expires_at: UnixSeconds,
    /// Whose entitlement it will be; default: whom the payer names.
    pub beneficiary: Pubkey,
    /// List price for the creator, or a quote of the operator.
    pub terms: IntentTerms,
}

/// Accounts of `create_intent`.
#[derive(Accounts)]
#[instruction(args: CreateIntentArgs)]
pub struct CreateIntent<'info> {
    /// The payer itself at list price; the merchant's operator for a quote.
    pub creator: Signer<'info>,
    /// Pays the intent's rent and gets it back when that closes.
    #[account(mut)]
    pub rent_payer: Signer<'info>,
    /// Bound by the product.
    pub merchant: Box<Account<'info, Merchant>>,
    /// What is bought.
    pub product: Box<Account<'info, Product>>,
    /// The new intent. Its author is the creator at list price, the merchant for a quote.
    /// CHECK: derived, compared and created by the handler.
    // The seeds stand here for the IDL only, which cannot express the choice of the
    // author and names the one at list price.
    #[cfg_attr(not(feature = "idl-build"), account(mut))]
    #[cfg_attr(
        feature = "idl-build",
        account(
            mut,
            seeds = [INTENT_SEED, merchant.key().as_ref(), creator.key().as_ref(), args.payment_id.0.as_ref()],
            bump,
        )
    )]
    pub intent: UncheckedAccount<'info>,
    /// Creates the intent.
    pub system_program: Program<'info, System>,
}

/// The creator signs; no tokens move. The author's key in the address means that
/// nobody can occupy the payment id of somebody else.
pub fn handle_create_intent(ctx: Context<CreateIntent>, args: CreateIntentArgs) -> Result<()> {
    let accounts = ctx.accounts;
    let merchant = accounts.merchant.key();
    let creator = accounts.creator.key();
    accounts.merchant.require_open()?;
    accounts.product.require_for_sale(&merchant)?;
    if let IntentTerms::Quote(_) = args.terms {
        accounts.merchant.require_operator(&creator)?;
    }
    let author = args.terms.author(merchant, creator);
    let seeds = [
        INTENT_SEED,
        merchant.as_ref(),
        author.as_ref(),
        args.payment_id.0.as_ref(),
    ];
    let bump =
        derived_account::require_address(&accounts.intent, &seeds, TollgateError::IntentMismatch)?;
    let origin = IntentOrigin {
        bump,
        creator,
        rent_payer: accounts.rent_payer.key(),
        product: accounts.product.key(),
        payment_id: args.payment_id,
        beneficiary: args.beneficiary,
        expires_at: args.expires_at,
        now: UnixSeconds::now()?,
    };
    let intent = PaymentIntent::open(origin, &args.terms, &accounts.product)?;
    emit(&IntentCreated {
        intent: accounts.intent.key(),
        merchant,
        product: intent.product,
        author: intent.author,
        payment_id: intent.payment_id,
        payer: intent.payer,
        beneficiary: intent.beneficiary,
        amount: intent.amount,
        expires_at: intent.expires_at,
    });
    derived_account::create(
        &accounts.intent,
        &accounts.rent_payer,
        PaymentIntent::SPACE,
        &[seeds[0], seeds[1], seeds[2], seeds[3], &[bump]],
    )?;
    derived_account::store(&accounts.intent, &intent)
}
