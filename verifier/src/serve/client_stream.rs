//! The byte stream of one client, between the socket and hyper.

use std::any::Any;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::framing::FramingWatch;
use super::limits::Limits;

/// What an HTTP/2 client with prior knowledge sends first (RFC 9113 section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The protocol a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Whatever is to be dropped with the socket.
pub(super) type Place = Box<dyn Any + Send + Sync>;

/// A socket (or the inside of a TLS session) whose first bytes may have been read already, whose requests are
/// watched, and whose writes must make progress.
///
/// hyper's own `header_read_timeout` also limits how long a connection may wait
/// for its next request. A load balancer that keeps connections open would then
/// run into closed ones every few seconds, so that hyper gets the longer idle
/// time, and the time of a head that has begun is limited here.
pub(super) struct ClientStream<S> {
    socket: S,
    read_ahead: Vec<u8>,
    watch: Option<FramingWatch>,
    /// The connection's place among those that may be open: a WebSocket outlives
    /// the serving of requests.
    _place: Place,
    head_timeout: Duration,
    /// Runs from a head's first byte to its last.
    head_timer: Option<Pin<Box<Sleep>>>,
    stall_timeout: Duration,
    /// Runs while a write waits for the client to read.
    stall_timer: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + Unpin> ClientStream<S> {
    pub(super) fn new(socket: S, place: Place, limits: &Limits) -> Self {
        Self {
            socket,
            read_ahead: Vec::new(),
            watch: None,
            _place: place,
            head_timeout: limits.header_read_timeout,
            head_timer: None,
            stall_timeout: limits.stall_timeout,
            stall_timer: None,
        }
    }

    /// Reads until it is clear which protocol the client speaks. The bytes stay
    /// available to whoever reads next.
    pub(super) async fn detect(&mut self) -> io::Result<Protocol> {
        loop {
            let known = self.read_ahead.len().min(PREFACE.len());
            if self.read_ahead.get(..known) != PREFACE.get(..known) {
                return Ok(Protocol::Http1);
            }
            if known == PREFACE.len() {
                return Ok(Protocol::Http2);
            }
            let mut bytes = [0; PREFACE.len()];
            let count = self.socket.read(&mut bytes).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.read_ahead
                .extend_from_slice(bytes.get(..count).unwrap_or_default());
        }
    }

    pub(super) fn watch_framing(&mut self, watch: FramingWatch) {
        self.watch = Some(watch);
    }

    /// Passes on the outcome of a write, but gives up on a client that has not
    /// taken a byte for too long.
    fn progress<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stall_timer = None;
            return outcome;
        }
        expired(&mut self.stall_timer, self.stall_timeout, context)
    }

    /// Follows the bytes that are handed on.
    fn observe(&mut self, bytes: &[u8]) {
        if let Some(watch) = &mut self.watch {
            watch.observe(bytes);
            if !watch.is_inside_head() {
                self.head_timer = None;
            }
        }
    }

    /// Waits for the rest of a head, but not longer than a head may take.
    fn await_more<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        match &self.watch {
            Some(watch) if watch.is_inside_head() => {
                expired(&mut self.head_timer, self.head_timeout, context)
            }
            _ => Poll::Pending,
        }
    }
}

/// Pending until `limit` after the timer was first asked for.
fn expired<T>(
    timer: &mut Option<Pin<Box<Sleep>>>,
    limit: Duration,
    context: &mut Context<'_>,
) -> Poll<io::Result<T>> {
    let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
    ready!(timer.as_mut().poll(context));
    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
}

impl<S: AsyncRead + Unpin> AsyncRead for ClientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        if this.read_ahead.is_empty() {
            match Pin::new(&mut this.socket).poll_read(context, buffer) {
                Poll::Ready(read) => read?,
                Poll::Pending => return this.await_more(context),
            }
        } else {
            let count = this.read_ahead.len().min(buffer.remaining());
            buffer.put_slice(this.read_ahead.get(..count).unwrap_or_default());
            this.read_ahead.drain(..count);
        }
        this.observe(buffer.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ClientStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.progress(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.progress(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.socket).poll_flush(context);
        self.progress(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.socket).poll_shutdown(context);
        self.progress(context, outcome)
    }
}
