//! The nonces of sign-ins: made and recognised without being remembered.

use crate::support::*;
use proptest::prelude::*;
use tollgate_client::UnixSeconds;
use tollgate_gate::siwx::nonce;
use tollgate_gate::{KeyId, KeyRing, Origin};

/// A nonce for the one offer of these tests.
pub fn make(keys: &KeyRing, origin: &Origin, now: UnixSeconds, random: [u8; 4]) -> String {
    nonce::make(keys, origin, &offer().product, now, random)
}

pub fn check(keys: &KeyRing, origin: &Origin, text: &str, now: UnixSeconds) -> Option<UnixSeconds> {
    nonce::check(keys, origin, &offer().product, text, now)
}

#[test]
fn nonces_are_recognised_by_every_replica_of_the_same_service_only() {
    let origin = Origin::parse(ORIGIN).unwrap();
    let nonce = make(&keys(), &origin, NOW, [1; 4]);
    assert_eq!(nonce.len(), 32);
    assert_eq!(check(&keys(), &origin, &nonce, NOW), Some(NOW));
    let rotated = KeyRing::new((KeyId(9), secret(8)), vec![(KeyId(1), secret(7))]).unwrap();
    assert_eq!(check(&rotated, &origin, &nonce, NOW), Some(NOW));
    let other = KeyRing::new((KeyId(1), secret(8)), vec![]).unwrap();
    assert_eq!(check(&other, &origin, &nonce, NOW), None);
    let elsewhere = Origin::parse("https://other.example.com").unwrap();
    assert_eq!(check(&keys(), &elsewhere, &nonce, NOW), None);
    let other_product = offer_of("reports").product;
    assert_eq!(
        nonce::check(&keys(), &origin, &other_product, &nonce, NOW),
        None
    );
    let ended = KeyRing::new((KeyId(9), secret(8)), vec![(KeyId(1), secret(7))])
        .unwrap()
        .retire(KeyId(1), NOW);
    assert_eq!(check(&ended, &origin, &nonce, NOW), None);
    for outside in [i64::MIN, -31, 1 << 32, i64::MAX] {
        let nonce = make(&keys(), &origin, UnixSeconds(outside), [1; 4]);
        assert_eq!(check(&keys(), &origin, &nonce, UnixSeconds(outside)), None);
    }
}

proptest! {
    #[test]
    fn guessed_nonces_are_not_recognised(guess in "[0-9a-f]{32}") {
        let origin = Origin::parse(ORIGIN).unwrap();
        prop_assert_eq!(check(&keys(), &origin, &guess, NOW), None);
    }
}
