//! Which proof counts when there are several, and what a bad one leads to.

use crate::support::*;
use http::HeaderMap;
use tollgate_client::UnixSeconds;
use tollgate_gate::{Decision, Entitled, GateError, Identity, Next, Reading};

fn entitled(signer: &str) -> Entitled {
    let Next::Read(question) = gate().open(&quote(), &signed_in(signer), NOW) else {
        panic!()
    };
    let entitlement = Box::new(entitlement(&offer(), public(signer)));
    match question.answer(Reading::Known {
        entitlement,
        chain_time: NOW,
        slot: 1,
    }) {
        Decision::Serve(entitled) => entitled,
        other => panic!("{other:?}"),
    }
}

fn bearer(signer: &str) -> String {
    let token = gate().session_for(&entitled(signer), NOW).unwrap();
    format!("Bearer {}", token.expose())
}

fn identify(headers: &HeaderMap, now: UnixSeconds) -> Result<Identity, GateError> {
    gate().identify(headers, &offer().product, now)
}

#[test]
fn a_sign_in_leads_to_a_session_that_is_taken_instead_of_it() {
    let bearer = bearer("alice");
    let lines = headers(&[("authorization", &bearer)]);
    let Ok(Identity::Session(session)) = identify(&lines, UnixSeconds(NOW.0 + 60)) else {
        panic!()
    };
    assert_eq!(session.beneficiary, public("alice"));
    assert_eq!(session.entitlement, *entitled("alice").address());
    let Next::Read(question) = gate().open(&quote(), &lines, NOW) else {
        panic!()
    };
    assert_eq!(question.entitlement_address(), &session.entitlement);
    assert!(question.fresh_sign_in().is_none());
    let account = Box::new(entitlement(&offer(), public("alice")));
    let Decision::Serve(served) = question.answer(Reading::Known {
        entitlement: account,
        chain_time: NOW,
        slot: 1,
    }) else {
        panic!()
    };
    assert!(
        gate().session_for(&served, NOW).is_none(),
        "a session does not breed sessions"
    );
}

#[test]
fn the_session_ends_no_later_than_the_entitlement() {
    let token = gate().session_for(&entitled("alice"), NOW).unwrap();
    assert_eq!(token.expires_at(), UnixSeconds(NOW.0 + 600));
    assert!(
        gate()
            .session_for(&entitled("alice"), UnixSeconds(NOW.0 + 600))
            .is_none()
    );
}

#[test]
fn a_good_session_wins_over_any_sign_in() {
    let bearer = bearer("alice");
    let lines = headers(&[("authorization", &bearer), ("sign-in-with-x", "garbage")]);
    assert!(matches!(identify(&lines, NOW), Ok(Identity::Session(_))));
}

#[test]
fn a_bad_session_gives_way_to_a_good_sign_in() {
    let mut lines = signed_in("bob");
    for bad in ["Bearer tgs1_AAAA", "Bearer tgs1_"] {
        lines.insert("authorization", bad.parse().unwrap());
        let Ok(Identity::SignedIn(signed)) = identify(&lines, NOW) else {
            panic!()
        };
        assert_eq!(signed.beneficiary(), &public("bob"));
    }
}

#[test]
fn a_bad_proof_is_refused_and_never_turned_into_a_demand_for_money() {
    for (lines, error) in [
        (
            headers(&[("authorization", "Bearer tgs1_AAAA")]),
            GateError::SessionMalformed,
        ),
        (
            headers(&[("sign-in-with-x", "garbage")]),
            GateError::SiwxHeader,
        ),
        (
            headers(&[
                ("authorization", "Bearer tgs1_AAAA"),
                ("sign-in-with-x", "garbage"),
            ]),
            GateError::SiwxHeader,
        ),
        (
            headers(&[("sign-in-with-x", "a"), ("sign-in-with-x", "a")]),
            GateError::HeaderDuplicate,
        ),
        (
            headers(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]),
            GateError::HeaderDuplicate,
        ),
    ] {
        assert_eq!(identify(&lines, NOW), Err(error));
        match gate().open(&quote(), &lines, NOW) {
            Next::Done(Decision::Refuse(refused)) => assert_eq!(refused, error),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_upstreams_own_authorization_is_nobody_to_the_gate() {
    for value in [
        "Bearer eyJhbGciOi",
        "Basic dXNlcjpwYXNz",
        "tgs1_AAAA",
        "Token tgs1_AAAA",
    ] {
        assert_eq!(
            identify(&headers(&[("authorization", value)]), NOW),
            Ok(Identity::Nobody),
            "{value}"
        );
    }
    assert_eq!(identify(&HeaderMap::new(), NOW), Ok(Identity::Nobody));
}
