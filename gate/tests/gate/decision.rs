//! Every row of the decision.

use crate::support::*;
use http::{HeaderMap, Method};
use proptest::prelude::*;
use std::sync::Arc;
use tollgate_client::{
    Addresses, Credits, DurationSeconds, Entitlement, EntitlementStatus, UnixSeconds,
};
use tollgate_gate::{
    Access, Decision, GateError, Next, PaymentReason, ProductOffer, Question, Reading, RouteTable,
};

fn question_for(offer: &Arc<ProductOffer>) -> Question {
    let table = RouteTable::new(vec![route(
        "/x",
        &[Method::GET],
        Access::Paid(Arc::clone(offer)),
    )])
    .unwrap();
    let matched = resolve(&table, Method::GET, "/x");
    match gate().open(&matched, &signed_in("alice"), NOW) {
        Next::Read(question) => question,
        Next::Done(decision) => panic!("{decision:?}"),
    }
}

fn known(entitlement: Entitlement, chain_time: UnixSeconds) -> Reading {
    Reading::Known {
        entitlement: Box::new(entitlement),
        chain_time,
        slot: 5,
    }
}

fn decide(change: impl FnOnce(&mut Entitlement)) -> Decision {
    let offer = offer();
    let mut account = entitlement(&offer, public("alice"));
    change(&mut account);
    question_for(&offer).answer(known(account, NOW))
}

fn reason(decision: &Decision) -> PaymentReason {
    match decision {
        Decision::Challenge(due) => due.reason(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn free_routes_pass_without_a_look_at_anything() {
    let matched = resolve(&table(), Method::GET, "/docs/start");
    let garbage = headers(&[
        ("sign-in-with-x", "garbage"),
        ("authorization", "Bearer tgs1_garbage"),
    ]);
    let next = gate().open(&matched, &garbage, NOW);
    assert!(matches!(next, Next::Done(Decision::Pass(_))), "{next:?}");
}

#[test]
fn who_proves_nothing_is_asked_to_pay() {
    match gate().open(&quote(), &HeaderMap::new(), NOW) {
        Next::Done(Decision::Challenge(due)) => {
            assert_eq!(due.reason(), PaymentReason::PaymentRequired);
            assert_eq!(due.beneficiary(), None);
            assert_eq!(due.offer(), &offer());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_question_names_the_one_account_that_decides() {
    let question = question_for(&offer());
    let address = Addresses::default().entitlement(&offer().product, &public("alice"));
    assert_eq!(question.entitlement_address(), &address);
    assert_eq!(question.beneficiary(), &public("alice"));
}

#[test]
fn a_usable_entitlement_is_served_with_its_reading() {
    match decide(|_| ()) {
        Decision::Serve(entitled) => {
            assert_eq!(
                entitled.entitlement(),
                &entitlement(&offer(), public("alice"))
            );
            assert_eq!((entitled.chain_time(), entitled.slot()), (NOW, 5));
            assert_eq!(
                entitled.fresh_sign_in().unwrap().beneficiary(),
                &public("alice")
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn expiry_is_judged_by_chain_time_to_the_second() {
    let expires = entitlement(&offer(), public("alice")).expires_at;
    for (chain_time, served) in [
        (expires.0 - 1, true),
        (expires.0, false),
        (expires.0 + 1, false),
    ] {
        let account = entitlement(&offer(), public("alice"));
        let decision = question_for(&offer()).answer(known(account, UnixSeconds(chain_time)));
        assert_eq!(
            matches!(decision, Decision::Serve(_)),
            served,
            "{chain_time}"
        );
        if !served {
            assert_eq!(reason(&decision), PaymentReason::EntitlementExpired);
        }
    }
}

#[test]
fn what_never_expires_is_served_at_the_end_of_time() {
    let mut account = entitlement(&offer(), public("alice"));
    account.expires_at = UnixSeconds::NEVER;
    let last = UnixSeconds(i64::MAX - 1);
    let decision = question_for(&offer()).answer(known(account, last));
    assert!(matches!(decision, Decision::Serve(_)), "{decision:?}");
}

#[test]
fn metered_products_need_a_credit_left() {
    let metered = |used, granted| {
        decide(|account| {
            account.metered = true;
            account.credits_used = Credits(used);
            account.credits_granted = Credits(granted);
        })
    };
    assert!(matches!(metered(9, 10), Decision::Serve(_)));
    for (used, granted) in [(10, 10), (11, 10), (0, 0)] {
        assert_eq!(
            reason(&metered(used, granted)),
            PaymentReason::CreditsExhausted
        );
    }
}

#[test]
fn a_revoked_entitlement_is_refused_and_not_sold_again() {
    let decision = decide(|account| account.status = EntitlementStatus::Revoked);
    assert_eq!(decision, Decision::Refuse(GateError::EntitlementRevoked));
}

#[test]
fn nothing_on_chain_means_payment() {
    let decision = question_for(&offer()).answer(Reading::Absent {
        chain_time: NOW,
        slot: 5,
    });
    assert_eq!(reason(&decision), PaymentReason::PaymentRequired);
    match decision {
        Decision::Challenge(due) => assert_eq!(due.beneficiary(), Some(&public("alice"))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unknown_reading_is_unavailable_and_never_a_demand() {
    let retry_after = DurationSeconds(3);
    let decision = question_for(&offer()).answer(Reading::Unknown { retry_after });
    assert_eq!(decision, Decision::Unavailable { retry_after });
}

#[test]
fn an_account_of_somebody_or_something_else_is_an_error_of_the_service() {
    type Change = fn(&mut Entitlement);
    let changes: [Change; 3] = [
        |account| account.beneficiary = public("bob"),
        |account| account.product = public("other product"),
        |account| account.merchant = public("other merchant"),
    ];
    for change in changes {
        assert_eq!(decide(change), Decision::Refuse(GateError::ReadingMismatch));
    }
}

#[test]
fn what_is_not_for_sale_is_never_demanded_but_still_served() {
    let offer = Arc::new(ProductOffer {
        for_sale: false,
        ..offer_of("quotes")
    });
    let account = entitlement(&offer, public("alice"));
    let served = question_for(&offer).answer(known(account, NOW));
    assert!(matches!(served, Decision::Serve(_)), "{served:?}");
    let refused = Decision::Refuse(GateError::ProductNotForSale);
    let expired = UnixSeconds(account.expires_at.0);
    assert_eq!(
        question_for(&offer).answer(known(account, expired)),
        refused
    );
    assert_eq!(
        question_for(&offer).answer(Reading::Absent {
            chain_time: NOW,
            slot: 1
        }),
        refused
    );
    let table = RouteTable::new(vec![route("/x", &[Method::GET], Access::Paid(offer))]).unwrap();
    match gate().open(&resolve(&table, Method::GET, "/x"), &HeaderMap::new(), NOW) {
        Next::Done(decision) => assert_eq!(decision, refused),
        other => panic!("{other:?}"),
    }
}

#[test]
fn table_offers_can_be_replaced_when_terms_change() {
    let table = table().with_offers(|old| {
        Arc::new(ProductOffer {
            for_sale: false,
            ..ProductOffer::clone(old)
        })
    });
    let matched = resolve(&table, Method::GET, "/v1/quote/AAPL");
    assert!(!matched.route.offer().unwrap().for_sale);
    assert!(
        resolve(&table, Method::GET, "/docs")
            .route
            .offer()
            .is_none()
    );
}

prop_compose! {
    fn accounts()(
        revoked: bool,
        metered: bool,
        own in prop::bool::weighted(0.8),
        expires_at in prop_oneof![Just(i64::MAX), NOW.0 - 5..NOW.0 + 5, any::<i64>()],
        granted in 0_u64..4,
        used in 0_u64..4,
    ) -> Entitlement {
        Entitlement {
            status: if revoked { EntitlementStatus::Revoked } else { EntitlementStatus::Active },
            metered,
            expires_at: UnixSeconds(expires_at),
            credits_granted: Credits(granted),
            credits_used: Credits(used),
            ..entitlement(&offer(), public(if own { "alice" } else { "bob" }))
        }
    }
}

proptest! {
    /// The rule once more, written as one sentence: served exactly when the account
    /// is the caller's, active, not expired and, if credits are counted, with as many
    /// left as the request costs.
    #[test]
    fn served_exactly_when_entitled(
        account in accounts(),
        offset in -6_i64..6,
        cost in 1_u64..4,
    ) {
        let chain_time = UnixSeconds(NOW.0 + offset);
        let own = account.beneficiary == public("alice");
        let usable = own
            && account.status == EntitlementStatus::Active
            && chain_time.0 < account.expires_at.0
            && (!account.metered || account.credits_used.0 + cost <= account.credits_granted.0);
        let revoked = account.status == EntitlementStatus::Revoked;
        match question_for(&offer())
            .costing(Credits(cost))
            .answer(known(account, chain_time))
        {
            Decision::Serve(_) => prop_assert!(usable),
            Decision::Challenge(_) => prop_assert!(own && !revoked && !usable),
            Decision::Refuse(GateError::EntitlementRevoked) => prop_assert!(own && revoked),
            Decision::Refuse(GateError::ReadingMismatch) => prop_assert!(!own),
            other => prop_assert!(false, "{other:?}"),
        }
    }
}
