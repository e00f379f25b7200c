//! One promise, one test, every store.

use std::sync::Arc;

use futures::future::join_all;
use tollgate_client::Credits;

use super::fixture::{Fixture, entitlement, left, promised_by_every_store, spend, take, view};
use crate::credits::ledger::{ChainView, Life, Reserved};
use crate::credits::store::{Demand, ReservationId, Settled, Settlement, StoreError};

promised_by_every_store! {
    many_tasks_get_exactly_what_was_granted
    several_entitlements_do_not_touch_each_other
    a_message_that_comes_twice_counts_once
    a_restart_forgets_nothing
    what_is_open_is_never_bookable_and_may_be_given_back
    a_renewal_adds_and_a_refund_takes_back
    a_new_life_starts_anew
    what_is_booked_leaves_the_list
    the_list_is_read_in_pages
}

async fn many_tasks_get_exactly_what_was_granted(fixture: &mut dyn Fixture) {
    // As many handles as replicas; of a local store they are all the same.
    let stores = [fixture.open(), fixture.open(), fixture.open()];
    let tasks = (0..150).map(|number: usize| {
        let store = Arc::clone(&stores[number % stores.len()]);
        tokio::spawn(async move {
            let taken = take(&*store, entitlement(1), view(5, 40, 3), 1)
                .await
                .unwrap();
            if let Some(settled) = taken {
                store.settle(settled).await.unwrap();
            }
            taken.is_some()
        })
    });
    let served = join_all(tasks).await;
    let served = served.into_iter().filter(|done| *done.as_ref().unwrap());
    assert_eq!(served.count(), 37);
    assert_eq!(left(&*stores[0], entitlement(1), view(5, 40, 3)).await, 0);
}

async fn several_entitlements_do_not_touch_each_other(fixture: &mut dyn Fixture) {
    let store = fixture.open();
    spend(&*store, entitlement(1), view(5, 10, 0), 4).await;
    spend(&*store, entitlement(2), view(5, 10, 0), 7).await;
    assert_eq!(left(&*store, entitlement(1), view(5, 10, 0)).await, 6);
    assert_eq!(left(&*store, entitlement(2), view(5, 10, 0)).await, 3);
}

async fn a_message_that_comes_twice_counts_once(fixture: &mut dyn Fixture) {
    let store = fixture.open();
    let demand = Demand {
        entitlement: entitlement(1),
        view: view(5, 10, 0),
        cost: Credits(2),
        id: ReservationId::random(),
    };
    let remaining = Credits(8);
    for _ in 0..3 {
        let answer = store.reserve(demand).await.unwrap();
        assert_eq!(answer, Reserved::Taken { remaining });
    }
    let settled = |settlement| Settled {
        entitlement: demand.entitlement,
        life: demand.view.life,
        cost: demand.cost,
        id: demand.id,
        settlement,
    };
    store.settle(settled(Settlement::Release)).await.unwrap();
    store.settle(settled(Settlement::Release)).await.unwrap();
    store.settle(settled(Settlement::Commit)).await.unwrap();
    assert_eq!(left(&*store, demand.entitlement, demand.view).await, 10);
}

async fn a_restart_forgets_nothing(fixture: &mut dyn Fixture) {
    let store = fixture.open();
    let (who, view) = (entitlement(1), view(5, 10, 0));
    spend(&*store, who, view, 3).await;
    let open = take(&*store, who, view, 2).await.unwrap().unwrap();
    drop(store);
    fixture.restart();
    let store = fixture.open();
    assert_eq!(left(&*store, who, view).await, 5);
    let release = Settled {
        settlement: Settlement::Release,
        ..open
    };
    store.settle(release).await.unwrap();
    // Nobody but the process that made it could give it back; a shared store still
    // knows it.
    let expected = if fixture.keeps_open_reservations() {
        7
    } else {
        5
    };
    assert_eq!(left(&*store, who, view).await, expected);
}

async fn what_is_open_is_never_bookable_and_may_be_given_back(fixture: &mut dyn Fixture) {
    let store = fixture.open();
    let (who, view) = (entitlement(1), view(5, 10, 0));
    spend(&*store, who, view, 1).await;
    let open = take(&*store, who, view, 4).await.unwrap().unwrap();
    let ledger = store.learn(who, view).await.unwrap();
    assert_eq!(ledger.bookable(), Some(Credits(1)));
    assert_eq!(ledger.remaining(), Credits(5));
    let release = Settled {
        settlement: Settlement::Release,
        ..open
    };
    store.settle(release).await.unwrap();
    assert_eq!(left(&*store, who, view).await, 9);
}

async fn a_renewal_adds_and_a_refund_takes_back(fixture: &mut dyn Fixture) {
    let store = fixture.open();
    let who = entitlement(1);
    spend(&*store, who, view(5, 10, 0), 10).await;
    assert!(
        take(&*store, who, view(5, 10, 0), 1)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(left(&*store, who, view(6, 20, 0)).await, 10);
    spend(&*store, who, view(6, 20, 0), 4).await;
    // The second payment is refunded; a replica that does not know it yet learns it
    // from the store.
    assert_eq!(left(&*store, who, view(7, 14, 4)).await, 0);
    assert!(
        take(&*store, who, view(6, 20, 0), 1)
            .await
            .unwrap()
            .is_none()
    );
}

async fn a_new_life_starts_anew(fixture: &mut dyn Fixture) {
    let store = fixture.open();
    let who = entitlement(1);
    let before = view(5, 10, 2);
    spend(&*store, who, before, 5).await;
    let open = take(&*store, who, before, 1).await.unwrap().unwrap();
    let after = ChainView {
        life: Life {
            generation: 1,
            ..before.life
        },
        ..view(6, 12, 2)
    };
    assert_eq!(left(&*store, who, after).await, 10);
    let outdated = take(&*store, who, before, 1).await.unwrap_err();
    assert_eq!(outdated, StoreError::Outdated);
    // What is left of the life before changes nothing any more.
    store.settle(open).await.unwrap();
    assert_eq!(left(&*store, who, after).await, 10);
    assert_eq!(store.learn(who, after).await.unwrap().bookable(), None);
}

async fn what_is_booked_leaves_the_list(fixture: &mut dyn Fixture) {
    let store = fixture.open();
    let who = entitlement(1);
    assert_eq!(store.unbooked(None, 10).await.unwrap(), []);
    spend(&*store, who, view(5, 10, 0), 3).await;
    assert_eq!(store.unbooked(None, 10).await.unwrap(), [who]);
    store.learn(who, view(6, 10, 3)).await.unwrap();
    assert_eq!(store.unbooked(None, 10).await.unwrap(), []);
    spend(&*store, who, view(6, 10, 3), 1).await;
    assert_eq!(store.unbooked(None, 10).await.unwrap(), [who]);
    store.give_up(who).await.unwrap();
    assert_eq!(store.unbooked(None, 10).await.unwrap(), []);
    assert_eq!(left(&*store, who, view(6, 10, 3)).await, 6);
    assert_eq!(store.unbooked(None, 10).await.unwrap(), [who]);
}

async fn the_list_is_read_in_pages(fixture: &mut dyn Fixture) {
    let store = fixture.open();
    for number in 1..=7 {
        spend(&*store, entitlement(number), view(5, 10, 0), 1).await;
    }
    let mut all = Vec::new();
    loop {
        let page = store.unbooked(all.last().copied(), 3).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        all.extend(page);
    }
    all.sort_unstable();
    let expected: Vec<_> = (1..=7).map(entitlement).collect();
    assert_eq!(all, expected);
}
