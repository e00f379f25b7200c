//! Questions sent by hand: those of Traefik and Envoy in the shapes that they
//! document, and those that no server should send.

use std::time::Duration;

use serde_json::Value;
use tollgate_verifier::config::{ForwardAuthConfig, ForwardAuthStyle};
use tollgate_verifier::{RunningVerifier, Verifier};

use super::PATH;
use crate::support::rpc::{CHAIN_TIME, ScriptedRpc};
use crate::support::{address, answer_challenge, config_without_upstream, raw};

async fn asked(style: ForwardAuthStyle) -> (ScriptedRpc, RunningVerifier) {
    let rpc = ScriptedRpc::start().await;
    let mut config = config_without_upstream(&rpc);
    config.forward_auth = Some(ForwardAuthConfig::new(style));
    let verifier = Verifier::start(config).await.unwrap();
    (rpc, verifier)
}

/// Asks as `style` does about a request with these headers.
async fn ask(
    verifier: &RunningVerifier,
    style: ForwardAuthStyle,
    method: &str,
    target: &str,
    headers: &str,
) -> crate::support::RawAnswer {
    let question = match style {
        // Envoy's `path_prefix` before the path, the caller's method and host, and of
        // the caller's headers those that are allowed.
        ForwardAuthStyle::Envoy => format!(
            "{method} /v1/forward-auth{target} HTTP/1.1\r\nhost: api.example.com\r\n\
             content-length: 0\r\nx-envoy-internal: true\r\nx-forwarded-for: 10.0.0.1\r\n\
             x-envoy-expected-rq-timeout-ms: 5000\r\n{headers}connection: close\r\n\r\n"
        ),
        // Traefik: a GET with the caller's headers and X-Forwarded-*.
        _ => format!(
            "GET /v1/forward-auth HTTP/1.1\r\nHost: 127.0.0.1:8402\r\nUser-Agent: Go\r\n\
             X-Forwarded-Method: {method}\r\nX-Forwarded-Proto: https\r\n\
             X-Forwarded-Host: api.example.com\r\nX-Forwarded-Uri: {target}\r\n\
             X-Forwarded-For: 192.0.2.7\r\n{headers}Accept-Encoding: gzip\r\n\
             Connection: close\r\n\r\n"
        ),
    };
    raw(
        verifier.local_addr(),
        question.as_bytes(),
        Duration::from_secs(5),
    )
    .await
}

fn header<'a>(answer: &'a crate::support::RawAnswer, name: &str) -> Option<&'a str> {
    let head = answer.text.split("\r\n\r\n").next()?;
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[tokio::test]
async fn traefik_and_envoy_get_leave_or_the_whole_answer() {
    for style in [ForwardAuthStyle::Traefik, ForwardAuthStyle::Envoy] {
        let (rpc, verifier) = asked(style).await;
        let unpaid = ask(&verifier, style, "GET", &format!("{PATH}?a=b"), "").await;
        assert_eq!(unpaid.status(), 402, "{}", unpaid.text);
        let challenge = header(&unpaid, "payment-required").unwrap();
        let mut headers = http::HeaderMap::new();
        headers.insert("payment-required", challenge.parse().unwrap());
        rpc.entitle("agent", CHAIN_TIME + 3600, |_| {});
        let proof = answer_challenge(&headers, "agent");
        let proof = format!("Sign-In-With-X: {proof}\r\n");
        let leave = ask(&verifier, style, "GET", &format!("{PATH}?a=b"), &proof).await;
        assert_eq!(leave.status(), 200, "{}", leave.text);
        let agent = address("agent").to_string();
        assert_eq!(header(&leave, "tollgate-beneficiary"), Some(agent.as_str()));
        let target = format!("{PATH}?a=b");
        assert_eq!(
            header(&leave, "tollgate-forward-uri"),
            Some(target.as_str())
        );
        assert!(header(&leave, "tollgate-session").is_some());
        let free = ask(&verifier, style, "GET", "/free/a", "").await;
        assert_eq!(free.status(), 200, "{}", free.text);
        assert_eq!(header(&free, "tollgate-beneficiary"), Some(""));

        // They forward the path as it is spelt, so only one spelling gets leave.
        for (method, target, code) in [
            ("GET", "/v1/%71uote/SOL", "path_not_canonical"),
            ("GET", "/free/%61", "path_not_canonical"),
            ("GET", "/free/../v1/quote/SOL", "path_dot_segment"),
            ("GET", "//free/a", "path_empty_segment"),
            ("GET", "/free/%2e%2e/secret", "path_dot_segment"),
            ("GET", "/secret", "route_not_found"),
            ("DELETE", PATH, "method_not_allowed"),
            ("OPTIONS", PATH, "method_not_allowed"),
        ] {
            let answer = ask(&verifier, style, method, target, "").await;
            assert_eq!(answer.code(), code, "{style:?} {target}: {}", answer.text);
        }
        let preflight = "Origin: https://a.test\r\nAccess-Control-Request-Method: GET\r\n";
        let preflight = ask(&verifier, style, "OPTIONS", "/secret", preflight).await;
        assert_eq!(preflight.status(), 404, "no leave: {}", preflight.text);
    }
}

#[tokio::test]
async fn questions_that_can_be_read_in_two_ways_are_refused() {
    let style = ForwardAuthStyle::Traefik;
    let (_rpc, verifier) = asked(style).await;
    for (headers, code) in [
        ("X-Forwarded-Uri: /free/a\r\n", "header_duplicate"),
        ("X-Forwarded-Method: GET\r\n", "header_duplicate"),
        (
            "X-Original-URI: /free/a\r\n",
            "original_request_contradicted",
        ),
        (
            "X-Original-Method: PUT\r\n",
            "original_request_contradicted",
        ),
    ] {
        let answer = ask(&verifier, style, "GET", PATH, headers).await;
        assert_eq!(answer.code(), code, "{headers}: {}", answer.text);
        assert_eq!(answer.status(), 400);
    }
    let url = format!("http://{}/v1/forward-auth", verifier.local_addr());
    let empty = reqwest::get(&url).await.unwrap();
    let body: Value = empty.json().await.unwrap();
    assert_eq!(body["error"], "original_request_unknown");
}

#[tokio::test]
async fn only_trusted_addresses_may_ask_and_nobody_unless_configured() {
    let rpc = ScriptedRpc::start().await;
    for trusted in [Some(vec!["192.0.2.0/24".parse().unwrap()]), None] {
        let mut config = config_without_upstream(&rpc);
        let style = ForwardAuthStyle::Caddy;
        config.forward_auth = Some(match trusted {
            Some(trusted) => ForwardAuthConfig {
                trusted,
                ..ForwardAuthConfig::new(style)
            },
            None => ForwardAuthConfig::new(ForwardAuthStyle::Nginx),
        });
        let other_style = config.forward_auth.as_ref().unwrap().style != style;
        let verifier = Verifier::start(config).await.unwrap();
        let answer = ask(&verifier, style, "GET", "/free/a", "").await;
        if other_style {
            assert_eq!(answer.status(), 403, "{}", answer.text);
        } else {
            assert_eq!(answer.code(), "route_not_found", "{}", answer.text);
        }
    }
    let mut config = config_without_upstream(&rpc);
    config.forward_auth = None;
    assert_eq!(
        Verifier::start(config).await.unwrap_err().code(),
        "upstream_invalid"
    );
    let stage = crate::support::Stage::new().await;
    assert_eq!(stage.get("/v1/forward-auth").await.status(), 404);
}

/// nginx asks a second time for the refusal in full. If the payment landed in
/// between, the caller is told to come back, and is not charged an answer.
#[tokio::test]
async fn a_refusal_that_no_longer_holds_is_said_so() {
    let (rpc, verifier) = asked(ForwardAuthStyle::Nginx).await;
    let question = async |path: &str, headers: &str| {
        let text = format!(
            "GET {path} HTTP/1.1\r\nHost: tollgate\r\nX-Original-URI: {PATH}\r\n\
             X-Original-Method: GET\r\n{headers}Connection: close\r\n\r\n"
        );
        raw(
            verifier.local_addr(),
            text.as_bytes(),
            Duration::from_secs(5),
        )
        .await
    };
    assert_eq!(question("/v1/forward-auth", "").await.status(), 403);
    let refused = question("/v1/forward-auth/answer", "").await;
    assert_eq!(refused.status(), 402, "{}", refused.text);
    let mut headers = http::HeaderMap::new();
    let challenge = header(&refused, "payment-required").unwrap();
    headers.insert("payment-required", challenge.parse().unwrap());
    let proof = format!(
        "Sign-In-With-X: {}\r\n",
        answer_challenge(&headers, "agent")
    );
    rpc.entitle("agent", CHAIN_TIME + 3600, |_| {});
    let changed = question("/v1/forward-auth/answer", &proof).await;
    assert_eq!(changed.code(), "decision_changed", "{}", changed.text);
    assert_eq!(changed.status(), 503);
    let token = header(&changed, "tollgate-session").expect("to come back with");
    let token = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(question("/v1/forward-auth", &token).await.status(), 200);
}
