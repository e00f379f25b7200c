//! Requests to a paid route: challenge, sign-in, session.

use std::time::Duration;

use serde_json::Value;
use tollgate_client::{Credits, EntitlementStatus};

use super::support::rpc::{self, CHAIN_TIME, PRICE};
use super::support::{Stage, address, eventually};

const PATH: &str = "/v1/quote/SOL";
const LATER: i64 = CHAIN_TIME + 3600;

async fn error_of(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (
        status,
        body["error"].as_str().unwrap_or_default().to_owned(),
    )
}

async fn with_sign_in(stage: &Stage, header: &str) -> reqwest::Response {
    stage
        .http
        .get(stage.url(PATH))
        .header("sign-in-with-x", header)
        .send()
        .await
        .unwrap()
}

async fn with_token(stage: &Stage, token: &str) -> reqwest::Response {
    stage
        .http
        .get(stage.url(PATH))
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn strangers_are_asked_for_money() {
    let stage = Stage::new().await;
    let response = stage.get(&format!("{PATH}?depth=2")).await;
    assert_eq!(response.status(), 402);
    let headers = response.headers().clone();
    assert_eq!(headers["cache-control"], "no-store");
    let vary: Vec<_> = headers.get_all("vary").iter().collect();
    let vary = format!("{vary:?}").to_lowercase();
    assert!(vary.contains("sign-in-with-x"), "{vary}");
    assert!(headers.contains_key("payment-required"));
    assert_eq!(headers["access-control-expose-headers"], "*");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"], "payment_required");
    assert_eq!(body["amount"], PRICE.to_string());
    assert_eq!(body["currency"], "USDC");
    assert_eq!(
        body["product"]["address"],
        rpc::product_address().to_string()
    );
    assert_eq!(
        body["accepts"][0]["resource"],
        stage.url(&format!("{PATH}?depth=2")),
        "from the public URL"
    );
    // A stranger's ids are never the same twice.
    let other: Value = stage.get(PATH).await.json().await.unwrap();
    assert_ne!(body["reference"], other["reference"]);
    let head = stage.http.head(stage.url(PATH)).send().await.unwrap();
    assert_eq!(head.status(), 402);
    assert!(head.bytes().await.unwrap().is_empty());
    assert_eq!(stage.upstream.requests(), 0);
}

/// The URL in a challenge never comes from the request.
#[tokio::test]
async fn the_host_header_decides_nothing() {
    let stage = Stage::new().await;
    let response = stage
        .http
        .get(stage.url(PATH))
        .header("host", "evil.test")
        .send()
        .await
        .unwrap();
    let text = response.text().await.unwrap();
    assert!(!text.contains("evil.test"), "{text}");
}

#[tokio::test]
async fn whoever_paid_signs_in_once_and_keeps_a_session() {
    let stage = Stage::new().await;
    stage.rpc.entitle("agent", LATER, |_| {});
    let proof = stage.sign_in(PATH, "agent").await;
    let response = with_sign_in(&stage, &proof).await;
    assert_eq!(response.status(), 200);
    let headers = response.headers().clone();
    assert_eq!(headers["cache-control"], "no-store", "it carries a token");
    let token = headers["tollgate-session"].to_str().unwrap().to_owned();
    assert!(headers.contains_key("tollgate-session-expires"));
    let seen: Value = response.json().await.unwrap();
    let forwarded = &seen["headers"];
    assert_eq!(
        forwarded["tollgate-beneficiary"],
        address("agent").to_string()
    );
    assert_eq!(forwarded["tollgate-product"], "quotes");
    assert_eq!(
        forwarded["tollgate-entitlement"],
        rpc::entitlement_address("agent").to_string()
    );
    assert!(forwarded.get("sign-in-with-x").is_none());

    let response = with_token(&stage, &token).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "private");
    assert!(!response.headers().contains_key("tollgate-session"));
    let seen: Value = response.json().await.unwrap();
    assert!(seen["headers"].get("authorization").is_none());

    // The proof is used up, here and for whoever stole it.
    assert_eq!(
        error_of(with_sign_in(&stage, &proof).await).await,
        (401, "invalid_siwx_nonce_used".to_owned())
    );
    assert_eq!(stage.upstream.requests(), 2);
}

#[tokio::test]
async fn a_session_reads_the_chain_seldom_and_ends_with_the_entitlement() {
    let stage = Stage::with(|config| {
        config.chain.refresh_interval = Duration::from_secs(60);
        config.chain.ready_within = Duration::from_secs(120);
    })
    .await;
    stage.rpc.entitle("agent", LATER, |_| {});
    let proof = stage.sign_in(PATH, "agent").await;
    let response = with_sign_in(&stage, &proof).await;
    let token = response.headers()["tollgate-session"]
        .to_str()
        .unwrap()
        .to_owned();
    let reads = stage.rpc.calls("getMultipleAccounts");
    let began = std::time::Instant::now();
    for _ in 0..20 {
        assert_eq!(with_token(&stage, &token).await.status(), 200);
    }
    // What is remembered is good for half a second.
    let stale = usize::try_from(began.elapsed().as_millis() / 500).unwrap();
    assert!(stage.rpc.calls("getMultipleAccounts") <= reads + 1 + stale);
    stage.rpc.entitle("agent", LATER, |entitlement| {
        entitlement.status = EntitlementStatus::Revoked;
    });
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(
        error_of(with_token(&stage, &token).await).await,
        (403, "entitlement_revoked".to_owned())
    );
}

/// Asks, is refused, pays, asks again with the same proof: served at once, although
/// "has not paid" was known a moment ago.
#[tokio::test]
async fn a_payment_counts_at_once_for_whoever_signs_in() {
    let stage = Stage::new().await;
    let proof = stage.sign_in(PATH, "agent").await;
    let before = with_sign_in(&stage, &proof).await;
    assert_eq!(before.status(), 402);
    let body: Value = before.json().await.unwrap();
    let again: Value = with_sign_in(&stage, &proof).await.json().await.unwrap();
    assert_eq!(
        body["reference"], again["reference"],
        "until the payment lands the id stays the same"
    );
    stage.rpc.entitle("agent", LATER, |_| {});
    assert_eq!(with_sign_in(&stage, &proof).await.status(), 200);
}

#[tokio::test]
async fn what_is_over_is_asked_for_again() {
    let stage = Stage::new().await;
    stage.rpc.entitle("late", CHAIN_TIME, |_| {});
    stage.rpc.entitle("empty", LATER, |entitlement| {
        entitlement.metered = true;
        entitlement.credits_granted = Credits(3);
        entitlement.credits_used = Credits(3);
    });
    for (name, code) in [
        ("late", "entitlement_expired"),
        ("empty", "credits_exhausted"),
    ] {
        let proof = stage.sign_in(PATH, name).await;
        assert_eq!(
            error_of(with_sign_in(&stage, &proof).await).await,
            (402, code.to_owned()),
            "{name}"
        );
    }
    assert_eq!(stage.upstream.requests(), 0);
}

#[tokio::test]
async fn proofs_that_are_wrong_are_refused_by_name() {
    let stage = Stage::new().await;
    stage.rpc.entitle("agent", LATER, |_| {});
    assert_eq!(
        error_of(with_sign_in(&stage, "bm90IGpzb24=").await).await,
        (400, "invalid_siwx_header".to_owned())
    );
    assert_eq!(
        error_of(with_token(&stage, "tgs1_AAAA").await).await,
        (401, "session_malformed".to_owned())
    );
    // Another service's token of the same form.
    let other = Stage::new().await;
    other.rpc.entitle("agent", LATER, |_| {});
    let proof = other.sign_in(PATH, "agent").await;
    let token = with_sign_in(&other, &proof).await.headers()["tollgate-session"].clone();
    assert_eq!(
        error_of(with_token(&stage, token.to_str().unwrap()).await).await,
        (401, "session_invalid".to_owned())
    );
    let twice = stage
        .http
        .get(stage.url(PATH))
        .header("sign-in-with-x", "a")
        .header("sign-in-with-x", "b")
        .send()
        .await
        .unwrap();
    assert_eq!(error_of(twice).await, (400, "header_duplicate".to_owned()));
    assert_eq!(stage.upstream.requests(), 0);
}

/// Two replays at the same moment: one is served.
#[tokio::test]
async fn of_two_equal_sign_ins_one_is_served() {
    let stage = Stage::new().await;
    stage.rpc.entitle("agent", LATER, |_| {});
    let proof = stage.sign_in(PATH, "agent").await;
    let tries = futures::future::join_all((0..8).map(|_| with_sign_in(&stage, &proof))).await;
    let served = tries.iter().filter(|response| response.status() == 200);
    assert_eq!(served.count(), 1);
    assert_eq!(stage.upstream.requests(), 1);
}

#[tokio::test]
async fn paid_answers_stay_private_and_an_upstreams_402_is_not_passed_on() {
    let stage = Stage::new().await;
    stage.rpc.entitle("agent", LATER, |_| {});
    let proof = stage.sign_in(PATH, "agent").await;
    let token = with_sign_in(&stage, &proof).await.headers()["tollgate-session"].clone();
    let get = async |path: &str| {
        stage
            .http
            .get(stage.url(path))
            .bearer_auth(token.to_str().unwrap())
            .send()
            .await
            .unwrap()
    };
    let public = get("/v1/quote/PUBLIC").await;
    assert_eq!(public.headers()["cache-control"], "private, max-age=60");
    let demand = get("/v1/quote/DEMAND").await;
    assert_eq!(
        error_of(demand).await,
        (502, "upstream_unavailable".to_owned())
    );
}

#[tokio::test]
async fn terms_follow_the_chain() {
    let stage = Stage::new().await;
    let mut product = rpc::product();
    product.price = tollgate_client::Amount(25_000);
    stage.rpc.put(rpc::product_address(), &product);
    eventually(async || {
        let body: Value = stage.get(PATH).await.json().await.unwrap();
        body["amount"] == "25000"
    })
    .await;
    stage.rpc.entitle("agent", LATER, |_| {});
    let proof = stage.sign_in(PATH, "agent").await;
    product.active = false;
    stage.rpc.put(rpc::product_address(), &product);
    let refused = (403, "product_not_for_sale".to_owned());
    eventually(async || error_of(stage.get(PATH).await).await == refused).await;
    // What was bought stays good.
    assert_eq!(with_sign_in(&stage, &proof).await.status(), 200);
}
