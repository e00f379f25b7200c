//! WebSockets: a handshake that both sides agreed on, then bytes in both directions.
//!
//! Nothing but the handshake's head reaches the upstream before it has accepted by a
//! complete 101 (RFC 6455 section 4.2.2), so that an upstream which goes on to speak
//! HTTP never gets bytes that this service has not looked at.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tollgate_gate::GateError;
use tollgate_gate::headers::{names_upgrade, single};
use tracing::{debug, warn};

use crate::error::ServiceError;
use crate::limits::Place;
use crate::serve::Switching;

/// RFC 6455 section 1.3.
const ACCEPT_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// How long a client may take from the 101 to its first readiness for frames.
const SWITCH_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of each direction is under way; the rest waits at its sender.
const BUFFER_BYTES: usize = 16 * 1024;

/// When a tunnel ends by itself.
pub(crate) struct Lifetime {
    /// Ready when the access that was paid for is over.
    pub(crate) access_over: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// True once the service is going away.
    pub(crate) stopping: watch::Receiver<bool>,
    /// At the upstream, for as long as it lasts.
    pub(crate) _place: Place,
}

/// One handshake that is under way.
pub(super) struct Handshake {
    accept: String,
    offered: Option<HeaderValue>,
}

impl Handshake {
    /// Marks `headers`, scrubbed already, as a handshake. It was checked by
    /// [`tollgate_gate::headers::asks_for_websocket`].
    pub(super) fn begin(headers: &mut HeaderMap) -> Result<Self, ServiceError> {
        let key = single(headers, &SEC_WEBSOCKET_KEY)?.ok_or(GateError::UpgradeNotSupported)?;
        let mut hash = Sha1::new();
        hash.update(key.as_bytes());
        hash.update(ACCEPT_SUFFIX);
        let accept = STANDARD.encode(hash.finalize());
        let offered = headers.get(SEC_WEBSOCKET_PROTOCOL).cloned();
        mark(headers);
        Ok(Self { accept, offered })
    }

    /// Whether `head` agrees to this handshake.
    fn agrees(&self, headers: &HeaderMap) -> Result<bool, GateError> {
        let chosen = single(headers, &SEC_WEBSOCKET_PROTOCOL)?;
        let offered = self.offered.as_ref().and_then(|value| value.to_str().ok());
        let chosen_is_offered = chosen.is_none_or(|chosen| {
            offered.is_some_and(|offered| offered.split(',').any(|one| one.trim() == chosen))
        });
        Ok(chosen_is_offered
            && names_upgrade(headers)
            && single(headers, &UPGRADE)?
                .is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
            && single(headers, &SEC_WEBSOCKET_ACCEPT)? == Some(self.accept.as_str()))
    }

    /// Begins to tunnel when the upstream's answer agrees, and returns the headers
    /// of the caller's 101 still to be scrubbed.
    ///
    /// # Errors
    /// [`GateError::UpstreamUnavailable`] for a 101 to something else.
    pub(super) fn finish(
        &self,
        response: Response<Incoming>,
        client: OnUpgrade,
        idle: Duration,
        lifetime: Lifetime,
    ) -> Result<Response<Body>, ServiceError> {
        if !self.agrees(response.headers()).unwrap_or(false) {
            warn!("the upstream accepted another protocol than it was asked for");
            return Err(GateError::UpstreamUnavailable.into());
        }
        let (head, _) = response.into_parts();
        let headers = head.headers.clone();
        let upstream = hyper::upgrade::on(Response::from_parts(head, ()));
        let (switching, switched) = Switching::new();
        tokio::spawn(async move {
            if !switched.decided().await {
                return;
            }
            let both = async { tokio::try_join!(client, upstream) };
            match timeout(SWITCH_TIMEOUT, both).await {
                Ok(Ok((client, upstream))) => run(client, upstream, idle, lifetime).await,
                Ok(Err(error)) => debug!(%error, "a WebSocket did not come about"),
                Err(_) => debug!("a WebSocket did not come about in time"),
            }
        });
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *answer.headers_mut() = headers;
        answer.extensions_mut().insert(switching);
        Ok(answer)
    }
}

/// The two headers that are always of one connection only.
pub(super) fn mark(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Carries bytes until one side ends, nothing moves, access ends, or the service
/// stops.
async fn run(client: Upgraded, upstream: Upgraded, idle: Duration, mut lifetime: Lifetime) {
    let last = LastMove::default();
    let mut client = Watched::new(client, &last);
    let mut upstream = Watched::new(upstream, &last);
    let copying =
        copy_bidirectional_with_sizes(&mut client, &mut upstream, BUFFER_BYTES, BUFFER_BYTES);
    let why = tokio::select! {
        copied = copying => match copied {
            Ok(_) => "both sides ended it",
            Err(_) => "one side broke it off",
        },
        () = last.silence(idle) => "nothing moved",
        () = &mut lifetime.access_over => "the access ended",
        _ = lifetime.stopping.wait_for(|stopping| *stopping) => "the service stops",
    };
    debug!(why, "a WebSocket ended");
}

/// When a byte last moved in either direction.
#[derive(Clone, Debug)]
struct LastMove(Arc<Mutex<Instant>>);

impl Default for LastMove {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl LastMove {
    fn touch(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Ends when nothing has moved for `idle`.
    async fn silence(&self, idle: Duration) {
        loop {
            let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let until = last + idle;
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }
}

/// One side of a tunnel.
struct Watched {
    io: TokioIo<Upgraded>,
    last: LastMove,
}

impl Watched {
    fn new(io: Upgraded, last: &LastMove) -> Self {
        Self {
            io: TokioIo::new(io),
            last: last.clone(),
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_read(context, buffer);
        if polled.is_ready() {
            self.last.touch();
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(context, bytes);
        if polled.is_ready() {
            self.last.touch();
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
