//! How many requests a store serves: `cargo test -p tollgate-verifier --lib
//! credits::tests::measure -- --ignored --nocapture --test-threads 1`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;

use super::fixture::{Fixture, Local, Shared, entitlement, take, view};
use crate::credits::store::CreditStore;

const FOR: Duration = Duration::from_secs(3);

/// Reservations with their settlement per second, by this many callers at once.
async fn rate(store: &Arc<dyn CreditStore>, callers: usize) -> f64 {
    let started = Instant::now();
    let calls = (0..callers).map(|caller| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let who = entitlement(u8::try_from(caller % 200).unwrap());
            let mut count = 0_u32;
            while started.elapsed() < FOR {
                let settled = take(&*store, who, view(5, u64::MAX, 0), 1).await;
                let settled = settled.unwrap().unwrap();
                if !store.settle_at_once(settled) {
                    store.settle(settled).await.unwrap();
                }
                count += 1;
            }
            count
        })
    });
    let total: u32 = join_all(calls).await.into_iter().map(Result::unwrap).sum();
    f64::from(total) / started.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn reservations_per_second() {
    let local = Local::new().open();
    for callers in [1, 16, 64, 256] {
        println!(
            "local, {callers} callers: {:.0}/s",
            rate(&local, callers).await
        );
    }
    if let Some(mut shared) = Shared::new() {
        let store = shared.open();
        for callers in [1, 16, 64, 256] {
            println!(
                "shared, {callers} callers: {:.0}/s",
                rate(&store, callers).await
            );
        }
    }
}
