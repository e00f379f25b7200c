//! Used credits arrive on chain, each exactly once.

use super::shop::{Shop, eventually};
use crate::providers::Provider;
use solana_signer::Signer;
use std::time::Duration;
use tollgate_client::Amount;
use tollgate_verifier::config::{OperatorKey, SecretUrl};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_is_booked_while_serving_goes_on() {
    let shop = Shop::open(10).await;
    let verifier = shop.verifier(&shop.config().await).await;
    let url = verifier.public_url().to_string();
    let mut customers = Vec::new();
    for _ in 0..3 {
        let customer = shop.customer(1).await;
        let session = customer.sign_in(&shop, &url).await;
        customers.push((customer, session));
    }
    for (customer, session) in &customers {
        for _ in 0..3 {
            customer.call(&url, "/v1/call", session).await;
        }
    }
    for (customer, _) in &customers {
        eventually("four calls are booked", async || {
            shop.booked(customer).await == 4
        })
        .await;
    }
    // What is booked is not counted a second time.
    for (customer, session) in &customers {
        let called = customer.call(&url, "/v1/call", session).await;
        assert_eq!((called.status, called.remaining), (200, Some(5)));
    }
    verifier.shutdown().await;
    for (customer, _) in &customers {
        assert_eq!(shop.booked(customer).await, 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_and_lost_transactions_book_nothing_twice() {
    let shop = Shop::open(40).await;
    let verifier = shop.verifier(&shop.config().await).await;
    let url = verifier.public_url().to_string();
    let customer = shop.customer(1).await;
    let session = customer.sign_in(&shop, &url).await;
    let faults = shop.localnet.faults();
    let mut used = 1;
    for round in 0..4 {
        faults.drop_send_transaction_replies(2);
        faults.lose_transactions(round % 2);
        for _ in 0..4 {
            let called = customer.call(&url, "/v1/call", &session).await;
            used += 1;
            // The merchant's trouble is not the caller's.
            assert_eq!((called.status, called.remaining), (200, Some(40 - used)));
        }
        eventually("the calls of this round are booked", async || {
            shop.booked(&customer).await == used
        })
        .await;
    }
    // Nothing comes after it.
    faults.clear();
    verifier.shutdown().await;
    assert_eq!(shop.booked(&customer).await, used);
    assert_eq!(shop.entitlement(&customer).await.credits_granted.0, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_cannot_be_written_is_booked_later() {
    let shop = Shop::open(10).await;
    let mut config = shop.config().await;
    config.server.shutdown_deadline = Duration::from_secs(2);
    let verifier = shop.verifier(&config).await;
    let url = verifier.public_url().to_string();
    let customer = shop.customer(1).await;
    let session = customer.sign_in(&shop, &url).await;
    shop.localnet.faults().refuse_connections(true);
    customer.call(&url, "/v1/call", &session).await;
    verifier.shutdown().await;
    shop.localnet.faults().clear();
    // The next start finds in the file what is left to book.
    let verifier = shop.verifier(&config).await;
    eventually("the calls before the outage are booked", async || {
        shop.booked(&customer).await >= 1
    })
    .await;
    verifier.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_not_book_stops_nobody() {
    let shop = Shop::open(10).await;
    let stranger = shop.cluster.wallet(1_000_000_000, Amount(0)).await;
    let before = shop.chain().lamports(&stranger.pubkey()).await.unwrap();
    let mut config = shop.config().await;
    let credits = config.credits.as_mut().unwrap();
    credits.operator = Some(OperatorKey::new(stranger.insecure_clone()));
    let verifier = shop.verifier(&config).await;
    let url = verifier.public_url().to_string();
    let customer = shop.customer(1).await;
    let session = customer.sign_in(&shop, &url).await;
    let called = customer.call(&url, "/v1/call", &session).await;
    assert_eq!((called.status, called.remaining), (200, Some(8)));
    verifier.shutdown().await;
    assert_eq!(shop.booked(&customer).await, 0);
    let after = shop.chain().lamports(&stranger.pubkey()).await.unwrap();
    assert_eq!(after, before, "no fee was paid for what must fail");
}

/// Credits are booked over whichever server there is: the first one freezes, refuses
/// connections, or turns out to be of another cluster, which never sees a transaction.
#[tokio::test(flavor = "multi_thread")]
async fn bookings_go_on_when_the_first_server_is_of_no_use() {
    let shop = Shop::open(100).await;
    let customer = shop.customer(1).await;
    let mut used = 0;
    for fault in ["frozen", "refusing", "another cluster"] {
        let first = Provider::before(&shop.cluster.rpc_url).await;
        let mut config = shop.config().await;
        config.chain.rpc_url = first.url();
        config.chain.rpc_fallbacks = vec![SecretUrl::parse(&shop.cluster.rpc_url).unwrap()];
        config.chain.request_timeout = Duration::from_secs(6);
        if fault == "another cluster" {
            first.claim_genesis("5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d");
        }
        let verifier = shop.verifier(&config).await;
        let url = verifier.public_url().to_string();
        let session = customer.sign_in(&shop, &url).await;
        used += 1;
        // Not before: the first server has been in use.
        match fault {
            "frozen" => first.freeze(),
            "refusing" => first.refuse(),
            _ => {}
        }
        for _ in 0..2 {
            let called = customer.call(&url, "/v1/call", &session).await;
            assert_eq!(called.status, 200, "{fault}: {called:?}");
            used += 1;
        }
        eventually(fault, async || shop.booked(&customer).await == used).await;
        verifier.shutdown().await;
        if fault == "another cluster" {
            assert!(first.was_asked("getGenesisHash"));
            assert!(!first.was_asked("sendTransaction"));
        }
    }
    assert_eq!(shop.booked(&customer).await, used);
}
