//! A log event for every transition. Accounts are the truth; events are for
//! history and never decide whether somebody has paid.

use crate::identifiers::{PaymentId, Slug};
use crate::state::Rail;
use crate::units::{Amount, Credits, DurationSeconds, UnixSeconds};
use anchor_lang::prelude::*;

/// A merchant came into being.
#[event]
pub struct MerchantCreated {
    pub merchant: Pubkey,
    pub owner: Pubkey,
    pub operator: Pubkey,
}

/// A merchant's operator or pause changed; the values are those after it.
#[event]
pub struct MerchantUpdated {
    pub merchant: Pubkey,
    pub operator: Pubkey,
    pub paused: bool,
}

/// A product was published.
#[event]
pub struct ProductCreated {
    pub product: Pubkey,
    pub merchant: Pubkey,
    pub slug: Slug,
    pub mint: Pubkey,
    pub vault: Pubkey,
    pub price: Amount,
    pub access: DurationSeconds,
    pub credits: Credits,
    pub refund_window: DurationSeconds,
}

/// A product's terms changed; the values are those after it.
#[event]
pub struct ProductUpdated {
    pub product: Pubkey,
    pub price: Amount,
    pub access: DurationSeconds,
    pub credits: Credits,
    pub refund_window: DurationSeconds,
    pub active: bool,
}

/// Terms of one purchase were recorded.
#[event]
pub struct IntentCreated {
    pub intent: Pubkey,
    pub merchant: Pubkey,
    pub product: Pubkey,
    pub author: Pubkey,
    pub payment_id: PaymentId,
    pub payer: Pubkey,
    pub beneficiary: Pubkey,
    pub amount: Amount,
    pub expires_at: UnixSeconds,
}

/// An open intent was given up.
#[event]
pub struct IntentCancelled {
    pub intent: Pubkey,
    pub cancelled_by: Pubkey,
}

/// An intent was paid, by whichever rail, and the entitlement stands.
#[event]
pub struct IntentPaid {
    pub intent: Pubkey,
    pub entitlement: Pubkey,
    pub payer: Pubkey,
    pub beneficiary: Pubkey,
    pub vault: Pubkey,
    pub amount: Amount,
    pub rail: Rail,
    pub expires_at: UnixSeconds,
    pub credits_granted: Credits,
}

/// Money left a vault for its merchant.
#[event]
pub struct Withdrawn {
    pub merchant: Pubkey,
    pub vault: Pubkey,
    pub destination: Pubkey,
    pub amount: Amount,
}

/// Money went back to a payer.
#[event]
pub struct PaymentRefunded {
    pub intent: Pubkey,
    pub payer: Pubkey,
    pub destination: Pubkey,
    pub amount: Amount,
    pub refunded: Amount,
    pub full: bool,
}

/// A deposit that is no payment went back.
#[event]
pub struct DepositReclaimed {
    pub intent: Pubkey,
    pub deposit: Pubkey,
    pub mint: Pubkey,
    pub owner: Pubkey,
    pub destination: Pubkey,
    pub amount: Amount,
}

/// An entitlement was ended by its merchant.
#[event]
pub struct EntitlementRevoked {
    pub entitlement: Pubkey,
    pub product: Pubkey,
    pub beneficiary: Pubkey,
}

/// Used credits were booked; the values are totals.
#[event]
pub struct CreditsBooked {
    pub entitlement: Pubkey,
    pub credits_used: Credits,
    pub credits_granted: Credits,
}

/// A change of the authority was proposed; the default key takes a proposal back.
#[event]
pub struct AuthorityProposed {
    pub merchant: Pubkey,
    pub authority: Pubkey,
    pub pending_authority: Pubkey,
}

/// The authority changed.
#[event]
pub struct AuthorityAccepted {
    pub merchant: Pubkey,
    pub authority: Pubkey,
}

/// An account is gone and its rent went back.
#[event]
pub struct AccountClosed {
    pub account: Pubkey,
    pub rent_payer: Pubkey,
}
