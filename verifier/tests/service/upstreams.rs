//! Upstreams that misbehave, and upstreams behind TLS.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::support::Stage;
use super::support::certificates::acceptor;
use super::support::raw_upstream::RawUpstream;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn with_upstream(url: &str) -> Stage {
    let url = url.parse().unwrap();
    Stage::with(|config| config.upstream.as_mut().unwrap().url = url).await
}

async fn code(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["error"].as_str().unwrap().to_owned())
}

fn unavailable() -> (u16, String) {
    (502, "upstream_unavailable".to_owned())
}

/// The connection is used again, and a request that the upstream got and did not
/// answer is not sent a second time: nobody knows what it did with it.
#[tokio::test]
async fn what_the_upstream_may_have_done_is_not_asked_for_twice() {
    let upstream = RawUpstream::start(|mut conversation| async move {
        let first = conversation.head().await;
        if first.contains("/free/first") {
            conversation.say(OK).await;
            conversation.head().await;
        }
        // Gone without an answer.
    })
    .await;
    let stage = with_upstream(&upstream.url()).await;
    for again in [
        stage.http.post(stage.url("/free/again")).body("x"),
        stage.http.get(stage.url("/free/again")),
    ] {
        assert_eq!(stage.get("/free/first").await.text().await.unwrap(), "ok");
        assert_eq!(code(again.send().await.unwrap()).await, unavailable());
    }
    let heard = upstream.heard();
    assert_eq!(heard.len(), 2, "one connection for two requests: {heard:?}");
    let tries = heard.concat().matches("/free/again").count();
    assert_eq!(tries, 2, "each once: {heard:?}");
}

#[tokio::test]
async fn answers_that_are_too_large_or_none_at_all_are_refused() {
    for answer in [
        format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(200 * 1024)),
        format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(200)),
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_owned(),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"
            .to_owned(),
        "SSH-2.0-OpenSSH\r\n".to_owned(),
    ] {
        let said = answer.clone();
        let upstream = RawUpstream::start(move |mut conversation| {
            let said = said.clone();
            async move {
                conversation.head().await;
                conversation.say(&said).await;
                conversation.stay().await;
            }
        })
        .await;
        let stage = with_upstream(&upstream.url()).await;
        let found = code(stage.get("/free/a").await).await;
        assert_eq!(found, unavailable(), "{:.60}", answer);
    }
}

#[tokio::test]
async fn interim_answers_are_not_the_answer() {
    let upstream = RawUpstream::start(|mut conversation| async move {
        conversation.head().await;
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n";
        conversation.say(&format!("{hints}{OK}")).await;
        conversation.stay().await;
    })
    .await;
    let stage = with_upstream(&upstream.url()).await;
    let response = stage.get("/free/a").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), "ok");
}

/// Two requests in one go reach the upstream as two, whatever their bodies look
/// like.
#[tokio::test]
async fn bodies_stay_bodies() {
    let stage = Stage::new().await;
    let inner = "GET /v1/quote/SOL HTTP/1.1\r\nHost: a\r\n\r\n";
    let text = format!(
        "POST /free/count HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{inner}\
         GET /free/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        inner.len()
    );
    let answer =
        super::support::raw(stage.address(), text.as_bytes(), Duration::from_secs(5)).await;
    assert_eq!(
        answer.text.matches("HTTP/1.1 200").count(),
        2,
        "{}",
        answer.text
    );
    assert_eq!(stage.upstream.requests(), 2);
}

/// A TLS server with a certificate of its own making.
async fn tls_upstream(name: &str) -> (String, rustls::pki_types::CertificateDer<'static>) {
    let (acceptor, certificate) = acceptor(name, &[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut session) = acceptor.accept(socket).await else {
                    return;
                };
                let mut request = [0; 4096];
                if session
                    .read(&mut request)
                    .await
                    .is_ok_and(|count| count > 0)
                {
                    let _ = session.write_all(OK.as_bytes()).await;
                    let _ = session.shutdown().await;
                }
            });
        }
    });
    (format!("https://localhost:{port}"), certificate)
}

#[tokio::test]
async fn an_upstream_behind_tls_must_show_the_configured_certificate() {
    for (name, trusted, served) in [
        ("localhost", true, true),
        ("localhost", false, false),
        ("elsewhere.test", true, false),
    ] {
        let (url, certificate) = tls_upstream(name).await;
        let url = url.parse().unwrap();
        let stage = Stage::with(|config| {
            let upstream = config.upstream.as_mut().unwrap();
            upstream.url = url;
            upstream.response_timeout = Duration::from_secs(10);
            upstream.trusted_certificates = trusted.then(|| vec![certificate]);
        })
        .await;
        let response = stage.get("/free/a").await;
        if served {
            assert_eq!(response.text().await.unwrap(), "ok");
        } else {
            assert_eq!(code(response).await, unavailable(), "{name} {trusted}");
        }
    }
}
