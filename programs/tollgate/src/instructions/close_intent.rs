//! Gives back the rent of an intent.

use crate::error::{ensure, TollgateError};
use crate::events::{emit, AccountClosed};
use crate::state::PaymentIntent;
use crate::units::UnixSeconds;
use anchor_lang::prelude::*;
use anchor_spl::associated_token::get_associated_token_address;
use anchor_spl::token;

/// Accounts of `close_intent`. No signer but the fee payer.
#[derive(Accounts)]
pub struct CloseIntent<'info> {
    /// Cancelled, refunded, expired unpaid, or paid and past its refund window.
    #[account(mut, dup)]
    pub intent: Box<Account<'info, PaymentIntent>>,
    /// The intent's associated token account, which must not exist: while it does, its
    /// money could only leave through the intent.
    /// CHECK: derived and compared by the handler.
    pub deposit: UncheckedAccount<'info>,
    /// Who paid the rent.
    /// CHECK: compared with the record.
    #[account(mut, address = intent.rent_payer @ TollgateError::RentPayerMismatch)]
    pub rent_payer: UncheckedAccount<'info>,
}

/// Anyone may call; all lamports go to the recorded rent payer and nobody else.
pub fn handle_close_intent(ctx: Context<CloseIntent>) -> Result<()> {
    let accounts = ctx.accounts;
    let intent = &accounts.intent;
    intent.require_closable(UnixSeconds::now()?)?;
    let deposit = get_associated_token_address(&intent.key(), &intent.mint);
    ensure(
        accounts.deposit.key() == deposit,
        TollgateError::DepositMismatch,
    )?;
    ensure(
        *accounts.deposit.owner != token::ID,
        TollgateError::DepositPending,
    )?;
    emit(&AccountClosed {
        account: intent.key(),
        rent_payer: intent.rent_payer,
    });
    intent.close(accounts.rent_payer.to_account_info())
}
