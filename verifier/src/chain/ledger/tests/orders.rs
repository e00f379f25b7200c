//! In whatever order news arrive, the newest stands at the end.

use proptest::prelude::*;

use super::*;

/// One history of a key: its states by slot; `None` stands for no account.
fn history() -> impl Strategy<Value = Vec<(u64, Option<u64>)>> {
    prop::collection::vec(prop::option::weighted(0.7, 1..4_u64), 1..8).prop_map(|states| {
        let slots = (101..).step_by(3);
        slots.zip(states).collect()
    })
}

proptest! {
    /// Whatever the order, the doubling and the source of news: in the end the newest
    /// state is known, or nothing is answered at all; and at no time is a state
    /// served that is older than one seen before.
    #[test]
    fn every_order_of_news_ends_with_the_newest(
        history in history(),
        order in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..40),
    ) {
        let (mut ledger, view, key) = (ledger(), live(), key(1));
        let mut newest = 0;
        for (index, by_read) in &order {
            let (slot, payments) = history[index.index(history.len())];
            let state = payments.map(|payments| entitlement(&key, payments));
            // The end of an account is learnt by reading only.
            let source = if *by_read || state.is_none() { Source::Read(NOW) } else { Source::Feed };
            ledger.merge(&key, state.as_ref(), slot, source, NOW, &view);
            newest = newest.max(slot);
            if let Some(hit) = ledger.lookup(&key, NOW, NOW, &view) {
                prop_assert!(hit.observed.reading.slot >= newest);
            }
        }
        // The last word: a read of the newest state.
        let (slot, payments) = history[history.len() - 1];
        let state = payments.map(|payments| entitlement(&key, payments));
        ledger.merge(&key, state.as_ref(), slot + 1, Source::Read(NOW), NOW, &view);
        let hit = ledger.lookup(&key, NOW, NOW, &view).unwrap();
        prop_assert_eq!(hit.observed.reading.entitlement, state);
        // And nothing that was said before changes it.
        for (index, _) in &order {
            let (slot, payments) = history[index.index(history.len())];
            let Some(payments) = payments else { continue };
            let old = entitlement(&key, payments);
            ledger.merge(&key, Some(&old), slot, Source::Feed, NOW, &view);
        }
        if let Some(hit) = ledger.lookup(&key, NOW, NOW, &view) {
            prop_assert_eq!(hit.observed.reading.entitlement, state);
        }
    }

    /// A pushed history alone, in any order and doubled: the newest state is served.
    #[test]
    fn every_order_of_pushed_changes_converges(
        states in prop::collection::vec(1..100_u64, 1..8),
        mut order in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        shuffled in any::<prop::sample::Index>(),
    ) {
        let (mut ledger, view, key) = (ledger(), live(), key(1));
        let events: Vec<(u64, Entitlement)> = (101..)
            .zip(&states)
            .map(|(slot, payments)| (slot, entitlement(&key, *payments)))
            .collect();
        let mut all: Vec<usize> = (0..events.len()).collect();
        all.rotate_left(shuffled.index(events.len()));
        all.reverse();
        let doubled = order.drain(..).map(|index| index.index(events.len()));
        for number in doubled.chain(all) {
            let (slot, state) = &events[number];
            ledger.merge(&key, Some(state), *slot, Source::Feed, NOW, &view);
        }
        let hit = ledger.lookup(&key, NOW, NOW, &view).unwrap();
        prop_assert_eq!(hit.observed.reading.entitlement, events.last().map(|event| event.1));
    }
}
