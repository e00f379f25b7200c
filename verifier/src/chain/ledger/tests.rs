//! The ledger's rules, one by one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod doubts;
mod orders;

use tollgate_client::{Credits, EntitlementStatus};

use super::*;

const SECOND: u64 = 1_000_000;
const NOW: Moment = Moment(100 * SECOND);
const TIME: i64 = 1_000;

fn key(number: u8) -> Key {
    Key {
        product: Pubkey::new_from_array([number % 3; 32]),
        beneficiary: Pubkey::new_from_array([number; 32]),
    }
}

fn entitlement(key: &Key, payments: u64) -> Entitlement {
    let mut entitlement = Entitlement::empty(
        Pubkey::new_from_array([9; 32]),
        key.product,
        key.beneficiary,
        Pubkey::new_from_array([8; 32]),
        254,
        UnixSeconds(3),
    );
    entitlement.expires_at = UnixSeconds(5_000);
    entitlement.timed_until = UnixSeconds(4_999);
    entitlement.payments = payments;
    entitlement.last_intent = Pubkey::new_from_array([7; 32]);
    entitlement.credits_used = tollgate_client::Credits(11);
    entitlement.credits_granted = tollgate_client::Credits(12);
    entitlement.generation = 13;
    entitlement.refundable_until = UnixSeconds(14);
    entitlement.unlimited_payments = 15;
    entitlement
}

fn revoked(key: &Key) -> Entitlement {
    let mut entitlement = entitlement(key, 1);
    entitlement.status = EntitlementStatus::Revoked;
    entitlement
}

fn ledger_of(capacity: usize) -> Ledger {
    Ledger::new(
        LedgerLimits {
            capacity,
            max_staleness: Duration::from_secs(2),
            slot_memory: Duration::from_secs(60),
        },
        RandomState::new(),
    )
}

fn ledger() -> Ledger {
    ledger_of(100)
}

/// A feed since slot 100 that beat just now.
fn live() -> View {
    let mut view = View::default();
    view.feed_began(100, NOW);
    view.saw(ClockReading {
        slot: 100,
        time: UnixSeconds(TIME),
        at: NOW,
    });
    view
}

/// The answer to somebody who may be told a refusal of the last 400 ms.
fn ask(ledger: &mut Ledger, key: &Key, now: Moment, view: &View) -> Option<bool> {
    let oldest = now.before(Duration::from_millis(400));
    let hit = ledger.lookup(key, now, oldest, view)?;
    Some(hit.observed.grants())
}

fn later(seconds: u64) -> Moment {
    Moment(NOW.0 + seconds * SECOND)
}

#[test]
fn an_entitlement_comes_back_as_it_went_in() {
    let (mut ledger, view, key) = (ledger(), live(), key(1));
    for wanted in [
        entitlement(&key, 4),
        revoked(&key),
        Entitlement {
            metered: true,
            ..entitlement(&key, 5)
        },
    ] {
        let slot = 200 + wanted.payments + u64::from(wanted.metered);
        ledger.merge(&key, Some(&wanted), slot, Source::Read(NOW), NOW, &view);
        let hit = ledger.lookup(&key, NOW, NOW, &view).unwrap();
        assert_eq!(hit.observed.reading.entitlement, Some(wanted));
        ledger = self::ledger();
    }
}

#[test]
fn a_feed_keeps_what_it_covers_fresh_and_nothing_else() {
    let (mut ledger, mut view) = (ledger(), live());
    let (covered, early) = (key(1), key(2));
    let state = |key| entitlement(key, 1);
    ledger.merge(
        &covered,
        Some(&state(&covered)),
        100,
        Source::Read(NOW),
        NOW,
        &view,
    );
    // Read as of a slot before the feed's first: it may have changed unseen.
    ledger.merge(
        &early,
        Some(&state(&early)),
        99,
        Source::Read(NOW),
        NOW,
        &view,
    );
    for second in 1..=60 {
        view.beat(ClockReading {
            slot: 100 + second,
            time: UnixSeconds(TIME),
            at: later(second),
        });
    }
    assert_eq!(ask(&mut ledger, &covered, later(61), &view), Some(true));
    assert_eq!(ask(&mut ledger, &early, later(61), &view), None);
    // The feed is silent: after max_staleness the memory does not answer.
    assert_eq!(ask(&mut ledger, &covered, later(62), &view), Some(true));
    assert_eq!(
        ask(&mut ledger, &covered, Moment(later(62).0 + 1), &view),
        None
    );
}

#[test]
fn a_gap_ends_what_a_feed_covered_and_a_new_feed_does_not_bring_it_back() {
    let (mut ledger, mut view, key, absent) = (ledger(), live(), key(1), key(2));
    ledger.merge(
        &key,
        Some(&entitlement(&key, 1)),
        120,
        Source::Feed,
        NOW,
        &view,
    );
    ledger.merge(&absent, None, 120, Source::Read(NOW), NOW, &view);
    assert_eq!(ask(&mut ledger, &absent, NOW, &view), Some(false));
    view.feed_ended();
    ledger.gap();
    assert_eq!(
        ask(&mut ledger, &absent, NOW, &view),
        None,
        "no refusal stands"
    );
    assert_eq!(ask(&mut ledger, &key, later(2), &view), Some(true));
    assert_eq!(ask(&mut ledger, &key, Moment(later(2).0 + 1), &view), None);
    // The next feed has not seen what happened in the gap.
    let feed = view.feed_began(150, later(3));
    assert_eq!(ask(&mut ledger, &key, later(3), &view), None);
    assert_eq!(ledger.uncovered(feed.epoch, UnixSeconds(TIME)), [key]);
    let state = entitlement(&key, 1);
    ledger.merge(
        &key,
        Some(&state),
        150,
        Source::Read(later(3)),
        later(3),
        &view,
    );
    assert_eq!(ledger.uncovered(feed.epoch, UnixSeconds(TIME)), []);
    view.beat(ClockReading {
        slot: 160,
        time: UnixSeconds(TIME),
        at: later(30),
    });
    assert_eq!(ask(&mut ledger, &key, later(31), &view), Some(true));
}

#[test]
fn a_pushed_revocation_ends_access_at_once_and_a_late_read_does_not_restore_it() {
    let (mut ledger, view, key) = (ledger(), live(), key(1));
    let paid = entitlement(&key, 1);
    ledger.merge(&key, Some(&paid), 120, Source::Feed, NOW, &view);
    assert_eq!(ask(&mut ledger, &key, NOW, &view), Some(true));
    ledger.merge(&key, Some(&revoked(&key)), 130, Source::Feed, NOW, &view);
    assert_eq!(ask(&mut ledger, &key, NOW, &view), Some(false));
    let late = ledger.merge(&key, Some(&paid), 129, Source::Read(NOW), NOW, &view);
    assert_eq!(late, Merged::Older);
    assert_eq!(ask(&mut ledger, &key, NOW, &view), Some(false));
}

#[test]
fn a_pushed_payment_ends_a_refusal_at_once() {
    let (mut ledger, view, key) = (ledger(), live(), key(1));
    ledger.merge(&key, None, 120, Source::Read(NOW), NOW, &view);
    assert_eq!(ask(&mut ledger, &key, NOW, &view), Some(false));
    ledger.merge(
        &key,
        Some(&entitlement(&key, 1)),
        121,
        Source::Feed,
        NOW,
        &view,
    );
    assert_eq!(ask(&mut ledger, &key, NOW, &view), Some(true));
}

#[test]
fn old_news_of_a_key_ends_its_refusal_but_grants_nothing() {
    let (mut ledger, view, key) = (ledger(), live(), key(1));
    ledger.merge(&key, None, 120, Source::Read(NOW), NOW, &view);
    let paid = entitlement(&key, 1);
    for _ in 0..3 {
        let merged = ledger.merge(&key, Some(&paid), 119, Source::Feed, NOW, &view);
        assert_eq!(merged, Merged::Older);
        assert_eq!(ask(&mut ledger, &key, NOW, &view), None);
    }
}

/// What two providers said holds for this state and for what opens no more than it; a
/// renewal, or another life of the account, takes another opinion.
#[test]
fn a_second_opinion_holds_for_nothing_larger() {
    let (view, key) = (live(), key(1));
    let paid = |change: fn(&mut Entitlement)| {
        let mut paid = entitlement(&key, 1);
        paid.metered = true;
        paid.credits_granted = Credits(10);
        paid.credits_used = Credits(2);
        change(&mut paid);
        paid
    };
    type Change = fn(&mut Entitlement);
    let changes: [(bool, Change); 8] = [
        (true, |_| {}),
        (true, |paid| paid.credits_used = Credits(3)),
        (true, |paid| {
            paid.expires_at = UnixSeconds(paid.expires_at.0 - 1)
        }),
        (false, |paid| paid.credits_used = Credits(1)),
        (false, |paid| paid.credits_granted = Credits(11)),
        (false, |paid| {
            paid.expires_at = UnixSeconds(paid.expires_at.0 + 1)
        }),
        (false, |paid| paid.generation += 1),
        (false, |paid| paid.metered = false),
    ];
    let merge = |ledger: &mut Ledger, state: &Entitlement, slot| {
        ledger.merge(&key, Some(state), slot, Source::Feed, NOW, &view);
        ledger.lookup(&key, NOW, NOW, &view).unwrap().seconded
    };
    for (number, (holds, change)) in changes.into_iter().enumerate() {
        let mut ledger = ledger();
        let slot = 120 + 10 * u64::try_from(number).unwrap();
        let other = paid(|paid| paid.rent_payer = Pubkey::new_from_array([9; 32]));
        merge(&mut ledger, &other, slot);
        ledger.seconded(&key, &paid(|_| {}));
        let other = ledger.lookup(&key, NOW, NOW, &view).unwrap();
        assert!(!other.seconded, "it was said of another state");
        merge(&mut ledger, &paid(|_| {}), slot + 1);
        ledger.seconded(&key, &paid(|_| {}));
        assert!(merge(&mut ledger, &paid(|_| {}), slot + 2));
        assert_eq!(
            merge(&mut ledger, &paid(change), slot + 3),
            holds,
            "{number}"
        );
    }
}

#[test]
fn what_never_became_final_is_withdrawn_and_what_did_is_not() {
    let (mut ledger, view) = (ledger(), live());
    let (kept, lost, newer) = (key(1), key(2), key(3));
    for key in [&kept, &lost] {
        ledger.merge(
            key,
            Some(&entitlement(key, 1)),
            120,
            Source::Feed,
            NOW,
            &view,
        );
        let hit = ledger.lookup(key, NOW, NOW, &view).unwrap();
        assert_eq!(hit.watch, Some(120), "the first grant is watched");
        let hit = ledger.lookup(key, NOW, NOW, &view).unwrap();
        assert_eq!(hit.watch, None, "once");
    }
    ledger.merge(
        &newer,
        Some(&entitlement(&newer, 2)),
        150,
        Source::Feed,
        NOW,
        &view,
    );
    let time = UnixSeconds(TIME);
    let state = entitlement(&kept, 1);
    assert_eq!(
        ledger.finalized(&kept, Some(&state), 130, time, NOW),
        Finality::Final
    );
    assert_eq!(
        ledger.finalized(&lost, None, 130, time, NOW),
        Finality::Withdrawn
    );
    assert_eq!(
        ledger.finalized(&newer, None, 130, time, NOW),
        Finality::Pending(150)
    );
    assert_eq!(ask(&mut ledger, &kept, NOW, &view), Some(true));
    assert_eq!(ask(&mut ledger, &lost, NOW, &view), None, "asked for again");
    assert_eq!(ask(&mut ledger, &newer, NOW, &view), Some(true));
    // The same fork's news again: it is older than what the finalized chain says.
    ledger.merge(
        &lost,
        Some(&entitlement(&lost, 1)),
        120,
        Source::Feed,
        NOW,
        &view,
    );
    assert_eq!(ask(&mut ledger, &lost, NOW, &view), None);
}

#[test]
fn room_is_bounded_and_what_is_asked_for_stays() {
    let (mut ledger, view) = (ledger_of(50), live());
    let favourite = key(0);
    for number in 0..200 {
        let key = key(number);
        ledger.merge(
            &key,
            Some(&entitlement(&key, 1)),
            120,
            Source::Feed,
            NOW,
            &view,
        );
        // What was forgotten makes the feed's word on unknown keys doubtful; a read
        // at a later slot is not.
        let state = entitlement(&key, 1);
        ledger.merge(&key, Some(&state), 121, Source::Read(NOW), NOW, &view);
        assert_eq!(
            ask(&mut ledger, &favourite, NOW, &view),
            Some(true),
            "{number}"
        );
        assert!(ledger.len() <= 50);
    }
    for number in 0..200 {
        ledger.merge(&key(number), None, 130, Source::Read(NOW), NOW, &view);
    }
    assert!(ledger.absent.len() <= FEWEST_ABSENT);
}

/// What forgets a newer state must not take an older one for the newest.
#[test]
fn a_forgotten_revocation_is_not_undone_by_late_news() {
    let (mut ledger, mut view) = (ledger_of(1), live());
    let (first, second) = (key(1), key(2));
    ledger.merge(
        &first,
        Some(&revoked(&first)),
        130,
        Source::Feed,
        NOW,
        &view,
    );
    ledger.merge(
        &second,
        Some(&entitlement(&second, 1)),
        131,
        Source::Feed,
        NOW,
        &view,
    );
    assert_eq!(ask(&mut ledger, &first, NOW, &view), None, "forgotten");
    let late = entitlement(&first, 1);
    ledger.merge(&first, Some(&late), 120, Source::Feed, NOW, &view);
    assert_eq!(ask(&mut ledger, &first, NOW, &view), None);
    // A late read is one that began just now, but no feed covers it.
    ledger.merge(&first, Some(&late), 121, Source::Read(NOW), NOW, &view);
    view.beat(ClockReading {
        slot: 140,
        time: UnixSeconds(TIME),
        at: later(3),
    });
    assert_eq!(ask(&mut ledger, &first, later(3), &view), None);
}
