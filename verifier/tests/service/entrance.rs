//! What every request goes through: names, limits, timing.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tollgate_verifier::config::{RateLimit, TrustedProxies};

use super::support::admin::{series, with_admin};
use super::support::rpc::CHAIN_TIME;
use super::support::{Stage, eventually};

const PATH: &str = "/v1/quote/SOL";

/// So slow that no test lasts until the next token.
const HARDLY: u32 = 1;

fn limit(burst: u32) -> RateLimit {
    RateLimit {
        requests_per_minute: HARDLY,
        burst,
    }
}

fn local_proxies() -> TrustedProxies {
    TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap()])
}

async fn require_limited(response: reqwest::Response) {
    assert_eq!(response.status(), 429);
    let after: u64 = response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&after), "{after}");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"], "rate_limited");
    assert_eq!(body["retry"]["class"], "later");
    assert_eq!(body["retry"]["after"], after);
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_slowed_down_but_can_see_the_health() {
    let stage = with_admin(|config| config.limits.address = limit(3)).await;
    for _ in 0..3 {
        assert_eq!(stage.get("/free/x").await.status(), 200);
    }
    for path in ["/free/x", PATH, "/nowhere", "/v1/products", "/openapi.json"] {
        require_limited(stage.get(path).await).await;
    }
    // Pages of other origins can read that, too; their preflights are not counted.
    let page = stage.http.get(stage.url("/free/x"));
    let page = page
        .header("origin", "https://shop.test")
        .send()
        .await
        .unwrap();
    assert_eq!(page.headers()["access-control-allow-origin"], "*");
    require_limited(page).await;
    assert_eq!(stage.get("/health/live").await.status(), 200);
    assert_eq!(stage.get("/health/ready").await.status(), 200);
    assert_eq!(stage.upstream.requests(), 3);
    let by = "tollgate_rate_limited_total{by=\"address\"}";
    assert_eq!(series(&stage, by).await, 6.0);
}

async fn get_as(stage: &Stage, address: &str) -> reqwest::Response {
    let request = stage.http.get(stage.url("/free/x"));
    request
        .header("x-forwarded-for", address)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_caller_has_its_own_limit() {
    let stage = Stage::with(|config| {
        config.limits.address = limit(1);
        config.limits.trusted_proxies = local_proxies();
    })
    .await;
    for caller in ["192.0.2.1", "192.0.2.2", "2001:db8:0:1::1"] {
        let answer = get_as(&stage, caller).await;
        assert_eq!(answer.status(), 200);
        // The upstream learns the caller's address, not the proxy's.
        let seen: Value = answer.json().await.unwrap();
        assert_eq!(seen["headers"]["x-forwarded-for"], caller);
    }
    require_limited(get_as(&stage, "192.0.2.1").await).await;
    // What the caller itself wrote before the proxy's entry changes nothing.
    require_limited(get_as(&stage, "203.0.113.9, 192.0.2.1").await).await;
    // One IPv6 host has many addresses, all of them in one /64.
    require_limited(get_as(&stage, "2001:db8:0:1::2").await).await;
    assert_eq!(get_as(&stage, "2001:db8:0:2::1").await.status(), 200);
}

#[tokio::test]
async fn nobody_else_may_say_whose_address_it_is() {
    let stage = Stage::with(|config| config.limits.address = limit(1)).await;
    assert_eq!(get_as(&stage, "192.0.2.1").await.status(), 200);
    require_limited(get_as(&stage, "192.0.2.2").await).await;
}

#[tokio::test]
async fn a_payer_is_limited_whatever_its_address_and_others_are_not() {
    let stage = with_admin(|config| {
        config.limits.payer = limit(2);
        config.limits.trusted_proxies = local_proxies();
    })
    .await;
    let mut tokens = Vec::new();
    for name in ["alice", "bob"] {
        stage.rpc.entitle(name, CHAIN_TIME + 3600, |_| {});
        let proof = stage.sign_in(PATH, name).await;
        let request = stage.http.get(stage.url(PATH));
        let response = request
            .header("sign-in-with-x", proof)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let token = response.headers()["tollgate-session"].to_str().unwrap();
        tokens.push(token.to_owned());
    }
    let ask = async |token: &str, from: &str| {
        let request = stage.http.get(stage.url(PATH)).bearer_auth(token);
        request
            .header("x-forwarded-for", from)
            .send()
            .await
            .unwrap()
    };
    assert_eq!(ask(&tokens[0], "192.0.2.1").await.status(), 200);
    let before = stage.upstream.requests();
    require_limited(ask(&tokens[0], "192.0.2.1").await).await;
    require_limited(ask(&tokens[0], "198.51.100.7").await).await;
    assert_eq!(stage.upstream.requests(), before);
    assert_eq!(ask(&tokens[1], "192.0.2.1").await.status(), 200);
    // Strangers have no entitlement to be counted by.
    for _ in 0..5 {
        assert_eq!(stage.get(PATH).await.status(), 402);
    }
    let by = "tollgate_rate_limited_total{by=\"payer\"}";
    assert_eq!(series(&stage, by).await, 2.0);
}

/// Twice as many requests as places: the places are used, the rest learns at once
/// that it is too much, and the health says that all is well.
#[tokio::test]
async fn overload_is_shed_early_and_the_health_stays_green() {
    let stage = with_admin(|config| {
        config.limits.max_upstream_requests = 2;
        config.upstream.as_mut().unwrap().response_timeout = Duration::from_secs(40);
    })
    .await;
    let in_flight = "tollgate_upstream_requests_in_flight";
    let slow: Vec<_> = (0..2)
        .map(|_| tokio::spawn(stage.http.get(stage.url("/free/slow")).send()))
        .collect();
    eventually(async || series(&stage, in_flight).await == 2.0).await;
    for _ in 0..4 {
        let response = stage.get("/free/x").await;
        assert_eq!(response.status(), 503);
        assert!(response.headers().contains_key("retry-after"));
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"], "overloaded");
    }
    assert_eq!(stage.get("/health/ready").await.status(), 200);
    // The gate still decides: who has not paid learns the price, not the load.
    assert_eq!(stage.get(PATH).await.status(), 402);
    let shed = "tollgate_requests_total{outcome=\"shed\"}";
    assert_eq!(series(&stage, shed).await, 4.0);
    // Callers that go away give their places back.
    for request in slow {
        request.abort();
    }
    eventually(async || series(&stage, in_flight).await == 0.0).await;
    assert_eq!(stage.get("/free/x").await.status(), 200);
}

/// A place is taken until the body is through, not only its head.
#[tokio::test]
async fn a_body_on_its_way_keeps_its_place() {
    let stage = with_admin(|config| config.limits.max_upstream_requests = 1).await;
    let mut streaming = stage.get("/free/stream").await;
    assert_eq!(streaming.chunk().await.unwrap().unwrap(), "first,");
    assert_eq!(stage.get("/free/x").await.status(), 503);
    assert_eq!(streaming.text().await.unwrap(), "second");
    eventually(async || stage.get("/free/x").await.status() == 200).await;
}

#[tokio::test]
async fn requests_have_names() {
    let named = async |stage: &Stage, id: &str| {
        let request = stage.http.get(stage.url("/free/x"));
        let response = request.header("x-request-id", id).send().await.unwrap();
        let answered = response.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let seen: Value = response.json().await.unwrap();
        assert_eq!(seen["headers"]["x-request-id"], answered);
        answered
    };
    let open = Stage::new().await;
    assert_ne!(named(&open, "my-own-name").await, "my-own-name");
    let behind = Stage::with(|config| config.limits.trusted_proxies = local_proxies()).await;
    assert_eq!(named(&behind, "lb-7.A_1").await, "lb-7.A_1");
    assert_ne!(named(&behind, "two words").await, "two words");
    assert_ne!(named(&behind, &"x".repeat(65)).await, "x".repeat(65));
}

#[tokio::test]
async fn answers_say_where_their_time_went_only_when_configured() {
    let silent = Stage::new().await;
    let response = silent.get("/free/x").await;
    assert!(!response.headers().contains_key("server-timing"));
    let telling = Stage::with(|config| config.server.server_timing = true).await;
    let durations = async |path: &str| -> Vec<(String, f64)> {
        let response = telling.get(path).await;
        let text = response.headers()["server-timing"]
            .to_str()
            .unwrap()
            .to_owned();
        text.split(", ")
            .map(|entry| {
                let (name, duration) = entry.split_once(";dur=").unwrap();
                (name.to_owned(), duration.parse().unwrap())
            })
            .collect()
    };
    let brief = durations("/free/brief").await;
    let names: Vec<_> = brief.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["gate", "chain", "upstream"]);
    // That upstream sleeps for 400 ms; nobody reads the chain for a free route.
    assert!(brief[2].1 >= 390.0, "{brief:?}");
    assert_eq!(brief[1].1, 0.0);
    assert_eq!(durations("/nowhere").await[2].1, 0.0);
}

/// The connection of an address that has too many is closed and counted.
#[tokio::test]
async fn too_many_connections_of_one_address_are_counted() {
    let stage = with_admin(|config| config.server.max_connections_per_address = 2).await;
    let address: SocketAddr = stage.address();
    let mut open = Vec::new();
    for _ in 0..2 {
        open.push(tokio::net::TcpStream::connect(address).await.unwrap());
    }
    let counted = "tollgate_connections_open";
    eventually(async || series(&stage, counted).await == 2.0).await;
    let _third = tokio::net::TcpStream::connect(address).await.unwrap();
    let refused = "tollgate_connections_refused_total";
    eventually(async || series(&stage, refused).await >= 1.0).await;
    drop(open);
    eventually(async || series(&stage, counted).await == 0.0).await;
}
