//! Bodies under way: in order of arrival, without being collected, with their
//! trailers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::routing::{any, get};
use futures::{StreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::support::raw_upstream::RawUpstream;
use super::support::{Stage, raw};

const PATIENCE: Duration = Duration::from_secs(60);

/// A stage in front of an axum upstream.
async fn in_front_of(router: axum::Router) -> Stage {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    with_upstream(&url).await
}

async fn with_upstream(url: &str) -> Stage {
    let url = url.parse().unwrap();
    Stage::with(|config| {
        let upstream = config.upstream.as_mut().unwrap();
        upstream.url = url;
        upstream.response_timeout = Duration::from_secs(10);
        upstream.idle_timeout = Duration::from_secs(10);
        config.server.stall_timeout = Duration::from_secs(10);
        config.server.max_request_body = 1 << 30;
    })
    .await
}

/// Reads until `end` has arrived.
async fn until(socket: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let mut byte = [0; 1];
    let reading = async {
        while !text.ends_with(end) {
            match socket.read(&mut byte).await {
                Ok(1) => text.push(char::from(byte[0])),
                _ => panic!("ended after {text:?}"),
            }
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, reading).await.is_ok();
    assert!(in_time, "waited for {end:?} after {text:?}");
    text
}

/// Each piece is echoed before the next one is sent: nothing may wait for more.
#[tokio::test]
async fn pieces_go_both_ways_as_they_come() {
    let echo = any(async |body: Body| body);
    let stage = in_front_of(axum::Router::new().route("/free/echo", echo)).await;
    let mut socket = TcpStream::connect(stage.address()).await.unwrap();
    let head = "POST /free/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    for (index, word) in ["one", "two", "six"].into_iter().enumerate() {
        let piece = format!("3\r\n{word}\r\n");
        socket.write_all(piece.as_bytes()).await.unwrap();
        let back = until(&mut socket, &piece).await;
        assert_eq!(back.contains("200 OK"), index == 0);
    }
    socket.write_all(b"0\r\n\r\n").await.unwrap();
    until(&mut socket, "0\r\n\r\n").await;
}

#[tokio::test]
async fn events_arrive_one_by_one() {
    let (sender, receiver) = tokio::sync::mpsc::channel::<&'static str>(1);
    let receiver = Arc::new(tokio::sync::Mutex::new(receiver));
    let events = get(async move || {
        let pieces = stream::unfold(receiver, |receiver| async move {
            let event = receiver.lock().await.recv().await?;
            Some((Ok::<_, std::io::Error>(Bytes::from(event)), receiver))
        });
        (
            [("content-type", "text/event-stream")],
            Body::from_stream(pieces),
        )
    });
    let stage = in_front_of(axum::Router::new().route("/free/events", events)).await;
    let response = stage.get("/free/events").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut pieces = response.bytes_stream();
    for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
        sender.send(event).await.unwrap();
        let piece = tokio::time::timeout(PATIENCE, pieces.next()).await;
        assert_eq!(piece.unwrap().unwrap().unwrap(), event);
    }
    drop(sender);
    assert!(pieces.next().await.is_none());
}

/// A reader that does not read stops the writer: what is under way is bounded.
#[tokio::test]
async fn a_slow_reader_slows_the_writer_down() {
    let made = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&made);
    let endless = get(async move || {
        let piece = Bytes::from(vec![b'x'; 65536]);
        Body::from_stream(stream::repeat_with(move || {
            counter.fetch_add(65536, Ordering::SeqCst);
            Ok::<_, std::io::Error>(piece.clone())
        }))
    });
    let stage = in_front_of(axum::Router::new().route("/free/endless", endless)).await;
    let mut socket = TcpStream::connect(stage.address()).await.unwrap();
    let request = b"GET /free/endless HTTP/1.1\r\nHost: a\r\n\r\n";
    socket.write_all(request).await.unwrap();
    let standing = async {
        let mut before = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let now = made.load(Ordering::SeqCst);
            if now > 0 && now == before {
                return now;
            }
            before = now;
        }
    };
    let under_way = tokio::time::timeout(PATIENCE, standing)
        .await
        .expect("the writer stops");
    // What four sockets' buffers hold, and no more.
    assert!(under_way < 64 << 20, "{under_way} bytes under way");
    // It goes on as soon as somebody reads.
    let mut piece = vec![0; 1 << 20];
    let goes_on = async {
        while made.load(Ordering::SeqCst) == under_way {
            assert_ne!(socket.read(&mut piece).await.unwrap(), 0);
        }
    };
    tokio::time::timeout(PATIENCE, goes_on).await.unwrap();
}

#[tokio::test]
async fn trailers_pass_in_both_directions_scrubbed() {
    let upstream = RawUpstream::start(|mut conversation| async move {
        while !conversation.head().await.is_empty() {
            conversation.until("\r\n0\r\n").await;
            conversation.until("\r\n\r\n").await;
            conversation
                .say(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\
                     Trailer: grpc-status, x-sum, set-cookie\r\n\r\n2\r\nok\r\n0\r\n\
                     grpc-status: 0\r\nx-sum: 7\r\nset-cookie: a=b\r\n\
                     tollgate-session: x\r\nx-unannounced: 1\r\n\r\n",
                )
                .await;
        }
    })
    .await;
    let stage = with_upstream(&upstream.url()).await;
    let request = |te: &str| {
        format!(
            "POST /free/a HTTP/1.1\r\nHost: a\r\n{te}Transfer-Encoding: chunked\r\n\
             Trailer: x-sum, tollgate-product\r\n\r\n1\r\na\r\n0\r\n\
             x-sum: 9\r\ntollgate-product: forged\r\n\r\n"
        )
    };
    let mut socket = TcpStream::connect(stage.address()).await.unwrap();
    let asked = request("TE: trailers\r\nConnection: TE\r\n");
    socket.write_all(asked.as_bytes()).await.unwrap();
    let answer = until(&mut socket, "x-sum: 7\r\n").await + &until(&mut socket, "\r\n").await;
    assert!(
        answer.contains("trailer: grpc-status, x-sum\r\n"),
        "{answer}"
    );
    assert!(answer.contains("grpc-status: 0\r\n"), "{answer}");
    assert!(!answer.contains("a=b"), "{answer}");
    assert!(!answer.contains("unannounced"), "{answer}");
    assert!(!answer.contains("tollgate-session"), "{answer}");
    let heard = upstream.heard().concat().to_lowercase();
    assert!(heard.contains("\r\nte: trailers\r\n"), "{heard}");
    assert!(heard.contains("0\r\nx-sum: 9\r\n\r\n"), "{heard}");
    assert!(!heard.contains("forged"), "{heard}");

    // Whoever does not say that it takes trailers gets none.
    let mut socket = TcpStream::connect(stage.address()).await.unwrap();
    socket.write_all(request("").as_bytes()).await.unwrap();
    let answer = until(&mut socket, "0\r\n\r\n").await;
    assert!(!answer.contains("grpc-status"), "{answer}");
}

/// Trailers that nobody announced are dropped, and the body ends all the same.
#[tokio::test]
async fn unannounced_trailers_do_not_keep_a_body_open() {
    let upstream = RawUpstream::start(|mut conversation| async move {
        while !conversation.head().await.is_empty() {
            conversation.until("0\r\n\r\n").await;
            let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                          2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n";
            conversation.say(answer).await;
        }
    })
    .await;
    let stage = with_upstream(&upstream.url()).await;
    for te in ["TE: trailers", "TE: trailers, deflate", "X: y"] {
        let request = format!(
            "POST /free/a HTTP/1.1\r\nHost: a\r\n{te}\r\nTransfer-Encoding: chunked\r\n\r\n\
             1\r\na\r\n0\r\nx-sum: 9\r\n\r\n"
        );
        let mut socket = TcpStream::connect(stage.address()).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let answer = until(&mut socket, "ok\r\n0\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// A client that waits for 100 sends its body only where it is wanted.
#[tokio::test]
async fn bodies_are_asked_for_only_when_they_are_forwarded() {
    let stage = Stage::new().await;
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
        )
    };
    let unpaid = head("/v1/quote/SOL");
    let unpaid = raw(stage.address(), unpaid.as_bytes(), Duration::from_secs(5)).await;
    assert_eq!(unpaid.status(), 402, "no 100 before it: {}", unpaid.text);
    let mut socket = TcpStream::connect(stage.address()).await.unwrap();
    let free = head("/free/count");
    socket.write_all(free.as_bytes()).await.unwrap();
    let interim = until(&mut socket, "\r\n\r\n").await;
    assert!(interim.starts_with("HTTP/1.1 100 Continue"), "{interim}");
    socket.write_all(b"body").await.unwrap();
    let answer = until(&mut socket, "\r\n\r\n4").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}
