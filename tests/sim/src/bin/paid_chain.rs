//! What the service benchmark needs of a chain, from a real one: `record FILE` writes
//! down a merchant, a product and an entitlement that somebody paid for; `latency N`
//! prints how long N users waited to be served and how long they were served after
//! they were revoked.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on has to stop"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use solana_signer::Signer;
use tollgate_client::Amount;
use tollgate_e2e_tests::{Service, local};
use tollgate_localnet::test_keypair;
use tollgate_sim::latency::observe;

/// A cluster's slot.
const SLOT: Duration = Duration::from_millis(400);
/// A slot for whoever does not measure slots.
const SHORT_SLOT: Duration = Duration::from_millis(40);

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next();
    let argument = arguments.next();
    match (command.as_deref(), argument) {
        (Some("record"), Some(file)) => record(&file).await,
        (Some("latency"), Some(users)) => latency(users.parse().expect("a number")).await,
        _ => panic!("expected `record FILE` or `latency USERS`"),
    }
}

async fn record(file: &str) {
    let (localnet, cluster) = local(SHORT_SLOT).await;
    let service = Service::start(&cluster, &cluster.rpc_url).await;
    let wallet = test_keypair("bench wallet");
    cluster
        .fund(&wallet.pubkey(), 1_000_000_000, Amount(1_000_000))
        .await;
    let journal = tempfile::tempdir().unwrap();
    let agent = service.agent(&cluster, &wallet, journal.path());
    agent.fetch(&service.report(), None).await.expect("it pays");

    let chain = cluster.chain();
    let addresses = chain.addresses();
    let merchant = &service.merchant;
    let product = merchant.day_pass;
    let calls = tollgate_client::Slug::new(tollgate_cli::stack::CALLS).unwrap();
    let entitlement = addresses.entitlement(&product, &wallet.pubkey());
    let mut accounts: BTreeMap<String, Value> = BTreeMap::new();
    for address in [
        merchant.address,
        product,
        addresses.product(&merchant.address, &calls),
        entitlement,
    ] {
        let account = chain.account(&address).await.unwrap().expect("it stands");
        accounts.insert(
            address.to_string(),
            json!({
                "owner": account.owner.to_string(),
                "lamports": account.lamports,
                "data": STANDARD.encode(&account.data),
            }),
        );
    }
    let recording = json!({
        "genesis_hash": chain.genesis_hash().await.unwrap().to_string(),
        "merchant": merchant.address.to_string(),
        "product": product.to_string(),
        "entitlement": entitlement.to_string(),
        "wallet_seed": wallet.secret_bytes(),
        "accounts": accounts,
    });
    std::fs::write(file, recording.to_string()).expect("the recording is written");
    service.shutdown().await;
    localnet.shutdown().await;
}

async fn latency(users: usize) {
    let (localnet, cluster) = local(SLOT).await;
    let localnet = Arc::new(localnet);
    let service = Service::start(&cluster, &cluster.rpc_url).await;
    let mut served = Vec::new();
    let mut refused = Vec::new();
    for _ in 0..users {
        let seen = observe(&localnet, &cluster, &service).await;
        served.push(seen.paid_to_served);
        refused.push(seen.revoked_to_refused);
    }
    let sorted = |mut spans: Vec<Duration>| {
        spans.sort_unstable();
        let milliseconds = spans.iter().map(Duration::as_millis);
        milliseconds
            .map(|span| u64::try_from(span).unwrap_or(u64::MAX))
            .collect::<Vec<_>>()
    };
    println!(
        "{}",
        json!({
            "slot_ms": u64::try_from(SLOT.as_millis()).unwrap(),
            "paid_to_served_ms": sorted(served),
            "revoked_to_refused_ms": sorted(refused),
        })
    );
    service.shutdown().await;
}
