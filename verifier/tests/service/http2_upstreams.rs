//! Upstreams that speak HTTP/2: with prior knowledge and by ALPN, with the trailers that
//! gRPC lives on, in both directions at once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::SinkExt;
use futures::channel::mpsc;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tollgate_verifier::config::{Config, UpstreamProtocol};

use super::support::Stage;
use super::support::certificates::acceptor;
use super::support::raw_upstream::RawUpstream;

const PATIENCE: Duration = Duration::from_secs(60);
const PATH: &str = "/free/package.Service/Chat";

type Frames = mpsc::Receiver<Result<Frame<Bytes>, std::convert::Infallible>>;

/// What an upstream was asked.
#[derive(Clone, Debug, Default)]
struct Seen {
    version: Option<Version>,
    authority: Option<String>,
    headers: HeaderMap,
    trailers: Option<HeaderMap>,
}

/// A server that speaks HTTP/2 and nothing else, and sends every piece of a request's
/// body back as it comes. Its trailers are as those of gRPC, unannounced, with more among
/// them than may pass.
struct Http2Upstream {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
}

impl Http2Upstream {
    async fn start(acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let this = Self {
            url: match acceptor {
                Some(_) => format!("https://localhost:{port}"),
                None => format!("http://127.0.0.1:{port}"),
            },
            seen: Arc::default(),
            connections: Arc::default(),
        };
        let (seen, connections) = (Arc::clone(&this.seen), Arc::clone(&this.connections));
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (seen, acceptor) = (Arc::clone(&seen), acceptor.clone());
                *connections.lock().unwrap() += 1;
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(socket, seen).await,
                        Some(acceptor) => {
                            let Ok(session) = acceptor.accept(socket).await else {
                                return;
                            };
                            assert_eq!(session.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                            serve(session, seen).await;
                        }
                    }
                });
            }
        });
        this
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    socket: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    seen: Arc<Mutex<Vec<Seen>>>,
) {
    let service = service_fn(move |request| {
        let seen = Arc::clone(&seen);
        async move { Ok::<_, std::convert::Infallible>(echo(request, seen)) }
    });
    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(socket), service)
        .await;
}

fn echo(request: Request<Incoming>, seen: Arc<Mutex<Vec<Seen>>>) -> Response<StreamBody<Frames>> {
    let (head, mut body) = request.into_parts();
    let (mut pieces, frames) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut said = Seen {
            version: Some(head.version),
            authority: head.uri.authority().map(ToString::to_string),
            headers: head.headers,
            trailers: None,
        };
        while let Some(Ok(frame)) = body.frame().await {
            match frame.into_data() {
                Ok(data) => pieces.send(Ok(Frame::data(data))).await.unwrap(),
                Err(frame) => said.trailers = frame.into_trailers().ok(),
            }
        }
        seen.lock().unwrap().push(said);
        let mut trailers = HeaderMap::new();
        for (name, value) in [
            ("grpc-status", "0"),
            ("grpc-message", "done"),
            ("tollgate-session", "forged"),
            ("set-cookie", "a=b"),
        ] {
            trailers.insert(name, value.parse().unwrap());
        }
        let _ = pieces.send(Ok(Frame::trailers(trailers))).await;
    });
    let mut response = Response::new(StreamBody::new(frames));
    let grpc = "application/grpc".parse().unwrap();
    response.headers_mut().insert("content-type", grpc);
    response
}

async fn in_front_of(upstream: &str, change: impl FnOnce(&mut Config)) -> Stage {
    let url = upstream.parse().unwrap();
    Stage::with(|config| {
        let upstream = config.upstream.as_mut().unwrap();
        upstream.url = url;
        upstream.protocol = UpstreamProtocol::Http2;
        upstream.response_timeout = Duration::from_secs(30);
        upstream.idle_timeout = Duration::from_secs(30);
        config.server.stall_timeout = Duration::from_secs(30);
        change(config);
    })
    .await
}

/// A connection of a caller who speaks HTTP/2 with the verifier.
async fn caller(stage: &Stage) -> SendRequest<StreamBody<Frames>> {
    let socket = TcpStream::connect(stage.address()).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
            .await
            .unwrap();
    tokio::spawn(connection);
    sender
}

/// A call in both directions: each piece is sent when the one before has come back.
async fn chat(sender: &mut SendRequest<StreamBody<Frames>>, stage: &Stage) -> HeaderMap {
    let (mut pieces, frames) = mpsc::channel(1);
    let request = Request::post(stage.url(PATH))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(StreamBody::new(frames))
        .unwrap();
    let response = tokio::time::timeout(PATIENCE, sender.send_request(request))
        .await
        .expect("the head comes before the request has ended")
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/grpc");
    let mut body = response.into_body();
    for piece in ["one", "two", "three"] {
        pieces
            .send(Ok(Frame::data(Bytes::from(piece))))
            .await
            .unwrap();
        let echoed = tokio::time::timeout(PATIENCE, body.frame()).await;
        let echoed = echoed.expect("it comes back at once").unwrap().unwrap();
        assert_eq!(echoed.into_data().unwrap(), piece);
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", "7".parse().unwrap());
    trailers.insert("tollgate-beneficiary", "forged".parse().unwrap());
    pieces.send(Ok(Frame::trailers(trailers))).await.unwrap();
    drop(pieces);
    let end = tokio::time::timeout(PATIENCE, body.frame()).await.unwrap();
    end.expect("trailers").unwrap().into_trailers().unwrap()
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

fn check_a_call(upstream: &Http2Upstream, trailers: &HeaderMap) {
    assert_eq!(names(trailers), ["grpc-message", "grpc-status"]);
    assert_eq!(trailers["grpc-status"], "0");
    let seen = upstream.seen();
    let seen = seen.last().unwrap();
    assert_eq!(seen.version, Some(Version::HTTP_2));
    let authority = upstream.url.split("//").nth(1);
    assert_eq!(seen.authority.as_deref(), authority);
    assert_eq!(seen.headers["te"], "trailers", "gRPC servers want it");
    assert_eq!(seen.headers["x-forwarded-for"], "127.0.0.1");
    assert!(!seen.headers.contains_key("host"));
    assert_eq!(names(seen.trailers.as_ref().unwrap()), ["x-checksum"]);
}

#[tokio::test]
async fn a_call_with_trailers_in_both_directions_passes_with_prior_knowledge() {
    let upstream = Http2Upstream::start(None).await;
    let stage = in_front_of(&upstream.url, |_| {}).await;
    let mut sender = caller(&stage).await;
    for _ in 0..3 {
        let trailers = chat(&mut sender, &stage).await;
        check_a_call(&upstream, &trailers);
    }
    // Several at once, and one connection for all.
    let calls = (0..5).map(|_| {
        let mut sender = sender.clone();
        let stage = &stage;
        async move { chat(&mut sender, stage).await }
    });
    for trailers in futures::future::join_all(calls).await {
        assert_eq!(trailers["grpc-status"], "0");
    }
    assert_eq!(upstream.seen().len(), 8);
    assert_eq!(*upstream.connections.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_call_passes_over_tls_where_the_upstream_agrees_to_http2() {
    let (acceptor, certificate) = acceptor("localhost", &["h2", "http/1.1"]);
    let upstream = Http2Upstream::start(Some(acceptor)).await;
    let trust = |config: &mut Config| {
        config.upstream.as_mut().unwrap().trusted_certificates = Some(vec![certificate]);
    };
    let stage = in_front_of(&upstream.url, trust).await;
    let trailers = chat(&mut caller(&stage).await, &stage).await;
    check_a_call(&upstream, &trailers);
}

/// One that does not is an upstream that is not there.
#[tokio::test]
async fn an_upstream_that_speaks_http1_only_is_unavailable() {
    let stage = Stage::with(|config| {
        config.upstream.as_mut().unwrap().protocol = UpstreamProtocol::Http2;
        config.upstream.as_mut().unwrap().response_timeout = Duration::from_secs(30);
    })
    .await;
    // The stage's own upstream speaks both.
    assert_eq!(stage.get("/free/a").await.status(), 200);
    let raw = RawUpstream::start(|mut conversation| async move {
        conversation.head().await;
        let refusal = "HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Length: 0\r\n\r\n";
        conversation.say(refusal).await;
    })
    .await;
    let stage = in_front_of(&raw.url(), |_| {}).await;
    assert_eq!(stage.get("/free/a").await.status(), 502);

    let (acceptor, certificate) = acceptor("localhost", &["http/1.1"]);
    let upstream = Http2Upstream::start(Some(acceptor)).await;
    let trust = |config: &mut Config| {
        config.upstream.as_mut().unwrap().trusted_certificates = Some(vec![certificate]);
    };
    let stage = in_front_of(&upstream.url, trust).await;
    assert_eq!(stage.get("/free/a").await.status(), 502);
    assert!(upstream.seen().is_empty());
}

/// A caller who speaks HTTP/1 gets the body; of unannounced trailers it gets none, and
/// the end of the body all the same.
#[tokio::test]
async fn callers_of_http1_are_served_by_upstreams_of_http2() {
    let upstream = Http2Upstream::start(None).await;
    let stage = in_front_of(&upstream.url, |_| {}).await;
    let socket = TcpStream::connect(stage.address()).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::post(PATH)
        .header("host", "api.test")
        .header("te", "trailers")
        .header("connection", "te")
        .body(Full::new(Bytes::from("all of it")))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_11);
    let body = tokio::time::timeout(PATIENCE, response.into_body().collect());
    let body = body.await.expect("the body ends").unwrap();
    assert!(body.trailers().is_none());
    assert_eq!(body.to_bytes(), "all of it");
    let seen = upstream.seen();
    assert!(!seen[0].headers.contains_key("host"));
    assert!(!seen[0].headers.contains_key("connection"));
}

/// Nobody who has not paid reaches it.
#[tokio::test]
async fn a_call_that_is_not_paid_for_does_not_pass() {
    let upstream = Http2Upstream::start(None).await;
    let stage = in_front_of(&upstream.url, |_| {}).await;
    let mut sender = caller(&stage).await;
    let (_, frames) = mpsc::channel(1);
    let request = Request::post(stage.url("/v1/quote/SOL"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(StreamBody::new(frames))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYMENT_REQUIRED);
    assert!(upstream.seen().is_empty());
}

/// An upstream's connection that dies is replaced.
#[tokio::test]
async fn an_upstream_that_was_away_is_reached_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stage = in_front_of(&format!("http://{address}"), |_| {}).await;
    let first = stage.http.get(stage.url("/free/a")).send();
    let first = tokio::spawn(first);
    let (socket, _) = listener.accept().await.unwrap();
    drop(socket);
    assert_eq!(first.await.unwrap().unwrap().status(), 502);
    let seen = Arc::default();
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        serve(socket, seen).await;
    });
    assert_eq!(stage.get("/free/a").await.status(), 200);
}
