//! The checker bites: a history that keeps every promise passes, and each way of
//! breaking one is found and named.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use tollgate_sim::checker::{Invariant, judge};
use tollgate_sim::history::{
    Answer, Bounds, ChainState, Event, Exchange, History, Limit, Moment, Proof,
};

const PRICE: u64 = 10_000;
/// When the payment of caller 0 is confirmed, and when it is revoked.
const PAID: u64 = 1_000;
const REVOKED: u64 = 6_000;

fn ms(milliseconds: u64) -> Moment {
    Duration::from_millis(milliseconds)
}

/// Ten seconds in which caller 0 is entitled from [`PAID`] to [`REVOKED`] and caller 1
/// never is; the samples come every ten milliseconds, a slot lasts a hundred.
fn history() -> History {
    let events = (0..1_000)
        .map(|sample| {
            let at = sample * 10;
            Event::Chain(ChainState {
                at: ms(at),
                slot: at / 100,
                usable: vec![(PAID..REVOKED).contains(&at), false],
            })
        })
        .collect();
    History {
        bounds: Bounds {
            staleness: ms(500),
            negative: ms(400),
            lag: ms(0),
            in_flight: 8,
            price: PRICE,
        },
        events,
    }
}

fn answer(status: u16) -> Answer {
    Answer {
        status,
        code: if status == 403 {
            "entitlement_revoked".to_owned()
        } else {
            String::new()
        },
        cache_control: if status == 200 { "private" } else { "no-store" }.to_owned(),
        retry_after: [429, 503].contains(&status),
    }
}

/// A request of caller 0 that is answered after ten milliseconds.
fn exchange(request: u64, proof: Proof, sent: u64, status: u16) -> Exchange {
    Exchange {
        request,
        caller: 0,
        proof,
        sent: ms(sent),
        answered: ms(sent + 10),
        replica: Some(0),
        answer: Some(answer(status)),
    }
}

/// The upstream's view of a request that was served.
fn visit(exchange: &Exchange) -> Event {
    Event::Upstream {
        at: exchange.answered,
        request: exchange.request,
        beneficiary: Some(exchange.caller),
    }
}

fn with(events: impl IntoIterator<Item = Event>) -> History {
    let mut history = history();
    history.events.extend(events);
    history
}

fn served(exchange: Exchange) -> [Event; 2] {
    [visit(&exchange), Event::Exchange(exchange)]
}

/// Asserts that exactly this promise is found broken.
fn breaks(events: impl IntoIterator<Item = Event>, invariant: Invariant) {
    let mut found: Vec<_> = judge(&with(events))
        .into_iter()
        .map(|violation| violation.invariant)
        .collect();
    found.dedup();
    assert_eq!(found, [invariant]);
}

fn holds(events: impl IntoIterator<Item = Event>) {
    let violations = judge(&with(events));
    assert!(violations.is_empty(), "{violations:?}");
}

fn payment(payment_id: &str, signature: &str) -> Event {
    Event::Payment {
        caller: 0,
        payment_id: payment_id.to_owned(),
        signature: signature.to_owned(),
        landed: true,
    }
}

fn spent(purchases: u64) -> Event {
    Event::Spent {
        caller: 0,
        amount: purchases * PRICE,
    }
}

fn rpc(at: u64, works: bool) -> Event {
    Event::Rpc {
        at: ms(at),
        replica: 0,
        works,
    }
}

#[test]
fn a_good_history_passes() {
    let mut events = vec![
        Event::Exchange(exchange(1, Proof::SignIn, 500, 402)),
        Event::Exchange(exchange(4, Proof::Session, 7_000, 403)),
        rpc(8_000, false),
        Event::Exchange(exchange(5, Proof::Session, 8_600, 503)),
        rpc(9_000, true),
        payment("one", "a"),
        spent(1),
        Event::InFlight {
            replica: 0,
            most: 8,
        },
    ];
    events.extend(served(exchange(2, Proof::SignIn, 1_500, 200)));
    // Revoked, but within the declared staleness.
    events.extend(served(exchange(3, Proof::Session, REVOKED + 400, 200)));
    holds(events);
}

#[test]
fn i1_service_before_the_payment_is_found() {
    breaks(served(exchange(1, Proof::SignIn, 800, 200)), Invariant::I1);
}

#[test]
fn i1_service_after_the_staleness_bound_is_found() {
    let late = exchange(1, Proof::Session, REVOKED + 600, 200);
    breaks(served(late), Invariant::I1);
}

#[test]
fn i1_service_of_a_stranger_is_found() {
    let stranger = exchange(1, Proof::None, 2_000, 200);
    let found = judge(&with(served(stranger)));
    assert!(
        found
            .iter()
            .any(|violation| violation.invariant == Invariant::I1),
        "{found:?}"
    );
}

#[test]
fn i1_service_by_anothers_entitlement_is_found() {
    let other = Exchange {
        caller: 1,
        ..exchange(1, Proof::Session, 2_000, 200)
    };
    let found = judge(&with(served(other)));
    assert!(
        found
            .iter()
            .any(|violation| violation.invariant == Invariant::I1),
        "{found:?}"
    );
}

#[test]
fn i2_a_stale_no_to_a_payer_is_found() {
    let refused = Event::Exchange(exchange(1, Proof::SignIn, PAID + 100, 402));
    breaks([refused], Invariant::I2);
    // A session may meet a "no" that is one slot old, but not an older one.
    holds([Event::Exchange(exchange(
        2,
        Proof::Session,
        PAID + 100,
        402,
    ))]);
    let refused = Event::Exchange(exchange(3, Proof::Session, PAID + 600, 402));
    breaks([refused], Invariant::I2);
    let refused = Event::Exchange(exchange(4, Proof::Session, PAID + 600, 403));
    breaks([refused], Invariant::I2);
}

#[test]
fn i2_a_payer_who_is_never_served_is_found() {
    let deadline = Event::Deadline { at: ms(3_000) };
    let unavailable = Event::Exchange(exchange(1, Proof::SignIn, 4_000, 503));
    holds([unavailable.clone()]);
    breaks([deadline.clone(), unavailable], Invariant::I2);
    let cut = Exchange {
        answer: None,
        ..exchange(2, Proof::Session, 4_000, 0)
    };
    breaks([deadline, Event::Exchange(cut)], Invariant::I2);
}

#[test]
fn i3_a_second_payment_for_one_id_is_found() {
    breaks(
        [payment("one", "a"), payment("one", "b"), spent(1)],
        Invariant::I3,
    );
}

#[test]
fn i3_money_that_no_journal_explains_is_found() {
    holds([payment("one", "a"), payment("two", "b"), spent(2)]);
    breaks([payment("one", "a"), spent(2)], Invariant::I3);
    breaks([spent(1)], Invariant::I3);
}

#[test]
fn i4_a_402_that_cannot_be_known_is_found() {
    let events = [
        rpc(7_000, false),
        Event::Exchange(exchange(1, Proof::Session, 8_000, 402)),
    ];
    breaks(events, Invariant::I4);
    // Had it worked for a moment, the answer could have been known.
    holds([
        rpc(7_000, false),
        rpc(7_800, true),
        rpc(7_801, false),
        Event::Exchange(exchange(1, Proof::Session, 8_000, 402)),
    ]);
}

#[test]
fn i4_a_503_without_retry_after_is_found() {
    let mut without = exchange(1, Proof::Session, 8_000, 503);
    without.answer.as_mut().unwrap().retry_after = false;
    breaks([Event::Exchange(without)], Invariant::I4);
}

#[test]
fn i5_a_visit_before_a_grant_is_found() {
    for refusal in [402, 503] {
        let refused = exchange(1, Proof::SignIn, 500, refusal);
        breaks(served(refused), Invariant::I5);
    }
    // The connection broke, so only the chain can say.
    let cut = |sent| Exchange {
        answer: None,
        ..exchange(1, Proof::Session, sent, 0)
    };
    breaks(served(cut(7_000)), Invariant::I5);
    holds(served(cut(2_000)));
}

#[test]
fn i5_a_visit_that_nobody_asked_for_is_found() {
    let one = exchange(1, Proof::Session, 2_000, 200);
    let twice = [visit(&one), visit(&one), Event::Exchange(one.clone())];
    breaks(twice, Invariant::I5);
    breaks([visit(&one)], Invariant::I5);
    breaks([Event::Exchange(one.clone())], Invariant::I5);
    let for_another = Event::Upstream {
        at: one.answered,
        request: one.request,
        beneficiary: Some(1),
    };
    breaks([for_another, Event::Exchange(one)], Invariant::I5);
}

#[test]
fn i6_answers_that_caches_may_keep_are_found() {
    for (status, sent, cache_control) in [
        (402, 7_000, ""),
        (402, 7_000, "private"),
        (200, 2_000, "public, max-age=60"),
        (200, 2_000, ""),
    ] {
        let mut exchange = exchange(1, Proof::SignIn, sent, status);
        exchange.answer.as_mut().unwrap().cache_control = cache_control.to_owned();
        let mut events = vec![Event::Exchange(exchange.clone())];
        if status == 200 {
            events.push(visit(&exchange));
        }
        breaks(events, Invariant::I6);
    }
}

#[test]
fn i7_too_much_at_once_is_found() {
    let crowd = Event::InFlight {
        replica: 1,
        most: 9,
    };
    breaks([crowd], Invariant::I7);
}

/// A limit of two at once and one in a second, which comes in force between 2,000 and
/// 2,100.
fn limit(from: u64, limited: bool) -> Event {
    Event::Limit {
        from: ms(from),
        at: ms(from + 100),
        replica: 0,
        limit: limited.then_some(Limit {
            per_minute: 60,
            burst: 2,
        }),
    }
}

#[test]
fn i8_a_429_without_a_limit_is_found() {
    let refused = |sent| Event::Exchange(exchange(1, Proof::Session, sent, 429));
    breaks([refused(3_000)], Invariant::I8);
    let span = [limit(2_000, true), limit(4_000, false)];
    for (sent, right) in [
        (1_900, false),
        (2_050, true),
        (3_000, true),
        (4_090, true),
        (4_101, false),
    ] {
        let events = span.clone().into_iter().chain([refused(sent)]);
        if right {
            holds(events);
        } else {
            breaks(events, Invariant::I8);
        }
    }
    let mut without = exchange(1, Proof::Session, 3_000, 429);
    without.answer.as_mut().unwrap().retry_after = false;
    breaks(
        [limit(2_000, true), Event::Exchange(without)],
        Invariant::I8,
    );
}

#[test]
fn i8_more_than_the_limit_allows_is_found() {
    let crowd = |first: u64, count: u64| -> Vec<Event> {
        let requests =
            (0..count).map(|number| exchange(number + 1, Proof::Session, first + 20 * number, 200));
        requests.flat_map(served).collect()
    };
    let limited = |events: Vec<Event>| [limit(2_000, true)].into_iter().chain(events);
    // Two, and one that a race may give away.
    holds(limited(crowd(2_200, 3)));
    breaks(limited(crowd(2_200, 4)), Invariant::I8);
    // A second later there is one more.
    let mut more = crowd(2_200, 3);
    let late = exchange(9, Proof::Session, 3_250, 200);
    more.extend(served(late));
    holds(limited(more));
    // While it comes in force, nobody can say.
    holds(limited(crowd(2_050, 4)));
}

/// Where the samples have a hole, nobody is accused.
#[test]
fn what_was_not_seen_is_not_held_against_anybody() {
    let mut history = with(served(exchange(1, Proof::SignIn, 800, 200)));
    assert!(!judge(&history).is_empty());
    history.events.retain(
        |event| !matches!(event, Event::Chain(state) if (ms(400)..ms(700)).contains(&state.at)),
    );
    assert!(judge(&history).is_empty());
}
