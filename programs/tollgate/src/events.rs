//! A log event for every transition. Accounts are the truth; events are for
//! history and never decide whether somebody has paid.
//!
//! Like accounts, events have fixed layouts without padding: the bytes in memory are
//! the Borsh encoding that the IDL describes, and are logged in one piece. Bytes
//! named `reserved` are zero and only fill up the last word.

use crate::identifiers::{PaymentId, Slug};
use crate::state::Rail;
use crate::units::{Amount, Credits, DurationSeconds, UnixSeconds};
use anchor_lang::prelude::*;
use anchor_lang::solana_program::log::sol_log_data;
use bytemuck::NoUninit;

/// Logs an event as Anchor's `emit!` does, without Borsh, whose field-by-field code
/// costs more (benches/README.md).
pub(crate) fn emit<Event: Discriminator + NoUninit>(event: &Event) {
    log(Event::DISCRIMINATOR, bytemuck::bytes_of(event));
}

#[inline(never)]
fn log(discriminator: &[u8], fields: &[u8]) {
    sol_log_data(&[&[discriminator, fields].concat()]);
}

/// A merchant came into being.
#[event]
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
pub struct MerchantCreated {
    pub merchant: Pubkey,
    pub owner: Pubkey,
    pub operator: Pubkey,
}

/// A merchant's operator or pause changed; the values are those after it.
#[event]
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
pub struct MerchantUpdated {
    pub merchant: Pubkey,
    pub operator: Pubkey,
    pub paused: bool,
}

/// A product was published.
#[event]
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
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
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
pub struct ProductUpdated {
    pub product: Pubkey,
    pub price: Amount,
    pub access: DurationSeconds,
    pub credits: Credits,
    pub refund_window: DurationSeconds,
    pub active: bool,
    pub reserved: [u8; 7],
}

/// Terms of one purchase were recorded.
#[event]
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
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
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
pub struct IntentCancelled {
    pub intent: Pubkey,
    pub cancelled_by: Pubkey,
}

/// An intent was paid, by whichever rail, and the entitlement stands.
#[event]
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
pub struct IntentPaid {
    pub intent: Pubkey,
    pub entitlement: Pubkey,
    pub payer: Pubkey,
    pub beneficiary: Pubkey,
    pub vault: Pubkey,
    pub amount: Amount,
    pub expires_at: UnixSeconds,
    pub credits_granted: Credits,
    /// Names the rail of an attested payment; 0 otherwise.
    pub rail_code: u16,
    pub rail: Rail,
    pub reserved: [u8; 5],
}

/// Money left a vault for its merchant.
#[event]
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
pub struct Withdrawn {
    pub merchant: Pubkey,
    pub vault: Pubkey,
    pub destination: Pubkey,
    pub amount: Amount,
}

/// Money went back to a payer.
#[event]
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
pub struct PaymentRefunded {
    pub intent: Pubkey,
    pub payer: Pubkey,
    pub destination: Pubkey,
    pub amount: Amount,
    pub refunded: Amount,
    pub full: bool,
    pub reserved: [u8; 7],
}

/// A deposit that is no payment went back.
#[event]
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
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
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
pub struct EntitlementRevoked {
    pub entitlement: Pubkey,
    pub product: Pubkey,
    pub beneficiary: Pubkey,
}

/// Used credits were booked; the values are totals.
#[event]
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
pub struct CreditsBooked {
    pub entitlement: Pubkey,
    pub credits_used: Credits,
    pub credits_granted: Credits,
}

/// A change of the authority was proposed; the default key takes a proposal back.
#[event]
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
pub struct AuthorityProposed {
    pub merchant: Pubkey,
    pub authority: Pubkey,
    pub pending_authority: Pubkey,
}

/// The authority changed.
#[event]
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
pub struct AuthorityAccepted {
    pub merchant: Pubkey,
    pub authority: Pubkey,
}

/// An account is gone and its rent went back.
#[event]
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
pub struct AccountClosed {
    pub account: Pubkey,
    pub rent_payer: Pubkey,
}
