//! The chain cache's promises over Yellowstone's gRPC: the same scenes as over
//! WebSockets, payments by the real program, and updates that come disordered.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use tollgate_e2e_tests::{Bridge, chain_cache, local};

const SLOT: Duration = Duration::from_millis(50);

/// `TOLLGATE_FEED_SEED` tries another disorder.
#[tokio::test(flavor = "multi_thread")]
async fn the_chain_cache_keeps_its_promises_over_yellowstone() {
    let seed = std::env::var("TOLLGATE_FEED_SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("TOLLGATE_FEED_SEED={seed}");
    let (localnet, cluster) = local(SLOT).await;
    let bridge = Bridge::over(&localnet.websocket_url(), seed).await;
    chain_cache(&cluster, &bridge.url(), SLOT).await;
    localnet.shutdown().await;
}
