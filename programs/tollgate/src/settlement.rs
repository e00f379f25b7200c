//! What every rail has in common: the intent becomes paid and the entitlement
//! stands, or neither.

use crate::derived_account;
use crate::entitlement_account::{load_or_create_entitlement, Holder};
use crate::events::{emit, IntentPaid};
use crate::state::{PaymentIntent, Rail};
use crate::units::UnixSeconds;
use anchor_lang::prelude::*;

/// Who paid, for whom, and how.
pub struct Payment {
    /// Whom a refund goes to.
    pub payer: Pubkey,
    /// Whose entitlement it becomes.
    pub beneficiary: Pubkey,
    /// How the money came.
    pub rail: Rail,
}

/// Records `payment` of an open intent and creates or extends the entitlement. The
/// caller has made sure of the intent's merchant, of [`PaymentIntent::require_open`]
/// and of the money.
pub fn settle<'info>(
    intent: &mut Account<'info, PaymentIntent>,
    entitlement_account: &AccountInfo<'info>,
    rent_payer: &AccountInfo<'info>,
    payment: &Payment,
    now: UnixSeconds,
) -> Result<()> {
    let grant = intent.settle(payment.payer, payment.beneficiary, payment.rail, now)?;
    let holder = Holder {
        merchant: intent.merchant,
        product: intent.product,
        beneficiary: payment.beneficiary,
    };
    let mut entitlement =
        load_or_create_entitlement(entitlement_account, &holder, rent_payer, now)?;
    entitlement.grant(&grant, intent.key(), now)?;
    intent.generation = entitlement.generation;
    derived_account::store(entitlement_account, &entitlement)?;
    emit(&IntentPaid {
        intent: intent.key(),
        entitlement: entitlement_account.key(),
        payer: payment.payer,
        beneficiary: payment.beneficiary,
        vault: intent.vault,
        amount: intent.amount,
        expires_at: entitlement.expires_at,
        credits_granted: entitlement.credits_granted,
        rail_code: intent.rail_code,
        rail: payment.rail,
        reserved: [0; 5],
    });
    Ok(())
}
