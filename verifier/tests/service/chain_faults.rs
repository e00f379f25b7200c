//! The chain misbehaves: an answer that is not known is 503, never 402.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::rpc::{CHAIN_TIME, Mood};
use super::support::{Stage, address, eventually};

const PATH: &str = "/v1/quote/SOL";
const FAULTS: [Mood; 6] = [
    Mood::Hanging,
    Mood::Failing,
    Mood::Throttling,
    Mood::Babbling,
    Mood::Erring,
    Mood::Lying,
];

async fn expect_unknown(response: reqwest::Response, what: &str) {
    assert_eq!(response.status(), 503, "{what}");
    let headers = response.headers().clone();
    assert!(headers.contains_key("retry-after"), "{what}");
    assert_eq!(headers["cache-control"], "no-store", "{what}");
    assert!(!headers.contains_key("payment-required"), "{what}");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["retry"]["class"], "later", "{what}: {body}");
}

async fn ask(stage: &Stage, proof: &str) -> reqwest::Response {
    stage
        .http
        .get(stage.url(PATH))
        .header("sign-in-with-x", proof)
        .send()
        .await
        .unwrap()
}

async fn check(stage: &Stage, wallet: &str) -> reqwest::Response {
    stage
        .http
        .post(stage.url("/v1/access/entitlements/check"))
        .json(&json!({ "product_slug": "quotes", "wallet": address(wallet).to_string() }))
        .send()
        .await
        .unwrap()
}

/// Every fault, for a caller who has paid and for one who has not: 503 within the
/// deadline, nothing reaches the upstream; and all is well when the fault is over.
#[tokio::test]
async fn an_unknown_answer_is_never_a_demand_for_payment() {
    for fault in FAULTS {
        let stage = Stage::new().await;
        let what = format!("{fault:?}");
        stage.rpc.entitle("payer", CHAIN_TIME + 3600, |_| {});
        let payer = stage.sign_in(PATH, "payer").await;
        let stranger = stage.sign_in(PATH, "stranger").await;
        stage.rpc.set(|script| script.mood = fault);
        let started = Instant::now();
        expect_unknown(ask(&stage, &payer).await, &what).await;
        // An endpoint that lies about accounts can still say "none" credibly.
        if fault != Mood::Lying {
            expect_unknown(ask(&stage, &stranger).await, &what).await;
        }
        expect_unknown(check(&stage, "payer").await, &what).await;
        // Many times the deadline of one request, for a busy machine; a client that
        // obeyed the endpoint's Retry-After would sleep for minutes.
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
        assert_eq!(stage.upstream.requests(), 0, "{what}");
        stage.rpc.set(|script| script.mood = Mood::Healthy);
        eventually(async || stage.get("/health/ready").await.status() == 200).await;
        assert_eq!(ask(&stage, &payer).await.status(), 200, "{what}");
        assert_eq!(ask(&stage, &stranger).await.status(), 402, "{what}");
    }
}

#[tokio::test]
async fn a_slow_endpoint_is_given_up_on_in_time() {
    let stage = Stage::new().await;
    let proof = stage.sign_in(PATH, "payer").await;
    stage
        .rpc
        .set(|script| script.delay = Duration::from_secs(120));
    let started = Instant::now();
    expect_unknown(ask(&stage, &proof).await, "slow").await;
    assert!(started.elapsed() < Duration::from_secs(60));
}

/// Old prices are not asked for: a replica that lost the chain turns strangers
/// away with 503 once its terms are too old, and says that it is not ready.
#[tokio::test]
async fn old_terms_are_not_offered() {
    let stage = Stage::new().await;
    stage.rpc.set(|script| script.mood = Mood::Failing);
    assert_eq!(stage.get(PATH).await.status(), 402, "terms are recent yet");
    tokio::time::sleep(Duration::from_millis(1800)).await;
    expect_unknown(stage.get(PATH).await, "old terms").await;
    expect_unknown(stage.get("/v1/products").await, "old terms").await;
    let ready = stage.get("/health/ready").await;
    assert_eq!(ready.status(), 503);
    let body: Value = ready.json().await.unwrap();
    assert_eq!(body["reason"], "chain_unavailable");
    assert_eq!(stage.get("/health/live").await.status(), 200);
    assert_eq!(
        stage.get("/free/a").await.status(),
        200,
        "free routes go on"
    );
}

/// What is known stays known through a short outage, for `max_staleness`.
#[tokio::test]
async fn a_session_survives_a_blink_of_the_chain() {
    let stage = Stage::with(|config| config.chain.max_staleness = Duration::from_secs(2)).await;
    stage.rpc.entitle("payer", CHAIN_TIME + 3600, |_| {});
    let proof = stage.sign_in(PATH, "payer").await;
    let token = ask(&stage, &proof).await.headers()["tollgate-session"].clone();
    stage.rpc.set(|script| script.mood = Mood::Failing);
    let again = async || {
        stage
            .http
            .get(stage.url(PATH))
            .bearer_auth(token.to_str().unwrap())
            .send()
            .await
            .unwrap()
    };
    assert_eq!(again().await.status(), 200);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    expect_unknown(again().await, "older than max_staleness").await;
}

/// The endpoint suddenly serves another cluster: nothing is sold on its word.
#[tokio::test]
async fn another_cluster_behind_the_same_url_stops_everything() {
    let stage = Stage::new().await;
    stage.rpc.set(|script| {
        script.genesis_hash = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d".to_owned();
    });
    eventually(async || stage.get(PATH).await.status() == 503).await;
    expect_unknown(stage.get(PATH).await, "another cluster").await;
    expect_unknown(check(&stage, "payer").await, "another cluster").await;
    let body: Value = stage.get("/health/ready").await.json().await.unwrap();
    assert_eq!(body["reason"], "catalogue_unknown");
}

/// A server that is behind what was seen before does not unmake a payment.
#[tokio::test]
async fn a_lagging_server_does_not_unmake_a_payment() {
    let stage = Stage::new().await;
    stage.rpc.set(|script| script.slot = 5000);
    stage.rpc.entitle("payer", CHAIN_TIME + 3600, |_| {});
    let body: Value = check(&stage, "payer").await.json().await.unwrap();
    assert_eq!(body["has_access"], true);
    stage
        .rpc
        .remove(&super::support::rpc::entitlement_address("payer"));
    stage.rpc.set(|script| script.slot = 4990);
    tokio::time::sleep(Duration::from_millis(600)).await;
    expect_unknown(check(&stage, "payer").await, "lagging").await;
}

/// A thousand callers with one question cost about one read.
#[tokio::test]
async fn a_stampede_shares_its_reads() {
    let stage = Stage::with(|config| {
        config.chain.refresh_interval = Duration::from_secs(60);
        config.chain.ready_within = Duration::from_secs(120);
    })
    .await;
    stage.rpc.entitle("payer", CHAIN_TIME + 3600, |_| {});
    stage
        .rpc
        .set(|script| script.delay = Duration::from_millis(50));
    let before = stage.rpc.calls("getMultipleAccounts");
    let answers = futures::future::join_all((0..200).map(|_| check(&stage, "payer"))).await;
    assert!(answers.iter().all(|answer| answer.status() == 200));
    let reads = stage.rpc.calls("getMultipleAccounts") - before;
    assert!(reads <= 3, "{reads} reads");
}
