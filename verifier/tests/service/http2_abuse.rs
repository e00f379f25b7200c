//! HTTP/2 connections that cost the other side more than they cost.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{Stage, raw};

const WAIT: Duration = Duration::from_secs(20);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// A frame's nine bytes and its payload (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// `GET /v1/quote/SOL` by HPACK without Huffman codes or the dynamic table.
fn get_quote() -> Vec<u8> {
    let mut block = vec![0x82, 0x86];
    for (index, value) in [(4_u8, "/v1/quote/SOL"), (1, "a")] {
        block.push(index);
        block.push(u8::try_from(value.len()).unwrap());
        block.extend_from_slice(value.as_bytes());
    }
    block
}

/// Still answers other connections.
async fn is_alive(stage: &Stage) {
    let text = b"GET /free/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(stage.address(), text, WAIT).await.status(), 200);
}

/// CVE-2023-44487: streams that are opened and reset at once.
#[tokio::test]
async fn rapid_resets_end_the_connection_and_reach_nobody() {
    let stage = Stage::new().await;
    let mut socket = TcpStream::connect(stage.address()).await.unwrap();
    let mut bytes = [PREFACE, &SETTINGS].concat();
    for stream in (0..20_000_u32).map(|number| number * 2 + 1) {
        bytes.extend(frame(1, 0x5, stream, &get_quote()));
        bytes.extend(frame(3, 0, stream, &8_u32.to_be_bytes()));
    }
    // The server may be done with it before everything was sent.
    let _ = tokio::time::timeout(WAIT, socket.write_all(&bytes)).await;
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(WAIT, socket.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection was left open");
    assert_eq!(stage.upstream.requests(), 0);
    is_alive(&stage).await;
}

/// CVE-2024-27316 and its kin: a head that goes on and on in CONTINUATION frames.
#[tokio::test]
async fn endless_continuations_end_the_connection() {
    let stage = Stage::new().await;
    let mut socket = TcpStream::connect(stage.address()).await.unwrap();
    let mut bytes = [PREFACE, &SETTINGS].concat();
    bytes.extend(frame(1, 0x1, 1, &get_quote()));
    // A literal field of 4 KiB, again and again.
    let mut field = vec![0, 1, b'x', 0x7f, 0x81, 0x1f];
    field.resize(6 + 4096, b'y');
    for _ in 0..2_000 {
        bytes.extend(frame(9, 0, 1, &field));
    }
    let _ = tokio::time::timeout(WAIT, socket.write_all(&bytes)).await;
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(WAIT, socket.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection was left open");
    assert_eq!(stage.upstream.requests(), 0);
    is_alive(&stage).await;
}

/// More streams at once than one connection may have wait, and all are answered.
#[tokio::test]
async fn many_streams_take_turns() {
    // However busy this machine is, prices stay recent enough to be offered.
    let stage = Stage::with(|config| config.chain.ready_within = Duration::from_secs(300)).await;
    let socket = TcpStream::connect(stage.address()).await.unwrap();
    let (sender, connection) =
        http2::handshake::<_, _, Empty<Bytes>>(TokioExecutor::new(), TokioIo::new(socket))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    let url = format!("http://{}/v1/quote/SOL", stage.address());
    let asking = (0..500).map(|_| {
        let mut sender = sender.clone();
        let request = Request::get(&url).body(Empty::new()).unwrap();
        async move {
            sender.ready().await.unwrap();
            sender.send_request(request).await.unwrap().status()
        }
    });
    let answers = tokio::time::timeout(WAIT, futures::future::join_all(asking))
        .await
        .expect("all are answered");
    assert!(answers.iter().all(|status| *status == 402), "{answers:?}");
    assert_eq!(stage.upstream.requests(), 0);
    connection.abort();
}
