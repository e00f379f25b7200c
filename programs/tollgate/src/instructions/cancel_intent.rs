//! Gives up an open intent.

use crate::events::{emit, IntentCancelled};
use crate::state::{Merchant, PaymentIntent};
use anchor_lang::prelude::*;

/// Accounts of `cancel_intent`.
#[derive(Accounts)]
pub struct CancelIntent<'info> {
    /// The merchant's operator, or the payer who created the intent.
    pub signer: Signer<'info>,
    /// Bound by the intent; read for its operator.
    pub merchant: Box<Account<'info, Merchant>>,
    /// Must be open; expired is fine. The only writable account.
    #[account(mut, dup)]
    pub intent: Box<Account<'info, PaymentIntent>>,
}

/// No tokens move, and none can afterwards: a cancelled intent cannot be paid.
/// Works while the merchant is paused.
pub fn handle_cancel_intent(ctx: Context<CancelIntent>) -> Result<()> {
    let accounts = ctx.accounts;
    let signer = accounts.signer.key();
    accounts.intent.require_open(&accounts.merchant.key())?;
    accounts
        .intent
        .cancel(&signer, &accounts.merchant.operator)?;
    emit(&IntentCancelled {
        intent: accounts.intent.key(),
        cancelled_by: signer,
    });
    Ok(())
}
