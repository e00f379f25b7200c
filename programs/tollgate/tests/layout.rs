//! What clients rely on: the bytes of accounts and events are Borsh's, behind
//! Anchor's discriminators.

use anchor_lang::prelude::*;
use anchor_lang::{AccountDeserialize, AccountSerialize, Discriminator};
use bytemuck::NoUninit;
use sha2::{Digest, Sha256};
use tollgate::events::*;
use tollgate::identifiers::{PaymentId, Slug};
use tollgate::state::{
    Entitlement, EntitlementStatus, IntentStatus, Merchant, PaymentIntent, Product, Rail,
};
use tollgate::units::{Amount, Credits, DurationSeconds, UnixSeconds};

fn key(byte: u8) -> Pubkey {
    Pubkey::new_from_array([byte; 32])
}

fn intent() -> PaymentIntent {
    PaymentIntent {
        version: 1,
        bump: 254,
        status: IntentStatus::Paid,
        decimals: 6,
        metered: true,
        rail: Rail::Attested,
        rail_code: 513,
        merchant: key(1),
        product: key(2),
        mint: key(3),
        vault: key(4),
        author: key(5),
        payment_id: PaymentId([6; 32]),
        payer: key(7),
        beneficiary: key(8),
        rent_payer: key(9),
        reference: [10; 32],
        amount: Amount(11),
        refunded: Amount(12),
        access: DurationSeconds(13),
        credits: Credits(14),
        refund_window: DurationSeconds(15),
        created_at: UnixSeconds(16),
        expires_at: UnixSeconds(-17),
        paid_at: UnixSeconds(18),
        refund_until: UnixSeconds(19),
        generation: 20,
    }
}

fn entitlement() -> Entitlement {
    Entitlement {
        status: EntitlementStatus::Revoked,
        metered: true,
        expires_at: UnixSeconds(1),
        credits_granted: Credits(2),
        credits_used: Credits(3),
        payments: 4,
        timed_until: UnixSeconds(5),
        unlimited_payments: 6,
        generation: 7,
        refundable_until: UnixSeconds(8),
        ..Entitlement::empty(key(1), key(2), key(3), key(4), 250, UnixSeconds(9))
    }
}

fn merchant() -> Merchant {
    let mut merchant = Merchant::new(key(1), key(2), 251, UnixSeconds(3)).unwrap();
    merchant.paused = true;
    merchant.pending_authority = key(4);
    merchant
}

fn product() -> Product {
    Product {
        version: 1,
        bump: 252,
        active: true,
        decimals: 6,
        reserved: [0; 4],
        merchant: key(1),
        mint: key(2),
        vault: key(3),
        rent_payer: key(4),
        slug: Slug::new("day-pass").unwrap(),
        price: Amount(5),
        access: DurationSeconds(6),
        credits: Credits(7),
        refund_window: DurationSeconds(8),
        created_at: UnixSeconds(9),
    }
}

fn check_discriminator<T: Discriminator>(name: &str) {
    let hash = Sha256::digest(name.as_bytes());
    assert_eq!(T::DISCRIMINATOR, &hash[..8], "{name}");
}

/// The account's bytes are discriminator and Borsh, and come back as they were.
fn check_account<T>(name: &str, value: &T, size: usize)
where
    T: AccountSerialize + AccountDeserialize + AnchorSerialize + Discriminator + NoUninit,
{
    check_discriminator::<T>(&format!("account:{name}"));
    let mut bytes = Vec::new();
    value.try_serialize(&mut bytes).unwrap();
    let mut borsh = Vec::new();
    AnchorSerialize::serialize(value, &mut borsh).unwrap();
    assert_eq!(bytes, [T::DISCRIMINATOR, &borsh].concat(), "{name}");
    assert_eq!(size, bytes.len() + 64, "{name}");
    // At an odd address, too: a client's buffer is aligned to nothing.
    for shift in 0..8 {
        let mut buffer = vec![0; shift];
        buffer.extend_from_slice(&bytes);
        let read = T::try_deserialize(&mut &buffer[shift..]).unwrap();
        assert_eq!(bytemuck::bytes_of(&read), bytemuck::bytes_of(value));
    }
    for length in 0..bytes.len() {
        assert!(
            T::try_deserialize(&mut &bytes[..length]).is_err(),
            "{name} cut to {length}"
        );
    }
}

#[test]
fn accounts_are_borsh_behind_anchors_discriminators() {
    check_account("Merchant", &merchant(), Merchant::SPACE);
    check_account("Product", &product(), Product::SPACE);
    check_account("PaymentIntent", &intent(), PaymentIntent::SPACE);
    check_account("Entitlement", &entitlement(), Entitlement::SPACE);
}

/// Accounts as this version writes them, kept as bytes: whatever a later version
/// does, it has to read these.
#[test]
fn accounts_of_the_first_version_can_be_read() {
    fn check<T: AccountSerialize + AccountDeserialize>(kept: &str, value: &T) {
        let mut bytes = Vec::new();
        value.try_serialize(&mut bytes).unwrap();
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, kept.trim_end());
    }
    check(include_str!("accounts_v1/merchant.hex"), &merchant());
    check(include_str!("accounts_v1/product.hex"), &product());
    check(include_str!("accounts_v1/payment_intent.hex"), &intent());
    check(include_str!("accounts_v1/entitlement.hex"), &entitlement());
}

/// Every byte that is a flag, a status or a rail, set to every value that it can have
/// and to every one that it cannot.
#[test]
fn bytes_that_no_value_has_do_not_decode() {
    fn accepted<T: AccountSerialize + AccountDeserialize>(value: &T, offset: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        value.try_serialize(&mut bytes).unwrap();
        let with = |byte| {
            let mut changed = bytes.clone();
            changed[8 + offset] = byte;
            changed
        };
        (0..=u8::MAX)
            .filter(|byte| T::try_deserialize(&mut with(*byte).as_slice()).is_ok())
            .collect()
    }
    assert_eq!(accepted(&merchant(), 2), [0, 1], "paused");
    assert_eq!(accepted(&product(), 2), [0, 1], "active");
    assert_eq!(accepted(&intent(), 2), [0, 1, 2, 3], "status");
    assert_eq!(accepted(&intent(), 4), [0, 1], "metered");
    assert_eq!(accepted(&intent(), 5), [0, 1, 2, 3], "rail");
    assert_eq!(accepted(&entitlement(), 2), [0, 1], "status");
    assert_eq!(accepted(&entitlement(), 3), [0, 1], "metered");
}

fn check_event<T: AnchorSerialize + Discriminator + NoUninit>(name: &str, event: &T) {
    check_discriminator::<T>(&format!("event:{name}"));
    let mut borsh = Vec::new();
    AnchorSerialize::serialize(event, &mut borsh).unwrap();
    assert_eq!(borsh, bytemuck::bytes_of(event), "{name}");
}

#[test]
fn events_are_borsh() {
    check_event(
        "IntentPaid",
        &IntentPaid {
            intent: key(1),
            entitlement: key(2),
            payer: key(3),
            beneficiary: key(4),
            vault: key(5),
            amount: Amount(6),
            expires_at: UnixSeconds(7),
            credits_granted: Credits(8),
            rail_code: 513,
            rail: Rail::Attested,
            reserved: [0; 5],
        },
    );
    check_event(
        "PaymentRefunded",
        &PaymentRefunded {
            intent: key(1),
            payer: key(2),
            destination: key(3),
            amount: Amount(4),
            refunded: Amount(5),
            full: true,
            reserved: [0; 7],
        },
    );
    check_event(
        "ProductUpdated",
        &ProductUpdated {
            product: key(1),
            price: Amount(2),
            access: DurationSeconds(3),
            credits: Credits(4),
            refund_window: DurationSeconds(5),
            active: true,
            reserved: [0; 7],
        },
    );
}
