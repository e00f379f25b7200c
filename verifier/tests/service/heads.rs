//! Request heads over raw sockets: what is slow, large or ambiguous.

use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{RawAnswer, Stage, raw};

const WAIT: Duration = Duration::from_secs(5);

async fn say(stage: &Stage, text: &str) -> RawAnswer {
    raw(stage.address(), text.as_bytes(), WAIT).await
}

#[tokio::test]
async fn heads_that_do_not_arrive_in_time_are_dropped() {
    let stage = Stage::new().await;
    // Nothing; the beginning of an HTTP/2 preface; half a line; half a head.
    let beginnings = [
        "",
        "PRI * HTT",
        "GET /free/a HTTP/1.1\r\nHost: a\r\nX-Half",
        "GET /free/a HTTP/1.1\r\nHost: a\r\n",
    ];
    for beginning in beginnings {
        let answer = say(&stage, beginning).await;
        assert!(answer.closed, "{beginning:?} was left open");
        assert_eq!(answer.status(), 0, "{beginning:?}");
        assert!(answer.after >= Duration::from_millis(550), "{beginning:?}");
        assert!(answer.after < Duration::from_secs(20), "{beginning:?}");
    }
    assert_eq!(stage.upstream.requests(), 0);
}

/// A connection may wait for its next request longer than a head may take, but
/// the next head has no more time than the first.
#[tokio::test]
async fn kept_connections_wait_for_the_idle_time() {
    let stage = Stage::new().await;
    let request = "GET /free/a HTTP/1.1\r\nHost: a\r\n\r\n";
    let idle = say(&stage, request).await;
    assert_eq!(idle.status(), 200);
    assert!(idle.closed && idle.after >= Duration::from_millis(2900));
    let half = say(&stage, &format!("{request}GET /free/b HT")).await;
    assert_eq!(half.status(), 200);
    assert!(half.closed && half.after < idle.after);
}

/// A byte now and then does not keep a head alive.
#[tokio::test]
async fn dripping_heads_are_dropped() {
    let stage = Stage::new().await;
    let mut socket = TcpStream::connect(stage.address()).await.unwrap();
    socket
        .write_all(b"GET /free/a HTTP/1.1\r\nHost: a\r\n")
        .await
        .unwrap();
    let started = std::time::Instant::now();
    loop {
        assert!(started.elapsed() < Duration::from_secs(30), "left open");
        if socket.write_all(b"X: y\r\n").await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(stage.upstream.requests(), 0);
}

#[tokio::test]
async fn large_heads_get_431() {
    // So long that only the size can be the reason.
    let stage =
        Stage::with(|config| config.server.header_read_timeout = Duration::from_secs(20)).await;
    let one_long = format!(
        "GET /free/a HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n",
        "x".repeat(16 * 1024)
    );
    assert_eq!(say(&stage, &one_long).await.status(), 431);
    let endless = format!(
        "GET /free/a HTTP/1.1\r\nHost: a\r\nX-Long: {}",
        "x".repeat(500_000)
    );
    let answer = say(&stage, &endless).await;
    assert!(answer.closed, "it was read without end");
    let many = format!(
        "GET /free/a HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "X-Many: y\r\n".repeat(64)
    );
    assert_eq!(say(&stage, &many).await.status(), 431);
    assert_eq!(stage.upstream.requests(), 0);
    let fits = format!(
        "GET /free/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Long: {}\r\n\r\n",
        "x".repeat(15 * 1024)
    );
    assert_eq!(say(&stage, &fits).await.status(), 200);
}

#[tokio::test]
async fn ambiguous_heads_are_refused() {
    let stage = Stage::new().await;
    let smuggled = "0\r\n\r\nGET /v1/quote/SOL HTTP/1.1\r\nHost: a\r\n\r\n";
    #[rustfmt::skip]
    let table = [
        (format!("POST /free/a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{smuggled}"), "length_ambiguous"),
        (format!("POST /free/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{smuggled}"), "length_ambiguous"),
        ("GET /free/a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), "header_duplicate"),
        ("GET /free/a HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".to_owned(), "header_duplicate"),
        ("GET /free/a HTTP/1.1\r\n\r\n".to_owned(), "host_missing"),
        ("GET http://b/free/a HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "host_mismatch"),
        ("GET /free/a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".to_owned(), "upgrade_not_supported"),
        ("GET /free/a HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n".to_owned(), "upgrade_not_supported"),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n".to_owned(), "method_not_allowed"),
        ("TRACE /free/a HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "method_not_allowed"),
    ];
    for (text, code) in table {
        let answer = say(&stage, &text).await;
        assert_eq!(answer.code(), code, "{text:?}: {}", answer.text);
        assert!(
            answer
                .text
                .to_lowercase()
                .contains("cache-control: no-store"),
            "{}",
            answer.text
        );
    }
    // hyper itself refuses these.
    for text in [
        "POST /free/a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        "POST /free/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nabcd",
        "POST /free/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\nabcd",
        "GET /free/a HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET /free/a HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
    ] {
        assert_eq!(say(&stage, text).await.status(), 400, "{text:?}");
    }
    assert_eq!(stage.upstream.requests(), 0);
}

/// The smuggled request behind an ambiguous one is never answered, also when it
/// follows clean requests on the same connection.
#[tokio::test]
async fn nothing_is_smuggled_behind_clean_requests() {
    let stage = Stage::new().await;
    let clean = "POST /free/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let mut socket = TcpStream::connect(stage.address()).await.unwrap();
    socket.write_all(clean.as_bytes()).await.unwrap();
    let mut piece = [0; 4096];
    let count = socket.read(&mut piece).await.unwrap();
    assert!(piece[..count].starts_with(b"HTTP/1.1 200"));
    let ambiguous = "POST /free/b HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\
                     Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
                     GET /free/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    socket.write_all(ambiguous.as_bytes()).await.unwrap();
    let mut rest = String::new();
    let _ = socket.read_to_string(&mut rest).await;
    assert!(rest.starts_with("HTTP/1.1 400"), "{rest}");
    assert_eq!(rest.matches("HTTP/1.1 ").count(), 1, "{rest}");
    assert_eq!(stage.upstream.requests(), 1);
}

#[tokio::test]
async fn connections_of_one_address_are_capped() {
    let stage = Stage::with(|config| config.server.max_connections_per_address = 2).await;
    let one = TcpStream::connect(stage.address()).await.unwrap();
    let two = TcpStream::connect(stage.address()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let text = "GET /free/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let third = say(&stage, text).await;
    assert_eq!(third.status(), 0, "{}", third.text);
    drop((one, two));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(say(&stage, text).await.status(), 200);
}

#[tokio::test]
async fn connections_in_all_are_capped_and_the_next_one_waits() {
    let stage = Stage::with(|config| config.server.max_connections = 1).await;
    let one = TcpStream::connect(stage.address()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let text = "GET /free/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let waiting = raw(stage.address(), text.as_bytes(), Duration::from_millis(200)).await;
    assert_eq!((waiting.status(), waiting.closed), (0, false));
    drop(one);
    assert_eq!(say(&stage, text).await.status(), 200);
}

#[tokio::test]
async fn bodies_that_stall_get_408() {
    let stage = Stage::new().await;
    for path in ["/free/count", "/v1/access/entitlements/check"] {
        let text = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{{");
        let answer = raw(stage.address(), text.as_bytes(), WAIT * 2).await;
        assert_eq!(answer.code(), "request_timeout", "{path}: {}", answer.text);
        assert!(answer.closed, "{path}");
    }
}

/// A client that asks for much and reads nothing is let go.
#[tokio::test]
async fn clients_that_do_not_read_are_dropped() {
    let stage = Stage::new().await;
    let mut socket = TcpStream::connect(stage.address()).await.unwrap();
    socket
        .write_all(b"GET /free/huge HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let mut all = Vec::new();
    let _ = tokio::time::timeout(WAIT, socket.read_to_end(&mut all))
        .await
        .expect("the server must have closed the connection");
    assert!(all.len() < 64 << 20, "{} bytes came through", all.len());
}

#[tokio::test]
async fn http2_with_prior_knowledge_is_served_and_let_go_when_idle() {
    let stage = Stage::new().await;
    let socket = TcpStream::connect(stage.address()).await.unwrap();
    let (mut sender, connection) =
        http2::handshake::<_, _, Empty<bytes::Bytes>>(TokioExecutor::new(), TokioIo::new(socket))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    let request = |path: &str, long: usize| {
        Request::get(format!("http://{}{path}", stage.address()))
            .header("x-long", "x".repeat(long))
            .body(Empty::new())
            .unwrap()
    };
    let response = sender.send_request(request("/free/a", 1)).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(b"{"));
    let response = sender
        .send_request(request("/v1/quote/SOL", 1))
        .await
        .unwrap();
    assert_eq!(response.status(), 402);
    drop(response);
    let large = sender.send_request(request("/free/a", 17 * 1024)).await;
    assert!(large.is_err() || large.unwrap().status() == 431);
    let ended = tokio::time::timeout(Duration::from_secs(8), connection).await;
    assert!(ended.is_ok(), "the idle connection was left open");
}

/// HTTP/2: the client leaves one answer unread; its socket stays usable, so only
/// the lack of progress shows it.
#[tokio::test]
async fn http2_clients_that_do_not_read_are_dropped() {
    let stage = Stage::new().await;
    let socket = TcpStream::connect(stage.address()).await.unwrap();
    let (mut sender, connection) =
        http2::handshake::<_, _, Empty<bytes::Bytes>>(TokioExecutor::new(), TokioIo::new(socket))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get(format!("http://{}/free/huge", stage.address()))
        .body(Empty::new())
        .unwrap();
    let unread = sender.send_request(request).await.unwrap();
    assert_eq!(unread.status(), 200);
    let ended = tokio::time::timeout(Duration::from_secs(20), connection).await;
    assert!(ended.is_ok(), "the connection was left open");
    drop(unread);
}
