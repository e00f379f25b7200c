//! WebSockets through the proxy.
#![expect(
    clippy::result_large_err,
    reason = "the handshake callback of tungstenite"
)]

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tollgate_client::EntitlementStatus;
use tollgate_verifier::config::{Config, RouteConfig, UpstreamProtocol};

use super::support::raw_upstream::RawUpstream;
use super::support::rpc::CHAIN_TIME;
use super::support::{SLUG, Stage, address, eventually, raw};

const PATIENCE: Duration = Duration::from_secs(60);
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A server that answers every message with what it was told in the handshake.
async fn echo_upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut seen = String::new();
                let note = |request: &Request, mut response: Response| {
                    seen = format!("{} {:?}", request.uri(), request.headers());
                    if request.headers().contains_key("sec-websocket-protocol") {
                        let chosen = http::HeaderValue::from_static("quotes");
                        let headers = response.headers_mut();
                        headers.insert("sec-websocket-protocol", chosen);
                    }
                    Ok(response)
                };
                let accepted = tokio_tungstenite::accept_hdr_async(socket, note).await;
                let Ok(mut socket) = accepted else {
                    return;
                };
                while let Some(Ok(message)) = socket.next().await {
                    let answer = match message.to_text() {
                        Ok("seen") => Message::text(seen.clone()),
                        _ => message,
                    };
                    if socket.send(answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

async fn stage(upstream: &str, change: impl FnOnce(&mut Config)) -> Stage {
    let url = upstream.parse().unwrap();
    Stage::with(|config| {
        config.upstream.as_mut().unwrap().url = url;
        let mut paid = RouteConfig::paid("/v1/stream/{symbol}", SLUG);
        paid.websocket = true;
        let mut free = RouteConfig::free("/open");
        free.websocket = true;
        config.routes.extend([paid, free]);
        change(config);
    })
    .await
}

/// Shakes hands at `path` with further headers.
async fn connect(
    stage: &Stage,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<(Socket, Response), u16> {
    let url = format!("ws://{}{path}", stage.address());
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        let value = value.parse().unwrap();
        request.headers_mut().insert(*name, value);
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, response)) => Ok((socket, response.map(|_| ()))),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
            Err(response.status().as_u16())
        }
        Err(error) => panic!("{error}"),
    }
}

async fn hear(socket: &mut Socket) -> Option<String> {
    let message = tokio::time::timeout(PATIENCE, socket.next())
        .await
        .expect("something happens");
    match message {
        Some(Ok(message)) if message.is_text() => Some(message.to_text().unwrap().to_owned()),
        _ => None,
    }
}

/// HTTP/2 is for requests: a WebSocket begins with HTTP/1 in any case.
#[tokio::test]
async fn an_upstream_of_http2_gets_its_websockets_by_http1() {
    let upstream = echo_upstream().await;
    let http2 = |config: &mut Config| {
        config.upstream.as_mut().unwrap().protocol = UpstreamProtocol::Http2;
    };
    let stage = stage(&upstream, http2).await;
    let (mut socket, _) = connect(&stage, "/open", &[]).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(hear(&mut socket).await.as_deref(), Some("hello"));
}

#[tokio::test]
async fn whoever_paid_talks_both_ways() {
    let stage = stage(&echo_upstream().await, |_| {}).await;
    assert_eq!(
        connect(&stage, "/v1/stream/SOL", &[]).await.err(),
        Some(402)
    );
    assert_eq!(connect(&stage, "/v1/quote/SOL", &[]).await.err(), Some(400));
    assert_eq!(connect(&stage, "/v1/products", &[]).await.err(), Some(400));
    assert_eq!(connect(&stage, "/nowhere", &[]).await.err(), Some(404));

    stage.rpc.entitle("agent", CHAIN_TIME + 3600, |_| {});
    let proof = stage.sign_in("/v1/stream/SOL", "agent").await;
    let headers = [
        ("sign-in-with-x", proof.as_str()),
        ("tollgate-product", "forged"),
        ("sec-websocket-protocol", "other, quotes"),
    ];
    let (mut socket, response) = connect(&stage, "/v1/stream/%53OL?a=b", &headers)
        .await
        .unwrap();
    let said = response.headers();
    assert!(said.contains_key("tollgate-session"), "{said:?}");
    assert_eq!(said["sec-websocket-protocol"], "quotes");
    socket.send(Message::text("seen")).await.unwrap();
    let seen = hear(&mut socket).await.unwrap();
    assert!(seen.starts_with("/v1/stream/SOL?a=b "), "{seen}");
    assert!(seen.contains(&address("agent").to_string()), "{seen}");
    assert!(!seen.contains("forged"), "{seen}");
    assert!(!seen.contains("sign-in-with-x"), "{seen}");
    for word in ["one", "two"] {
        socket.send(Message::text(word)).await.unwrap();
        assert_eq!(hear(&mut socket).await.as_deref(), Some(word));
    }
    let large = "x".repeat(1 << 20);
    socket.send(Message::text(large.clone())).await.unwrap();
    assert!(hear(&mut socket).await == Some(large));
    socket.close(None).await.unwrap();
    assert_eq!(hear(&mut socket).await, None);
}

#[tokio::test]
async fn it_lasts_as_long_as_the_access() {
    let stage = stage(&echo_upstream().await, |_| {}).await;
    for (name, seconds) in [("extended", 8), ("revoked", 3600), ("brief", 8)] {
        let now = stage.rpc.script.lock().unwrap().chain_time;
        stage.rpc.entitle(name, now + seconds, |_| {});
        let proof = stage.sign_in("/v1/stream/SOL", name).await;
        let proof = [("sign-in-with-x", proof.as_str())];
        let (mut socket, _) = connect(&stage, "/v1/stream/SOL", &proof).await.unwrap();
        socket.send(Message::text("one")).await.unwrap();
        assert_eq!(hear(&mut socket).await.as_deref(), Some("one"));
        match name {
            "extended" => {
                stage.rpc.entitle(name, CHAIN_TIME + 3600, |_| {});
                stage.rpc.set(|script| script.chain_time += 9);
                tokio::time::sleep(Duration::from_secs(12)).await;
                socket.send(Message::text("two")).await.unwrap();
                assert_eq!(hear(&mut socket).await.as_deref(), Some("two"));
            }
            "revoked" => {
                stage.rpc.entitle(name, CHAIN_TIME + 3600, |entitlement| {
                    entitlement.status = EntitlementStatus::Revoked;
                });
                assert_eq!(hear(&mut socket).await, None);
            }
            _ => {
                // Time on chain decides, not this machine's.
                stage.rpc.set(|script| script.chain_time += 9);
                assert_eq!(hear(&mut socket).await, None, "ended by the gate");
            }
        }
    }
}

#[tokio::test]
async fn it_ends_when_nothing_moves_and_when_the_service_stops() {
    let upstream = echo_upstream().await;
    let idle = stage(&upstream, |config| {
        let upstream = config.upstream.as_mut().unwrap();
        upstream.websocket_idle_timeout = Duration::from_millis(300);
    })
    .await;
    let (mut socket, _) = connect(&idle, "/open", &[]).await.unwrap();
    assert_eq!(hear(&mut socket).await, None);
    let stopped = stage(&upstream, |_| {}).await;
    let (mut socket, _) = connect(&stopped, "/open", &[]).await.unwrap();
    let report = stopped.verifier.shutdown().await;
    assert_eq!(report.cut_connections, 0);
    assert_eq!(hear(&mut socket).await, None);
}

#[tokio::test]
async fn it_counts_among_the_open_connections() {
    let stage = stage(&echo_upstream().await, |config| {
        config.server.max_connections_per_address = 1;
    })
    .await;
    // The connections of the stage's own start are gone first.
    let mut opened = None;
    eventually(async || {
        let socket = TcpStream::connect(stage.address()).await.unwrap();
        let url = format!("ws://{}/open", stage.address());
        let shaken = tokio_tungstenite::client_async(url, socket).await;
        opened = shaken.ok();
        opened.is_some()
    })
    .await;
    let get = b"GET /free/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let refused = raw(stage.address(), get, PATIENCE).await;
    assert_eq!(refused.status(), 0, "{}", refused.text);
    drop(opened);
    eventually(async || raw(stage.address(), get, PATIENCE).await.status() != 0).await;
}

fn handshake(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
}

/// An upstream that says `answer` to the handshake and then listens.
async fn saying(answer: String) -> RawUpstream {
    RawUpstream::start(move |mut conversation| {
        let answer = answer.clone();
        async move {
            conversation.head().await;
            conversation.say(&answer).await;
            conversation.stay().await;
        }
    })
    .await
}

fn agreement(accept: &str, more: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    )
}

/// What is sent before the upstream has agreed never gets there.
#[tokio::test]
async fn nothing_is_smuggled_behind_a_handshake() {
    let smuggled = "GET /v1/quote/SMUGGLED HTTP/1.1\r\nHost: a\r\n\r\n";
    let refusal = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno".to_owned();
    for answer in [agreement(&derive_accept_key(KEY.as_bytes()), ""), refusal] {
        let agreed = answer.contains("101");
        let upstream = saying(answer).await;
        let stage = stage(&upstream.url(), |_| {}).await;
        let text = format!("{}{smuggled}", handshake("/open"));
        let found = raw(stage.address(), text.as_bytes(), Duration::from_secs(5)).await;
        if agreed {
            assert_eq!(found.code(), "upgrade_not_supported", "{}", found.text);
            assert!(found.closed);
        } else {
            // No upgrade: what follows is a request like any other, and not paid.
            assert!(found.text.starts_with("HTTP/1.1 200"), "{}", found.text);
            assert!(found.text.contains("HTTP/1.1 402"), "{}", found.text);
        }
        let heard = upstream.heard().concat();
        assert!(!heard.contains("SMUGGLED"), "{heard}");
        assert_eq!(heard.matches("HTTP/1.1").count(), 1, "{heard}");
    }
}

#[tokio::test]
async fn an_upstream_must_agree_to_what_it_was_asked() {
    let accept = derive_accept_key(KEY.as_bytes());
    for answer in [
        agreement("c29tZXRoaW5nIGVsc2U=", ""),
        agreement(&accept, "Sec-WebSocket-Protocol: not-offered\r\n"),
        agreement(&accept, "").replace("websocket", "h2c"),
        agreement(&accept, "").replace("Connection: Upgrade\r\n", ""),
        "HTTP/1.1 101 Switching Protocols\r\n\r\n".to_owned(),
    ] {
        let upstream = saying(answer.clone()).await;
        let stage = stage(&upstream.url(), |_| {}).await;
        let text = handshake("/open");
        let found = raw(stage.address(), text.as_bytes(), Duration::from_secs(5)).await;
        assert_eq!(found.status(), 502, "{answer}: {}", found.text);
    }
}

/// The frames of a client that is slow to send them are not taken for a head that
/// never ends.
#[tokio::test]
async fn limits_on_heads_do_not_apply_to_frames() {
    let stage = stage(&echo_upstream().await, |config| {
        config.server.header_read_timeout = Duration::from_millis(200);
    })
    .await;
    let mut socket = TcpStream::connect(stage.address()).await.unwrap();
    socket
        .write_all(handshake("/open").as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(socket.read_u8().await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"));
    // "hi", masked with zeros, one byte at a time.
    for byte in [0x81, 0x82, 0, 0, 0, 0, b'h', b'i'] {
        socket.write_all(&[byte]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut echo = [0; 4];
    socket.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"\x81\x02hi");
}
