//! Requests over raw sockets that two servers could read as different requests. What
//! matters is what the upstream sees: nothing of what was refused, and nothing twice.

use std::time::Duration;

use super::support::{RawAnswer, Stage, raw};

/// Longer than any answer takes; only a server that does not answer reaches it.
const WAIT: Duration = Duration::from_secs(20);

async fn say(stage: &Stage, text: &[u8]) -> RawAnswer {
    raw(stage.address(), text, WAIT).await
}

/// Every answer of a connection is refused or a 402, and the upstream was not called.
async fn is_kept_out(stage: &Stage, text: &[u8]) {
    let shown = String::from_utf8_lossy(text).into_owned();
    let answer = say(stage, text).await;
    assert!(answer.closed, "left open after {shown:?}");
    for status in answer.statuses() {
        assert!(
            (400..500).contains(&status),
            "{status} to {shown:?}: {}",
            answer.text
        );
    }
    assert_eq!(stage.upstream.requests(), 0, "{shown:?} got through");
}

#[tokio::test]
async fn no_target_but_a_clean_path_reaches_a_paid_route() {
    let stage = Stage::new().await;
    // In the routes below, an upstream that normalises would find /v1/quote/SOL.
    let targets: [&[u8]; 22] = [
        b"/free/../v1/quote/SOL",
        b"/free/..%2fv1/quote/SOL",
        b"/free/%2e%2e/v1/quote/SOL",
        b"/free/%2E%2E/v1/quote/SOL",
        b"/free/.%2e/v1/quote/SOL",
        b"/free/..;/v1/quote/SOL",
        b"/free/..\\v1\\quote\\SOL",
        b"/free/%5c..%5cv1/quote/SOL",
        b"/free//../v1/quote/SOL",
        b"//v1/quote/SOL",
        b"/v1//quote/SOL",
        b"/v1/./quote/SOL",
        b"/v1/quote%2fSOL",
        b"/v1/quote/SOL%00",
        b"/v1/quote/SOL%",
        b"/v1/quote/SOL%4",
        b"/v1/quote/SOL%zz",
        b"/v1/quote/%c0%ae%c0%ae/SOL",
        b"/v1/quote/%c0%af",
        b"/v1/quote/%ed%a0%80",
        b"/v1/quote/%252e%252e",
        b"/v1/quote/\xc3\xa9",
    ];
    for target in targets {
        let text = [
            b"GET ",
            target,
            b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        ]
        .concat();
        is_kept_out(&stage, &text).await;
    }
}

#[tokio::test]
async fn no_form_of_a_target_names_another_server() {
    let stage = Stage::new().await;
    for line in [
        // absolute-form of another host, and of a scheme that nobody speaks here
        "GET http://b/free/a HTTP/1.1\r\nHost: a",
        "GET ftp://a/free/a HTTP/1.1\r\nHost: b",
        // authority-form and asterisk-form
        "CONNECT b:80 HTTP/1.1\r\nHost: b:80",
        "GET b:80 HTTP/1.1\r\nHost: b:80",
        "GET * HTTP/1.1\r\nHost: a",
        // user information before the host
        "GET http://a@b/free/a HTTP/1.1\r\nHost: a",
        // more than one, or none
        "GET /free/a HTTP/1.1\r\nHost: a\r\nhost: b",
        "GET /free/a HTTP/1.1",
        "GET /free/a HTTP/1.1\r\nHost:",
    ] {
        let text = format!("{line}\r\nConnection: close\r\n\r\n");
        let answer = say(&stage, text.as_bytes()).await;
        // A Host that is empty is a host as good as any other: it decides nothing.
        if line.ends_with("Host:") && answer.status() == 200 {
            continue;
        }
        assert!(
            (400..500).contains(&answer.status()),
            "{line:?}: {}",
            answer.text
        );
    }
    assert!(stage.upstream.requests() <= 1);
}

#[tokio::test]
async fn heads_that_no_grammar_knows_are_refused() {
    let stage = Stage::new().await;
    let heads: [&[u8]; 13] = [
        b"GET /free/a HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        b"GET /free/a HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n",
        b"GET /free/a HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
        b"GET /free/a HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
        b"GET /free/a HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        b"GET /free/a HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n",
        b"GET /free/a HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd",
        b"GET /free/a HTTP/1.1\r\nHost: a\r\nContent-Length: -4\r\n\r\nabcd",
        b"GET /free/a HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 5\r\n\r\nabcd",
        b"GET /free/a HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nabcd",
        b"GET /free/a HTTP/3.0\r\nHost: a\r\n\r\n",
        b"GET /free/a\r\nHost: a\r\n\r\n",
        b"G\x00T /free/a HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    for head in heads {
        is_kept_out(&stage, head).await;
    }
}

/// Sizes of chunks that a lenient reader takes for another number.
#[tokio::test]
async fn chunks_of_doubtful_size_do_not_become_bodies() {
    let stage = Stage::new().await;
    for size in [
        "-1",
        "+4",
        "0x4",
        " 4",
        "",
        "g",
        "ffffffffffffffff",
        "fffffffffffffffff",
    ] {
        let text = format!(
            "POST /free/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
             {size}\r\nabcd\r\n0\r\n\r\nGET /free/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        );
        let answer = say(&stage, text.as_bytes()).await;
        let served = answer
            .statuses()
            .iter()
            .filter(|status| **status == 200)
            .count();
        assert_eq!(served, 0, "{size:?}: {}", answer.text);
        assert!(answer.closed, "{size:?} was left open");
        assert!(!answer.text.contains("smuggled"), "{size:?}");
    }
}

/// Extensions and trailers are dropped; what stands behind the body is the next
/// request, once.
#[tokio::test]
async fn chunk_extensions_and_trailers_hide_nothing() {
    let stage = Stage::new().await;
    let text = "POST /free/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                4;name=\"GET /v1/quote/SOL HTTP/1.1\"\r\nabcd\r\n\
                0\r\nTollgate-Beneficiary: x\r\nX-Trailer: GET /free/no HTTP/1.1\r\n\r\n\
                GET /free/next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = say(&stage, text.as_bytes()).await;
    assert_eq!(answer.statuses(), [200, 200], "{}", answer.text);
    assert!(answer.text.contains("\"body\":\"abcd\""), "{}", answer.text);
    assert!(!answer.text.contains("tollgate-beneficiary"));
    assert_eq!(stage.upstream.requests(), 2);
}

/// What a client sends behind an upgrade that was refused is not a request.
#[tokio::test]
async fn nothing_is_smuggled_behind_an_upgrade() {
    let stage = Stage::new().await;
    let behind = "GET /v1/quote/SOL HTTP/1.1\r\nHost: a\r\n\r\n";
    for head in [
        "GET /free/a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
        "GET /free/a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 45\r\n\r\n",
        "POST /free/a HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: foo\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let answer = say(&stage, format!("{head}{behind}").as_bytes()).await;
        assert!(answer.closed, "{head:?} was left open");
        assert!(!answer.statuses().contains(&101), "{}", answer.text);
        assert!(!answer.statuses().contains(&200), "{}", answer.text);
    }
    assert_eq!(stage.upstream.requests(), 0);
}

/// Bare line feeds end lines for hyper (RFC 9112 section 2.2 lets it); the decision and
/// the upstream then see the same one request.
#[tokio::test]
async fn bare_line_feeds_make_no_second_request() {
    let stage = Stage::new().await;
    let text = "GET /v1/quote/SOL HTTP/1.1\nHost: a\nConnection: close\n\n";
    let answer = say(&stage, text.as_bytes()).await;
    assert!(
        matches!(answer.statuses().as_slice(), [400 | 402]),
        "{}",
        answer.text
    );
    assert_eq!(stage.upstream.requests(), 0);
}

/// Old versions and half prefaces of HTTP/2 open nothing.
#[tokio::test]
async fn other_versions_open_nothing() {
    let stage = Stage::new().await;
    is_kept_out(&stage, b"GET /v1/quote/SOL\r\n\r\n").await;
    is_kept_out(&stage, b"GET /v1/quote/SOL HTTP/0.9\r\n\r\n").await;
    is_kept_out(&stage, b"GET /v1/quote/SOL HTTP/1.0\r\nHost: a\r\n\r\n").await;
    is_kept_out(
        &stage,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET /free/a HTTP/1.1\r\n\r\n",
    )
    .await;
}

/// Methods in disguise: what is asked is the method of the request line.
#[tokio::test]
async fn an_override_header_overrides_nothing() {
    let stage = Stage::new().await;
    for name in [
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
    ] {
        let text = format!(
            "GET /free/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{name}: DELETE\r\n\r\n"
        );
        let answer = say(&stage, text.as_bytes()).await;
        assert_eq!(answer.status(), 200, "{}", answer.text);
        assert!(answer.text.contains("\"method\":\"GET\""));
        assert!(
            !answer.text.to_lowercase().contains("override\":"),
            "{name} reached the upstream: {}",
            answer.text
        );
    }
}
