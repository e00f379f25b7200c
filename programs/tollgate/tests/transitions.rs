//! What the state types decide, without a runtime.

use anchor_lang::prelude::Pubkey;
use tollgate::identifiers::{PaymentId, Slug};
use tollgate::state::{Entitlement, EntitlementStatus, Grant};
use tollgate::units::{Amount, Credits, DurationSeconds, UnixSeconds};

fn entitlement(now: i64) -> Entitlement {
    let key = |byte| Pubkey::new_from_array([byte; 32]);
    Entitlement::empty(key(1), key(2), key(3), key(4), 255, UnixSeconds(now))
}

fn timed(seconds: u64) -> Grant {
    Grant {
        access: DurationSeconds(seconds),
        credits: Credits(0),
        metered: false,
        refund_until: UnixSeconds(0),
    }
}

#[test]
fn time_is_added_to_the_later_of_now_and_the_expiry() {
    let mut held = entitlement(100);
    held.grant(&timed(10), Pubkey::default(), UnixSeconds(100))
        .unwrap();
    assert_eq!(held.expires_at, UnixSeconds(110));
    held.grant(&timed(10), Pubkey::default(), UnixSeconds(105))
        .unwrap();
    assert_eq!(held.expires_at, UnixSeconds(120));
    held.grant(&timed(10), Pubkey::default(), UnixSeconds(120))
        .unwrap();
    assert_eq!(held.expires_at, UnixSeconds(130));
    held.grant(&timed(10), Pubkey::default(), UnixSeconds(1_000))
        .unwrap();
    assert_eq!((held.expires_at, held.payments), (UnixSeconds(1_010), 4));
}

#[test]
fn a_payment_without_limit_in_time_outlasts_timed_ones() {
    let mut held = entitlement(100);
    held.grant(&timed(0), Pubkey::default(), UnixSeconds(100))
        .unwrap();
    held.grant(&timed(10), Pubkey::default(), UnixSeconds(100))
        .unwrap();
    assert_eq!(held.expires_at, UnixSeconds::NEVER);
    // What would remain if the unlimited payment were refunded.
    assert_eq!(
        (held.timed_until, held.unlimited_payments),
        (UnixSeconds(110), 1)
    );
}

#[test]
fn a_payment_after_a_revocation_begins_anew() {
    let mut held = entitlement(100);
    let metered = Grant {
        access: DurationSeconds(50),
        credits: Credits(10),
        metered: true,
        refund_until: UnixSeconds(0),
    };
    held.grant(&metered, Pubkey::default(), UnixSeconds(100))
        .unwrap();
    held.credits_used = Credits(4);
    held.status = EntitlementStatus::Revoked;
    held.grant(&metered, Pubkey::default(), UnixSeconds(110))
        .unwrap();
    assert_eq!(held.status, EntitlementStatus::Active);
    assert_eq!(held.expires_at, UnixSeconds(160));
    assert_eq!(held.credits_remaining(), Some(Credits(10)));
}

#[test]
fn nothing_overflows_silently() {
    let mut held = entitlement(0);
    let endless = timed(u64::MAX);
    assert!(held
        .grant(&endless, Pubkey::default(), UnixSeconds(0))
        .is_err());
    let credits = Grant {
        access: DurationSeconds(1),
        credits: Credits(u64::MAX),
        metered: true,
        refund_until: UnixSeconds(0),
    };
    held.grant(&credits, Pubkey::default(), UnixSeconds(0))
        .unwrap();
    assert!(held
        .grant(&credits, Pubkey::default(), UnixSeconds(0))
        .is_err());
    assert!(Amount(u64::MAX).checked_add(Amount(1)).is_err());
    assert!(Amount(0).checked_sub(Amount(1)).is_err());
    assert!(UnixSeconds(i64::MAX)
        .checked_add(DurationSeconds(1))
        .is_err());
}

#[test]
fn a_slug_has_one_spelling() {
    assert_eq!(Slug::new("day-pass").unwrap().as_str(), "day-pass");
    assert_eq!(
        Slug::new(&"a".repeat(32)).unwrap().to_string(),
        "a".repeat(32)
    );
    for bad in [
        "",
        "Day",
        "day pass",
        "day/pass",
        "tag\0",
        "ä",
        &"a".repeat(33),
    ] {
        assert!(Slug::new(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_payment_id_is_written_in_base58() {
    let id = PaymentId([7; 32]);
    assert_eq!(id.to_string().parse::<PaymentId>().unwrap(), id);
    assert!("".parse::<PaymentId>().is_err());
    assert!("0".repeat(44).parse::<PaymentId>().is_err());
}
