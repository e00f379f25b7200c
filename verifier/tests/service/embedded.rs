//! The gate as a layer around handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request};
use axum::routing::{any, get};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tollgate_verifier::config::RouteConfig;
use tollgate_verifier::{Embedded, PaidAccess};

use super::support::rpc::{self, CHAIN_TIME, Mood, ScriptedRpc};
use super::support::{SLUG, address, answer_challenge, config_without_upstream, raw};

/// A service behind a layer, on either accept loop.
struct Inside {
    rpc: ScriptedRpc,
    gate: Embedded,
    handled: Arc<AtomicUsize>,
    address: std::net::SocketAddr,
    server: JoinHandle<()>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Loop {
    Ours,
    Axum,
}

impl Inside {
    async fn new(accept: Loop) -> Self {
        let rpc = ScriptedRpc::start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = config_without_upstream(&rpc);
        config.server.public_url = format!("http://{address}").parse().unwrap();
        config.routes.push(RouteConfig::paid("/v1/demand", SLUG));
        config.routes.push(RouteConfig::free("/absent"));
        let gate = Embedded::start(config).await.unwrap();
        let handled = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&handled);
        let app = Router::new()
            .route("/v1/quote/{symbol}", any(show))
            .route("/free/{*rest}", any(show))
            .route(
                "/v1/demand",
                get(async || http::StatusCode::PAYMENT_REQUIRED),
            )
            .route("/secret", get(async || "secret"))
            .layer(axum::middleware::from_fn(
                move |request: Request, next: axum::middleware::Next| {
                    counter.fetch_add(1, Ordering::SeqCst);
                    next.run(request)
                },
            ))
            .layer(gate.layer());
        let server = match accept {
            Loop::Axum => tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }),
            Loop::Ours => {
                let gate = gate.clone();
                tokio::spawn(async move {
                    gate.serve(listener, app).await;
                })
            }
        };
        Self {
            rpc,
            gate,
            handled,
            address,
            server,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn handled(&self) -> usize {
        self.handled.load(Ordering::SeqCst)
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(self.url(path)).await.unwrap()
    }

    /// Signs in for `path` and returns the answer.
    async fn sign_in(&self, path: &str, name: &str) -> reqwest::Response {
        let proof = answer_challenge(self.get(path).await.headers(), name);
        reqwest::Client::new()
            .get(self.url(path))
            .header("sign-in-with-x", proof)
            .send()
            .await
            .unwrap()
    }
}

/// What the handler sees.
async fn show(
    access: Option<PaidAccess>,
    path: Path<String>,
    request: Request,
) -> axum::Json<Value> {
    let headers: Vec<&str> = request.headers().keys().map(|name| name.as_str()).collect();
    axum::Json(json!({
        "path": request.uri().path(),
        "query": request.uri().query(),
        "parameter": path.0,
        "headers": headers,
        "beneficiary": access.map(|access| access.beneficiary.to_string()),
        "entitlement": access.map(|access| access.entitlement.to_string()),
        "product": access.map(|access| access.product.to_string()),
    }))
}

#[tokio::test]
async fn handlers_get_what_is_free_or_paid_and_nothing_else() {
    for accept in [Loop::Ours, Loop::Axum] {
        let inside = Inside::new(accept).await;
        inside.rpc.entitle("agent", CHAIN_TIME + 3600, |_| {});
        let refused = inside.get("/v1/quote/SOL?depth=2").await;
        assert_eq!(refused.status(), 402);
        assert!(refused.headers().contains_key("payment-required"));
        assert_eq!(refused.headers()["cache-control"], "no-store");
        for (path, status) in [
            ("/secret", 404),
            ("/v1/quote", 404),
            ("/absent/x", 404),
            ("/free/%2e%2e/secret", 400),
            ("/free//secret", 400),
            ("/V1/quote/SOL", 404),
            ("/v1/%71uote/SOL", 402),
            ("/%73ecret", 404),
        ] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            let answer = raw(inside.address, request.as_bytes(), Duration::from_secs(5)).await;
            assert_eq!(answer.status(), status, "{path}: {}", answer.text);
        }
        assert_eq!(inside.handled(), 0, "no handler was reached");

        let served = inside.sign_in("/v1/quote/SOL", "agent").await;
        assert_eq!(served.status(), 200);
        assert_eq!(served.headers()["cache-control"], "no-store");
        let token = served.headers()["tollgate-session"].clone();
        let session = reqwest::Client::new()
            .get(inside.url("/v1/quote/%53OL?depth=2"))
            .header(
                "authorization",
                format!("Bearer {}", token.to_str().unwrap()),
            )
            .header("tollgate-beneficiary", "forged")
            .header("x-http-method-override", "DELETE")
            .send()
            .await
            .unwrap();
        assert_eq!(session.headers()["cache-control"], "private");
        let seen: Value = session.json().await.unwrap();
        assert_eq!(seen["path"], "/v1/quote/SOL", "the canonical path");
        assert_eq!(seen["query"], "depth=2");
        assert_eq!(seen["parameter"], "SOL");
        assert_eq!(seen["beneficiary"], address("agent").to_string());
        assert_eq!(
            seen["entitlement"],
            rpc::entitlement_address("agent").to_string()
        );
        assert_eq!(seen["product"], SLUG);
        let headers = seen["headers"].to_string();
        for gone in ["authorization", "tollgate-", "override"] {
            assert!(!headers.contains(gone), "{headers}");
        }

        let free: Value = inside.get("/free/a").await.json().await.unwrap();
        assert_eq!(free["beneficiary"], Value::Null);
    }
}

#[tokio::test]
async fn its_own_endpoints_are_answered_by_the_layer() {
    let inside = Inside::new(Loop::Axum).await;
    assert_eq!(inside.get("/health/ready").await.status(), 200);
    let products: Value = inside.get("/v1/products").await.json().await.unwrap();
    assert_eq!(products["products"][0]["slug"], SLUG);
    let reference = address("nobody").to_string();
    let pay = inside.get(&format!("/v1/pay/{SLUG}/{reference}")).await;
    assert_eq!(pay.status(), 200);
    let check = reqwest::Client::new()
        .post(inside.url("/v1/access/entitlements/check"))
        .json(&json!({ "product_slug": SLUG, "wallet": address("nobody").to_string() }))
        .send()
        .await
        .unwrap();
    assert_eq!(check.status(), 200);
    assert_eq!(inside.handled(), 0);
}

/// `axum::serve` accepts them; the layer does not.
#[tokio::test]
async fn ambiguous_requests_are_refused_behind_either_accept_loop() {
    for accept in [Loop::Ours, Loop::Axum] {
        let inside = Inside::new(accept).await;
        for (head, code) in [
            ("Host: a\r\nHost: b\r\n", "header_duplicate"),
            ("", "host_missing"),
            (
                "Host: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n",
                "upgrade_not_supported",
            ),
        ] {
            let text = format!("GET /free/a HTTP/1.1\r\n{head}\r\n");
            let answer = raw(inside.address, text.as_bytes(), Duration::from_secs(2)).await;
            assert_eq!(answer.code(), code, "{}", answer.text);
        }
        // Of two lengths hyper drops one before a layer can see it.
        if accept == Loop::Ours {
            let text = "GET /free/a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\
                        Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
            let answer = raw(inside.address, text.as_bytes(), Duration::from_secs(2)).await;
            assert_eq!(answer.code(), "length_ambiguous", "{}", answer.text);
        }
        assert_eq!(inside.handled(), 0);
    }
}

#[tokio::test]
async fn a_handlers_402_is_not_passed_on() {
    let inside = Inside::new(Loop::Ours).await;
    inside.rpc.entitle("agent", CHAIN_TIME + 3600, |_| {});
    let answer = inside.sign_in("/v1/demand", "agent").await;
    assert_eq!(answer.status(), 502);
    assert_eq!(inside.handled(), 1);
}

#[tokio::test]
async fn without_the_chain_nobody_is_told_that_they_did_not_pay() {
    let inside = Inside::new(Loop::Ours).await;
    inside.rpc.entitle("agent", CHAIN_TIME + 3600, |_| {});
    let proof = answer_challenge(inside.get("/v1/quote/SOL").await.headers(), "agent");
    inside.rpc.set(|script| script.mood = Mood::Failing);
    let answer = reqwest::Client::new()
        .get(inside.url("/v1/quote/SOL"))
        .header("sign-in-with-x", proof)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(inside.handled(), 0);
}

/// The layer keeps the chain in view although the gate itself is gone.
#[tokio::test]
async fn layers_outlive_the_gate_and_stop_ends_the_accept_loop() {
    let mut inside = Inside::new(Loop::Ours).await;
    inside.gate.stop();
    tokio::time::timeout(Duration::from_secs(10), &mut inside.server)
        .await
        .unwrap()
        .unwrap();
    let rpc = ScriptedRpc::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = config_without_upstream(&rpc);
    let patience = config.chain.ready_within;
    let app = {
        let gate = Embedded::start(config).await.unwrap();
        Router::new()
            .route("/v1/quote/{symbol}", any(show))
            .layer(gate.layer())
    };
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    tokio::time::sleep(patience * 2).await;
    let url = format!("http://{address}/v1/quote/SOL");
    // 503 if nobody had read the terms again.
    assert_eq!(reqwest::get(url).await.unwrap().status(), 402);
    server.abort();
}
