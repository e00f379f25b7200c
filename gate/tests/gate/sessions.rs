//! Session tokens: every bit counts.

use crate::support::*;
use proptest::prelude::*;
use tollgate_client::{DurationSeconds, UnixSeconds};
use tollgate_gate::session::{Session, issue, verify};
use tollgate_gate::{GateError, KeyId, KeyRing, Origin};

fn session() -> Session {
    Session {
        entitlement: public("entitlement"),
        product: offer().product,
        beneficiary: public("alice"),
        issued_at: NOW,
        expires_at: UnixSeconds(NOW.0 + 600),
    }
}

fn origin() -> Origin {
    Origin::parse(ORIGIN).unwrap()
}

fn bearer(keys: &KeyRing) -> String {
    let token = issue(keys, &origin(), &session(), DurationSeconds(3_600)).unwrap();
    format!("Bearer {}", token.expose())
}

fn check(authorization: &str, now: UnixSeconds) -> Result<Option<Session>, GateError> {
    verify(&keys(), &origin(), authorization, &offer().product, now)
}

#[test]
fn a_token_says_what_was_put_into_it() {
    assert_eq!(check(&bearer(&keys()), NOW), Ok(Some(session())));
}

#[test]
fn it_is_valid_before_its_expiry_only() {
    let bearer = bearer(&keys());
    assert!(check(&bearer, UnixSeconds(NOW.0 + 599)).is_ok());
    for late in [600, 601, 1 << 40] {
        assert_eq!(
            check(&bearer, UnixSeconds(NOW.0 + late)),
            Err(GateError::SessionExpired)
        );
    }
    // A clock that is behind by more than the allowed skew.
    assert!(check(&bearer, UnixSeconds(NOW.0 - 30)).is_ok());
    assert_eq!(
        check(&bearer, UnixSeconds(NOW.0 - 31)),
        Err(GateError::SessionInvalid)
    );
}

#[test]
fn its_life_is_the_shortest_of_three() {
    let expiry = |expires_at, lifetime| {
        let session = Session {
            expires_at: UnixSeconds(expires_at),
            ..session()
        };
        issue(&keys(), &origin(), &session, DurationSeconds(lifetime))
            .map(|token| token.expires_at().0 - NOW.0)
    };
    assert_eq!(expiry(i64::MAX, 60), Some(60));
    assert_eq!(expiry(NOW.0 + 30, 60), Some(30));
    assert_eq!(expiry(i64::MAX, u64::MAX), Some(86_400));
    assert_eq!(expiry(NOW.0, 60), None);
    assert_eq!(expiry(i64::MIN, 60), None);
    assert_eq!(expiry(i64::MAX, 0), None);
}

#[test]
fn it_counts_for_one_product_one_origin_and_one_secret() {
    let bearer = bearer(&keys());
    let other_product = offer_of("other").product;
    assert_eq!(
        verify(&keys(), &origin(), &bearer, &other_product, NOW),
        Err(GateError::SessionOtherProduct)
    );
    let other_origin = Origin::parse("https://other.example.com").unwrap();
    assert_eq!(
        verify(&keys(), &other_origin, &bearer, &offer().product, NOW),
        Err(GateError::SessionInvalid)
    );
    let other_keys = KeyRing::new((KeyId(1), secret(8)), vec![]).unwrap();
    assert_eq!(
        verify(&other_keys, &origin(), &bearer, &offer().product, NOW),
        Err(GateError::SessionInvalid)
    );
}

#[test]
fn it_survives_the_rotation_of_secrets_until_the_old_one_is_dropped() {
    let bearer = bearer(&keys());
    let rotated = KeyRing::new((KeyId(2), secret(8)), vec![(KeyId(1), secret(7))]).unwrap();
    let dropped = KeyRing::new((KeyId(2), secret(8)), vec![]).unwrap();
    let check = |keys| verify(keys, &origin(), &bearer, &offer().product, NOW);
    assert_eq!(check(&rotated), Ok(Some(session())));
    assert_eq!(check(&dropped), Err(GateError::SessionInvalid));
}

#[test]
fn it_is_not_printed() {
    let token = issue(&keys(), &origin(), &session(), DurationSeconds(60)).unwrap();
    assert!(!format!("{token:?}").contains(token.expose()));
}

#[test]
fn damaged_tokens_are_refused_as_such() {
    let good = bearer(&keys());
    let spaced = good.replace("Bearer ", "bEARER   ");
    assert_eq!(check(&spaced, NOW), Ok(Some(session())));
    let long = format!("Bearer tgs1_{}", "A".repeat(600));
    for bad in [
        "Bearer tgs1_",
        "Bearer tgs1_====",
        "Bearer tgs1_A",
        &good[..good.len() - 1],
        &format!("{good}A"),
        &long,
    ] {
        assert_eq!(check(bad, NOW), Err(GateError::SessionMalformed), "{bad}");
    }
}

proptest! {
    #[test]
    fn no_character_can_be_changed(position: prop::sample::Index, replacement in "[A-Za-z0-9_-]") {
        let mut bad = bearer(&keys());
        let begin = "Bearer tgs1_".len();
        let position = begin + position.index(bad.len() - begin);
        if bad[position..=position] != replacement {
            bad.replace_range(position..=position, &replacement);
            // The last character has spare bits, which must be zero.
            prop_assert!(matches!(
                check(&bad, NOW),
                Err(GateError::SessionInvalid | GateError::SessionMalformed)
            ));
        }
    }

    #[test]
    fn nothing_else_is_accepted(text in "Bearer tgs1_[A-Za-z0-9_-]{0,300}") {
        prop_assert!(check(&text, NOW).is_err());
    }
}
