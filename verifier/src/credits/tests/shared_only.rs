//! What can only happen to a store on the other end of a connection.

use std::time::Duration;

use super::fixture::{
    Fixture, HOLD, Shared, TIMEOUT, client, entitlement, left, owner, spend, take, view,
};
use crate::credits::shared::SharedStore;
use crate::credits::store::StoreError;
use crate::redis_client::Unfit;

#[tokio::test]
async fn a_server_that_is_down_gives_nothing_and_claims_nothing() {
    let Some(mut shared) = Shared::new() else {
        return;
    };
    let store = shared.open();
    let (who, view) = (entitlement(1), view(5, 10, 0));
    spend(&*store, who, view, 2).await;
    shared.server.kill();
    for _ in 0..3 {
        let error = take(&*store, who, view, 1).await.unwrap_err();
        assert_eq!(error, StoreError::Unavailable);
    }
    assert_eq!(store.lease().await, Err(StoreError::Unavailable));
    shared.server.start_again();
    // The same handle connects again by itself, and what was used is used.
    assert_eq!(left(&*store, who, view).await, 8);
}

#[tokio::test]
async fn a_server_that_is_frozen_is_not_waited_for() {
    // Accepts connections and never says a word.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let brief = Duration::from_millis(200);
    let store = SharedStore::new(client(&url), &owner(), brief, HOLD);
    let asking = take(&store, entitlement(1), view(5, 10, 0), 1);
    let answer = tokio::time::timeout(TIMEOUT, asking).await.unwrap();
    assert_eq!(answer.unwrap_err(), StoreError::Unavailable);
}

#[tokio::test]
async fn a_reservation_that_nobody_ends_counts_as_used() {
    let Some(mut shared) = Shared::new() else {
        return;
    };
    shared.hold = Duration::from_millis(1);
    let store = shared.open();
    let (who, view) = (entitlement(1), view(5, 10, 0));
    let lost = take(&*store, who, view, 3).await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let ledger = store.learn(who, view).await.unwrap();
    assert_eq!((ledger.used.0, ledger.reserved.0), (3, 0));
    // Too late to change anything.
    store.settle(lost).await.unwrap();
    assert_eq!(store.learn(who, view).await.unwrap(), ledger);
}

#[tokio::test]
async fn one_replica_at_a_time_may_book() {
    let Some(mut shared) = Shared::new() else {
        return;
    };
    let (first, second) = (shared.open(), shared.open());
    assert_eq!(first.lease().await, Ok(true));
    assert_eq!(second.lease().await, Ok(false));
    assert_eq!(first.lease().await, Ok(true));
}

async fn check(shared: &Shared) -> Result<(), Unfit> {
    shared.client().check(TIMEOUT, "as a test").await
}

#[tokio::test]
async fn a_server_that_would_forget_is_refused() {
    let Some(mut shared) = Shared::new() else {
        return;
    };
    assert_eq!(check(&shared).await, Ok(()));
    shared.server.start_with(&["--appendonly", "no"]);
    assert_eq!(check(&shared).await, Err(Unfit::NotDurable));
    let refused = take(&shared.store(), entitlement(1), view(5, 10, 0), 1).await;
    assert_eq!(refused.unwrap_err(), StoreError::Unavailable);
    let evicting = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];
    shared.server.start_with(&evicting);
    let refused = check(&shared).await;
    assert_eq!(refused, Err(Unfit::Evicts("allkeys-lru".to_owned())));
}
