//! A cluster that cannot be read is an error, with a code and without its URL.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tollgate_client::{Chain, ChainError, ChainOptions, Pubkey};

const PATH: &str = "key-that-must-stay-secret";

/// A server that reads a request and answers with `answer`, or not at all.
async fn server(answer: Option<String>) -> Chain {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/{PATH}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            match &answer {
                Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
                None => tokio::time::sleep(Duration::from_secs(60)).await,
            }
        }
    });
    let timeout = Duration::from_millis(400);
    Chain::new(
        url,
        ChainOptions {
            timeout,
            ..ChainOptions::default()
        },
    )
}

fn http(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn read(chain: &Chain) -> ChainError {
    let error = chain
        .entitlement(&Pubkey::new_unique(), &Pubkey::new_unique())
        .await
        .unwrap_err();
    assert!(!error.to_string().contains(PATH), "{error}");
    assert!(!format!("{chain:?}").contains(PATH));
    error
}

#[tokio::test]
async fn a_silent_server_times_out() {
    let started = Instant::now();
    assert_eq!(read(&server(None).await).await.code(), "rpc_timeout");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_server_that_asks_to_slow_down_does_not_hold_a_caller() {
    let slow = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 100\r\ncontent-length: 0\r\n\r\n"
        .to_owned();
    let started = Instant::now();
    assert_eq!(read(&server(Some(slow)).await).await.code(), "rpc_timeout");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_absent_server_is_unreachable() {
    let chain = Chain::new(
        format!("http://127.0.0.1:1/{PATH}"),
        ChainOptions::default(),
    );
    assert_eq!(read(&chain).await.code(), "rpc_unreachable");
}

#[tokio::test]
async fn an_error_of_the_server_is_passed_on() {
    let body = r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32005,"message":"Node is behind"}}"#;
    let error = read(&server(Some(http(body))).await).await;
    assert!(
        matches!(error, ChainError::Rpc { code: -32005, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn nonsense_is_malformed_and_never_absent() {
    for (body, code) in [
        ("not json", "rpc_unreachable"),
        (
            r#"{"jsonrpc":"2.0","id":0,"result":7}"#,
            "rpc_answer_malformed",
        ),
        (
            r#"{"jsonrpc":"2.0","id":0,"result":{"context":{"slot":1},"value":[]}}"#,
            "rpc_answer_malformed",
        ),
        // No entitlement, but no Clock either: there is no chain time to judge by.
        (
            r#"{"jsonrpc":"2.0","id":0,"result":{"context":{"slot":1},"value":[null,null]}}"#,
            "rpc_answer_malformed",
        ),
        // Account data that is not base64.
        (
            r#"{"jsonrpc":"2.0","id":0,"result":{"context":{"slot":1},"value":[null,{"lamports":1,"data":["!!","base64"],"owner":"11111111111111111111111111111111","executable":false,"rentEpoch":0,"space":0}]}}"#,
            "rpc_answer_malformed",
        ),
    ] {
        assert_eq!(
            read(&server(Some(http(body))).await).await.code(),
            code,
            "{body}"
        );
    }
}
