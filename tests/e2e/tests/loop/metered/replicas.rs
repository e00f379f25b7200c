//! Several verifiers that share a Redis server.

use super::redis_server::RedisServer;
use super::shop::{Shop, eventually};
use futures::future::join_all;
use std::time::Duration;
use tollgate_verifier::config::{CreditStoreConfig, RedisConfig, RedisUrl};
use tollgate_verifier::{Config, Verifier};

async fn config(shop: &Shop, redis: &RedisServer) -> Config {
    let mut config = shop.config().await;
    let url = RedisUrl::parse(&redis.url()).unwrap();
    config.credits.as_mut().unwrap().store = CreditStoreConfig::Shared(RedisConfig::new(url));
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_sell_no_call_twice_and_book_each_once() {
    let Some(redis) = RedisServer::start() else {
        return;
    };
    let shop = Shop::open(32).await;
    let config = config(&shop, &redis).await;
    let first = shop.verifier(&config).await;
    let second = shop.verifier(&config).await;
    let urls = [&first, &second].map(|verifier| verifier.public_url().to_string());
    let customer = shop.customer(1).await;
    // A token is for one origin; here the replicas have two.
    let mut sessions = Vec::new();
    for url in &urls {
        sessions.push(customer.sign_in(&shop, url).await);
    }
    let calls = (0..60).map(|number: usize| {
        let replica = number % 2;
        customer.call(&urls[replica], "/v1/call", &sessions[replica])
    });
    let answers = join_all(calls).await;
    let count = |status| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!((count(200), count(402)), (30, 30), "{answers:?}");
    assert_eq!(shop.upstream.hits(), 32);
    eventually("all calls are booked", async || {
        shop.booked(&customer).await == 32
    })
    .await;
    first.shutdown().await;
    second.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_store_nobody_is_served_and_nobody_is_asked_to_pay() {
    let Some(mut redis) = RedisServer::start() else {
        return;
    };
    let shop = Shop::open(10).await;
    let config = config(&shop, &redis).await;
    let verifier = shop.verifier(&config).await;
    let url = verifier.public_url().to_string();
    let customer = shop.customer(1).await;
    let session = customer.sign_in(&shop, &url).await;
    redis.kill();
    let hits = shop.upstream.hits();
    for _ in 0..5 {
        let called = customer.call(&url, "/v1/call", &session).await;
        let found = (called.status, called.error.as_str());
        assert_eq!(found, (503, "credits_unavailable"));
    }
    assert_eq!(shop.upstream.hits(), hits);
    redis.start_again();
    let called = customer.call(&url, "/v1/call", &session).await;
    assert_eq!((called.status, called.remaining), (200, Some(8)));
    verifier.shutdown().await;
    assert_eq!(shop.booked(&customer).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_starts_without_the_server_but_not_with_one_that_forgets() {
    let Some(mut redis) = RedisServer::start() else {
        return;
    };
    let shop = Shop::open(10).await;
    let mut config = config(&shop, &redis).await;
    config.credits.as_mut().unwrap().store_timeout = Duration::from_secs(5);
    redis.kill();
    let verifier = shop.verifier(&config).await;
    let url = verifier.public_url().to_string();
    redis.start_again();
    let customer = shop.customer(1).await;
    customer.sign_in(&shop, &url).await;
    verifier.shutdown().await;
    redis.start_with(&["--appendonly", "no"]);
    let error = Verifier::start(config).await.unwrap_err();
    assert_eq!(error.code(), "credits_store_unfit");
}
