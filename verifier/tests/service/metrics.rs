//! What operators see: metrics and health on a listener of their own.

use super::support::admin::{admin_url, scrape, series, with_admin};
use super::support::rpc::Mood;
use super::support::{Stage, eventually};

#[tokio::test]
async fn decisions_are_counted_by_outcome_and_code() {
    let stage = with_admin(|_| {}).await;
    stage
        .rpc
        .entitle("alice", super::support::rpc::CHAIN_TIME + 3600, |_| {});
    let proof = stage.sign_in("/v1/quote/SOL", "alice").await;
    let paid = stage
        .http
        .get(stage.url("/v1/quote/SOL"))
        .header("sign-in-with-x", proof)
        .send()
        .await
        .unwrap();
    assert_eq!(paid.status(), 200);
    assert_eq!(stage.get("/free/x").await.status(), 200);
    assert_eq!(stage.get("/nowhere").await.status(), 404);
    assert_eq!(stage.get("/v1/products").await.status(), 200);
    for (outcome, count) in [
        ("granted", 1.0),
        ("challenged", 1.0),
        ("free", 1.0),
        ("refused", 1.0),
        ("endpoint", 1.0),
        ("undecided", 0.0),
    ] {
        let name = format!("tollgate_requests_total{{outcome=\"{outcome}\"}}");
        assert_eq!(series(&stage, &name).await, count, "{outcome}");
        let name = format!("tollgate_request_duration_seconds_count{{outcome=\"{outcome}\"}}");
        assert_eq!(series(&stage, &name).await, count, "{outcome}");
    }
    let name = "tollgate_errors_total{code=\"route_not_found\"}";
    assert_eq!(series(&stage, name).await, 1.0);
    assert!(series(&stage, "tollgate_chain_wait_seconds_count").await >= 1.0);
    assert!(series(&stage, "tollgate_upstream_wait_seconds_count").await >= 2.0);
    assert!(series(&stage, "tollgate_connections_accepted_total").await >= 5.0);
    assert_eq!(series(&stage, "tollgate_requests_in_flight").await, 0.0);
    assert_eq!(
        series(&stage, "tollgate_upstream_requests_in_flight").await,
        0.0
    );
}

/// Nothing that a caller writes may create a series: one caller could otherwise
/// fill the memory of every monitor.
#[tokio::test]
async fn callers_cannot_create_series() {
    let stage = with_admin(|_| {}).await;
    let names = |page: String| -> Vec<String> {
        page.lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned()))
            .collect()
    };
    let before = names(scrape(&stage).await);
    for number in 0..20 {
        let path = format!("/made-up-{number}/v1");
        let request = stage.http.get(stage.url(&path));
        let request = request
            .header("x-request-id", format!("id-{number}"))
            .header("user-agent", format!("agent-{number}"));
        assert_eq!(request.send().await.unwrap().status(), 404);
        stage.get(&format!("/v1/quote/SYM{number}")).await;
        stage.get(&format!("/free/{number}?q={number}")).await;
    }
    assert_eq!(names(scrape(&stage).await), before);
}

#[tokio::test]
async fn upstream_failures_are_counted_apart() {
    let stage = with_admin(|_| {}).await;
    stage.upstream.stop();
    eventually(async || stage.get("/free/x").await.status() == 502).await;
    let failed = "tollgate_requests_total{outcome=\"upstream_failed\"}";
    assert!(series(&stage, failed).await >= 1.0);
    let code = "tollgate_errors_total{code=\"upstream_unavailable\"}";
    assert!(series(&stage, code).await >= 1.0);
}

#[tokio::test]
async fn readiness_is_a_metric_and_an_answer() {
    let stage = with_admin(|_| {}).await;
    let status = async |path: &str| {
        let url = admin_url(&stage, path);
        stage.http.get(url).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("/health/live").await, 200);
    assert_eq!(status("/health/ready").await, 200);
    assert_eq!(series(&stage, "tollgate_ready").await, 1.0);
    assert_eq!(status("/v1/products").await, 404);
    stage.rpc.set(|script| script.mood = Mood::Failing);
    eventually(async || status("/health/ready").await == 503).await;
    assert_eq!(series(&stage, "tollgate_ready").await, 0.0);
    assert_eq!(status("/health/live").await, 200);
}

#[tokio::test]
async fn callers_do_not_reach_the_metrics() {
    let stage: Stage = with_admin(|_| {}).await;
    assert_eq!(stage.get("/metrics").await.status(), 404);
    let other = Stage::new().await;
    assert_eq!(other.verifier.admin_addr(), None);
}
