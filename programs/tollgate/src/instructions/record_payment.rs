//! Records a payment that the operator attests.

use crate::error::{ensure, TollgateError};
use crate::settlement::{settle, Payment};
use crate::state::{Merchant, PaymentIntent, Rail};
use crate::units::UnixSeconds;
use anchor_lang::prelude::*;

/// What is attested.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct RecordPaymentArgs {
    /// Code of the rail; 1: x402 `exact` straight to the vault, 2: card, 3:
    /// Lightning, others as the merchant likes.
    pub rail: u16,
    /// What names the payment there, such as a hash of its identifier.
    pub reference: [u8; 32],
    /// Who paid, as far as it is a key; must fit the intent.
    pub payer: Pubkey,
    /// Whose entitlement it becomes; must fit the intent.
    pub beneficiary: Pubkey,
}

/// Accounts of `record_payment`.
#[derive(Accounts)]
pub struct RecordPayment<'info> {
    /// The merchant's operator.
    pub operator: Signer<'info>,
    /// Pays the rent of a first entitlement and gets it back when that closes.
    #[account(mut)]
    pub rent_payer: Signer<'info>,
    /// Bound by the intent.
    pub merchant: Box<Account<'info, Merchant>>,
    /// A quote of the operator that waits for its payment.
    #[account(mut, dup)]
    pub intent: Box<Account<'info, PaymentIntent>>,
    /// The beneficiary's entitlement to the intent's product; the first payment creates it.
    /// CHECK: compared with both, or created at their canonical address.
    #[account(mut)]
    pub entitlement: UncheckedAccount<'info>,
    /// Creates a first entitlement.
    pub system_program: Program<'info, System>,
}

/// The operator signs; no tokens move. The intent says for ever that this was the
/// operator's word, and such a payment can never be refunded from the vault.
pub fn handle_record_payment(ctx: Context<RecordPayment>, args: RecordPaymentArgs) -> Result<()> {
    let accounts = ctx.accounts;
    accounts.merchant.require_operator(accounts.operator.key)?;
    accounts.merchant.require_open()?;
    let intent = &mut accounts.intent;
    intent.require_open(&accounts.merchant.key())?;
    ensure(
        intent.author == intent.merchant,
        TollgateError::SignerNotAllowed,
    )?;
    intent.rail_code = args.rail;
    intent.reference = args.reference;
    let payment = Payment {
        payer: args.payer,
        beneficiary: args.beneficiary,
        rail: Rail::Attested,
    };
    settle(
        intent,
        &accounts.entitlement,
        &accounts.rent_payer,
        &payment,
        UnixSeconds::now()?,
    )
}
