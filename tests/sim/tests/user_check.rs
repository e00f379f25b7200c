//! The user's own check: whoever pays is served, whoever is revoked no longer. How fast,
//! `cargo xtask bench` measures.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use std::time::Duration;

use tollgate_e2e_tests::{Service, local};
use tollgate_sim::latency::observe;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_pays_is_served_and_whoever_is_revoked_no_longer() {
    let (localnet, cluster) = local(Duration::from_millis(60)).await;
    let localnet = Arc::new(localnet);
    let service = Service::start(&cluster, &cluster.rpc_url).await;
    // It comes back only when the payment opened the door and the revocation shut it.
    let seen = observe(&localnet, &cluster, &service).await;
    println!("{seen:?}");
    service.shutdown().await;
}
