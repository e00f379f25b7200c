//! The chain cache over the real validator, restarts included.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::{runtime::Runtime, time::timeout};
use tollgate_e2e_tests::{ChainCache, chain_cache};
use tollgate_validator_tests::{Validator, devnet};

/// A cluster's slot.
const SLOT_DURATION: Duration = Duration::from_millis(400);
/// Some fifty payments and slots; the rest is patience with a loaded machine.
const LIMIT: Duration = Duration::from_secs(600);

/// Two validators that start at once in a process may be given the same ports.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn the_chain_cache_keeps_its_promises_on_the_real_validator() {
    let _alone = alone();
    let runtime = Runtime::new().unwrap();
    let validator = Validator::start(runtime.handle(), devnet::setup()).unwrap();
    let cluster = devnet::cluster(&validator);
    let websocket_url = validator.websocket_url();
    runtime.block_on(async {
        timeout(LIMIT, chain_cache(&cluster, &websocket_url, SLOT_DURATION))
            .await
            .expect("the story ends in time");
    });
}

#[test]
fn a_restart_of_the_validator_loses_no_payment() {
    let _alone = alone();
    let runtime = Runtime::new().unwrap();
    let validator = Validator::start(runtime.handle(), devnet::setup()).unwrap();
    let before = devnet::cluster(&validator);
    let (scene, payer) = runtime.block_on(async {
        timeout(LIMIT, async {
            let scene = ChainCache::set(&before, &validator.websocket_url(), SLOT_DURATION).await;
            let payer = scene.paid_is_served_by_push().await;
            // What is not rooted may be lost with the process.
            scene.rooted().await;
            (scene, payer)
        })
        .await
        .expect("the payment is made in time")
    });
    let validator = validator.restart(runtime.handle()).unwrap();
    let after = devnet::cluster(&validator);
    let (rpc, feed) = scene.doors();
    rpc.lead_to(&validator.rpc_url());
    feed.lead_to(&validator.websocket_url());
    runtime.block_on(async {
        timeout(LIMIT, async {
            let scene = scene.on(&after);
            scene.a_restarted_chain_is_found_again(&payer).await;
            scene.strike().await;
        })
        .await
        .expect("the chain is found again in time");
    });
}
