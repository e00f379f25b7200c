//! Serving one connection.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::rt::bounds::Http2ServerConnExec;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tollgate_gate::GateError;
use tower::ServiceExt;
use tracing::debug;

use super::activity::{Activity, InFlight, Pace, WatchedBody};
use super::client_stream::{ClientStream, Place, Protocol};
use super::current::Current;
use super::framing::{Findings, FramingWatch};
use super::limits::{self, Limits};
use super::switching::Switching;
use crate::error::ServiceError;

/// What the accept loop knows about a request beyond its head. Stands in the
/// request's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionFacts {
    /// The other end of the connection.
    pub(crate) peer: SocketAddr,
    /// A request on this connection had two lengths.
    pub(crate) ambiguous_framing: bool,
}

/// Serves a connection until it ends. Errors are the client's, and only logged.
pub(super) async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    place: Place,
    current: Arc<Current>,
    stop: watch::Receiver<bool>,
) {
    // Answers are written whole; waiting to fill a packet only delays them.
    let _ = socket.set_nodelay(true);
    let served = current.load();
    let limits = served.limits;
    let Some(tls) = served.tls.clone() else {
        return serve_stream(socket, peer, place, current, limits, stop).await;
    };
    match timeout(limits.header_read_timeout, tls.accept(socket)).await {
        // A TLS session is some KiB; on the stack it would double every connection.
        Ok(Ok(session)) => {
            Box::pin(serve_stream(session, peer, place, current, limits, stop)).await;
        }
        Ok(Err(error)) => {
            current.events.tls_failed.inc();
            debug!(%error, "a TLS handshake failed");
        }
        Err(_) => {
            current.events.tls_failed.inc();
        }
    }
}

async fn serve_stream<S>(
    socket: S,
    peer: SocketAddr,
    place: Place,
    current: Arc<Current>,
    limits: Limits,
    stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut stream = ClientStream::new(socket, place, &limits);
    // Until the protocol is known no other timeout runs.
    let protocol = match timeout(limits.header_read_timeout, stream.detect()).await {
        Ok(Ok(protocol)) => protocol,
        Ok(Err(_)) | Err(_) => return,
    };
    let findings = Findings::default();
    let activity = Arc::new(Activity::new());
    if protocol == Protocol::Http1 {
        stream.watch_framing(FramingWatch::new(findings.clone()));
    }
    let io = TokioIo::new(stream);
    let service = {
        let activity = Arc::clone(&activity);
        service_fn(move |request: Request<Incoming>| {
            findings.request_begins();
            let facts = ConnectionFacts {
                peer,
                ambiguous_framing: findings.ambiguous(),
            };
            let in_flight = InFlight::begin(&activity);
            let findings = findings.clone();
            // Whatever configuration is in force when a request begins decides it.
            let router = current.load().router.clone();
            respond(router, request, facts, in_flight, findings)
        })
    };
    match protocol {
        Protocol::Http1 => {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                // The time between requests; see `ClientStream` for that of a head.
                .header_read_timeout(limits.idle_timeout)
                .max_header_size(limits::MAX_HEAD_BYTES)
                .max_headers(limits::MAX_HEADERS)
                .max_buf_size(limits::MAX_BUFFER_BYTES)
                .serve_connection(io, service)
                .with_upgrades();
            drive(connection, &activity, &limits, stop).await;
        }
        Protocol::Http2 => {
            let head = u32::try_from(limits::MAX_HEAD_BYTES).unwrap_or(u32::MAX);
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_header_list_size(head)
                .max_concurrent_streams(limits::MAX_CONCURRENT_STREAMS)
                .keep_alive_interval(limits::PING_INTERVAL)
                .keep_alive_timeout(limits::PING_TIMEOUT)
                .serve_connection(io, service);
            drive(connection, &activity, &limits, stop).await;
        }
    }
}

async fn respond(
    router: Router,
    request: Request<Incoming>,
    facts: ConnectionFacts,
    in_flight: InFlight,
    findings: Findings,
) -> Result<Response<Body>, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(facts);
    let mut response = router.oneshot(request).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        if findings.pipelined() {
            // Bytes that were sent before the other side had agreed to anything.
            response = ServiceError::from(GateError::UpgradeNotSupported).into_response();
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        } else {
            findings.leave_http();
            if let Some(switching) = response.extensions().get::<Switching>() {
                switching.begin();
            }
        }
    }
    Ok(response.map(|body| Body::new(WatchedBody::new(body, in_flight))))
}

/// A connection of either protocol.
trait Connection: Future<Output = Result<(), hyper::Error>> {
    /// Ends it after the requests in flight.
    fn graceful_shutdown(self: Pin<&mut Self>);
}

impl<I, S> Connection for http1::UpgradeableConnection<I, S>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    S: HttpService<Incoming, ResBody = Body, Error = Infallible>,
{
    fn graceful_shutdown(self: Pin<&mut Self>) {
        Self::graceful_shutdown(self);
    }
}

impl<I, S> Connection for http2::Connection<I, S, TokioExecutor>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + 'static,
    S: HttpService<Incoming, ResBody = Body, Error = Infallible>,
    S::Future: 'static,
    TokioExecutor: Http2ServerConnExec<S::Future, Body>,
{
    fn graceful_shutdown(self: Pin<&mut Self>) {
        Self::graceful_shutdown(self);
    }
}

/// Runs a connection. Asks it to end when the service stops and when it has had no
/// request for the idle time; cuts it when its requests have not moved for longer
/// than the upstream and the client together may take. (The last is for HTTP/2,
/// where a client can stop reading one answer without the socket filling up.)
async fn drive<C>(
    connection: C,
    activity: &Activity,
    limits: &Limits,
    mut stop: watch::Receiver<bool>,
) where
    C: Connection,
{
    let mut connection = pin!(connection);
    let mut ending = false;
    loop {
        let look_again = match activity.pace() {
            Pace::Idle(since) => since + limits.idle_timeout,
            Pace::Quiet(since) => since + limits.quiet_timeout,
        };
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    debug!(%error, "a connection ended early");
                }
                return;
            }
            _ = stop.wait_for(|stopped| *stopped), if !ending => {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
            () = sleep_until(look_again) => match activity.pace() {
                Pace::Idle(since) if since + limits.idle_timeout <= Instant::now() => {
                    if ending {
                        debug!("cut a connection that was asked to end and did not");
                        return;
                    }
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                    // Time to say goodbye, then the branch above.
                    activity.touch();
                }
                Pace::Quiet(since) if since + limits.quiet_timeout <= Instant::now() => {
                    debug!("cut a connection whose requests have not moved");
                    return;
                }
                Pace::Idle(_) | Pace::Quiet(_) => {}
            },
        }
    }
}
