//! The reverse proxy in front of a real upstream.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use http::Method;
use serde_json::Value;

use super::support::{Stage, raw};

#[tokio::test]
async fn requests_arrive_with_what_they_should_and_nothing_else() {
    let stage = Stage::new().await;
    let response = stage
        .http
        .post(stage.url("/free/%41b%2dc?q=%2e&r"))
        .header("accept", "text/x-kept")
        .header("authorization", "Basic dXNlcjp3b3Jk")
        .header("connection", "x-nominated, close")
        .header("x-nominated", "1")
        .header("cookie", "a=b")
        .header("forwarded", "for=192.0.2.1")
        .header("x-forwarded-for", "192.0.2.1")
        .header("x-forwarded-host", "evil.test")
        .header("x-real-ip", "192.0.2.1")
        .header("x-http-method-override", "DELETE")
        .header("x-original-url", "/v1/quote/SOL")
        .header("x-request-id", "chosen-by-caller")
        .header("tollgate-beneficiary", "somebody")
        .header("tollgate-entitlement", "something")
        .header("payment-signature", "e30=")
        .header("x-payment", "e30=")
        .header("te", "trailers")
        .body("the body")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let id = response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(id.len(), 32);
    let seen: Value = response.json().await.unwrap();
    assert_eq!(seen["method"], "POST");
    assert_eq!(
        seen["path"], "/free/Ab-c",
        "the canonical path is forwarded"
    );
    assert_eq!(seen["query"], "q=%2e&r");
    assert_eq!(seen["body"], "the body");
    let headers = seen["headers"].as_object().unwrap();
    assert_eq!(headers["accept"], "text/x-kept");
    assert_eq!(headers["authorization"], "Basic dXNlcjp3b3Jk");
    assert_eq!(headers["x-forwarded-for"], "127.0.0.1");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(
        headers["x-forwarded-host"],
        stage.verifier.public_url().authority()
    );
    assert_eq!(headers["x-request-id"], id);
    assert_eq!(
        headers["host"],
        stage.upstream.url().trim_start_matches("http://")
    );
    // Trailers are taken from the upstream for a caller who takes them.
    assert_eq!(headers["te"], "trailers");
    assert_eq!(headers["connection"], "te");
    for name in [
        "x-nominated",
        "cookie",
        "forwarded",
        "x-real-ip",
        "x-http-method-override",
        "x-original-url",
        "tollgate-beneficiary",
        "tollgate-entitlement",
        "payment-signature",
        "x-payment",
    ] {
        assert!(!headers.contains_key(name), "{name} reached the upstream");
    }
}

#[tokio::test]
async fn answers_lose_what_only_the_gate_may_say() {
    let stage = Stage::new().await;
    let response = stage.get("/free/rules").await;
    let headers = response.headers();
    assert_eq!(headers["x-kept"], "1");
    assert_eq!(
        headers["cache-control"], "public, max-age=60",
        "a free answer"
    );
    assert_eq!(headers["access-control-allow-origin"], "*");
    for name in [
        "payment-required",
        "tollgate-session",
        "set-cookie",
        "x-hop",
    ] {
        assert!(!headers.contains_key(name), "{name} came through");
    }
    let stage =
        Stage::with(|config| config.upstream.as_mut().unwrap().forward_cookies = true).await;
    let response = stage.get("/free/rules").await;
    assert_eq!(response.headers()["set-cookie"], "a=b");
}

#[tokio::test]
async fn bodies_stream_in_both_directions() {
    let stage = Stage::new().await;
    let started = Instant::now();
    let mut pieces = stage.get("/free/stream").await.bytes_stream();
    assert_eq!(pieces.next().await.unwrap().unwrap(), "first,");
    assert!(
        started.elapsed() < Duration::from_millis(900),
        "the first piece waited for the second"
    );
    assert_eq!(pieces.next().await.unwrap().unwrap(), "second");
    let sent = stream::iter((0..10).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 5000])));
    let response = stage
        .http
        .post(stage.url("/free/count"))
        .body(reqwest::Body::wrap_stream(sent))
        .send()
        .await
        .unwrap();
    assert_eq!(response.text().await.unwrap(), "50000");
}

#[tokio::test]
async fn large_bodies_get_413_whether_announced_or_not() {
    let stage = Stage::new().await;
    let announced = b"POST /free/count HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n";
    let answer = raw(stage.address(), announced, Duration::from_secs(5)).await;
    assert_eq!(answer.code(), "request_body_too_large", "{}", answer.text);
    assert_eq!(stage.upstream.requests(), 0, "before a byte was forwarded");
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(65536));
    let chunked = format!(
        "POST /free/count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}1\r\nx\r\n0\r\n\r\n"
    );
    let answer = raw(stage.address(), chunked.as_bytes(), Duration::from_secs(5)).await;
    assert_eq!(answer.code(), "request_body_too_large", "{}", answer.text);
    assert!(answer.closed);
}

#[tokio::test]
async fn an_upstream_that_fails_is_named() {
    let stage = Stage::new().await;
    let code = async |path: &str| {
        let response = stage.get(path).await;
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        (status, body["error"].as_str().unwrap().to_owned())
    };
    assert_eq!(
        code("/free/slow").await,
        (504, "upstream_timeout".to_owned())
    );
    // A stalled answer is broken off, not ended as if it were complete.
    let started = Instant::now();
    assert!(stage.get("/free/stall").await.text().await.is_err());
    assert!(started.elapsed() < Duration::from_secs(60));
    stage.upstream.stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(
        code("/free/a").await,
        (502, "upstream_unavailable".to_owned())
    );
}

#[tokio::test]
async fn redirects_are_passed_on_not_followed() {
    let stage = Stage::new().await;
    let response = stage.get("/free/redirect").await;
    assert_eq!(response.status(), 302);
    assert_eq!(response.headers()["location"], "http://192.0.2.1/elsewhere");
}

#[tokio::test]
async fn what_no_route_names_never_reaches_the_upstream() {
    let stage = Stage::new().await;
    for (path, status) in [
        ("/", 404),
        ("/v1/quote", 404),
        ("/v1/quote/SOL/history", 404),
        ("/V1/quote/SOL", 404),
        ("/free//a", 400),
        ("/free/../v1/quote/SOL", 400),
        ("/free/%2e%2e/v1/quote/SOL", 400),
        ("/free/%2f", 400),
        ("/free/%5c", 400),
        ("/free/%00", 400),
        ("/free/%ff", 400),
        ("/free/%252e", 400),
    ] {
        let text = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = raw(stage.address(), text.as_bytes(), Duration::from_secs(5)).await;
        assert_eq!(answer.status(), status, "{path}: {}", answer.text);
        assert!(!answer.code().is_empty(), "{path}");
    }
    let response = stage
        .http
        .delete(stage.url("/v1/quote/SOL"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "GET, HEAD, POST, OPTIONS");
    assert_eq!(stage.upstream.requests(), 0);
}

#[tokio::test]
async fn options_are_answered_here() {
    let stage = Stage::new().await;
    let options = |path: &str| stage.http.request(Method::OPTIONS, stage.url(path));
    let response = options("/v1/quote/SOL").send().await.unwrap();
    assert_eq!(response.status(), 204);
    assert_eq!(response.headers()["allow"], "GET, HEAD, POST, OPTIONS");
    let response = options("/v1/quote/SOL")
        .header("origin", "https://wallet.test")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "payment-signature, access-control-expose-headers",
        )
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let headers = response.headers();
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert!(!headers.contains_key("access-control-allow-credentials"));
    let allowed = headers["access-control-allow-headers"].to_str().unwrap();
    assert!(allowed.contains("payment-signature"), "{allowed}");
    assert!(
        allowed.contains("access-control-expose-headers"),
        "{allowed}"
    );
    assert_eq!(stage.upstream.requests(), 0);
}

#[tokio::test]
async fn only_listed_origins_may_read_answers() {
    let stage = Stage::with(|config| {
        config.server.allowed_origins =
            tollgate_verifier::config::AllowedOrigins::List(vec![http::HeaderValue::from_static(
                "https://shop.test",
            )]);
    })
    .await;
    for (origin, allowed) in [("https://shop.test", true), ("https://evil.test", false)] {
        let response = stage
            .http
            .get(stage.url("/free/a"))
            .header("origin", origin)
            .send()
            .await
            .unwrap();
        let header = response.headers().get("access-control-allow-origin");
        assert_eq!(header.is_some_and(|value| value == origin), allowed);
    }
}

#[tokio::test]
async fn head_is_forwarded_like_get_without_a_body() {
    let stage = Stage::new().await;
    let response = stage.http.head(stage.url("/free/a")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("content-length"));
    assert!(response.bytes().await.unwrap().is_empty());
}
