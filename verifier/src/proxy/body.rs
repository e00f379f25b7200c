//! Bodies on their way through: bounded in size, and not allowed to stall.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tollgate_gate::headers::{PassingTrailers, scrub_trailers};

/// Why a body was broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyFault {
    /// More bytes than allowed.
    #[error("the body is too large")]
    TooLarge,
    /// No byte for too long.
    #[error("the body stalled")]
    Stalled,
    /// Whoever sends it broke it off.
    #[error("the body was broken off")]
    Broken,
}

/// Remembers why a body was broken off: the HTTP client that was reading it only
/// says that it was.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultRecord(Arc<AtomicU8>);

impl FaultRecord {
    fn record(&self, fault: BodyFault) {
        let number = match fault {
            BodyFault::TooLarge => 1,
            BodyFault::Stalled => 2,
            BodyFault::Broken => 3,
        };
        self.0.store(number, Ordering::Release);
    }

    pub(crate) fn fault(&self) -> Option<BodyFault> {
        match self.0.load(Ordering::Acquire) {
            1 => Some(BodyFault::TooLarge),
            2 => Some(BodyFault::Stalled),
            3 => Some(BodyFault::Broken),
            _ => None,
        }
    }
}

/// A body with a size limit and a limit on the pause between two of its frames.
/// Trailers end it.
pub(crate) struct BoundedBody<B> {
    body: Pin<Box<B>>,
    left: u64,
    pause: Duration,
    timer: Pin<Box<Sleep>>,
    waiting: bool,
    trailers: PassingTrailers,
    record: FaultRecord,
    ended: bool,
}

impl<B> BoundedBody<B> {
    /// Bounds `body` to `most` bytes and pauses of at most `pause`.
    pub(crate) fn new(body: B, most: u64, pause: Duration, record: FaultRecord) -> Self {
        Self {
            body: Box::pin(body),
            left: most,
            pause,
            timer: Box::pin(tokio::time::sleep(pause)),
            waiting: false,
            trailers: PassingTrailers::Nothing,
            record,
            ended: false,
        }
    }

    /// Lets trailers pass; without this all are dropped.
    pub(super) fn with_trailers(mut self, trailers: PassingTrailers) -> Self {
        self.trailers = trailers;
        self
    }

    fn fail<T>(&mut self, fault: BodyFault) -> Poll<Option<Result<T, BoxError>>> {
        self.ended = true;
        self.record.record(fault);
        Poll::Ready(Some(Err(fault.into())))
    }
}

impl<B> Body for BoundedBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        match this.body.as_mut().poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => {
                this.ended = true;
                // hyper 1.12 never ends an HTTP/1 body whose trailers it cannot write,
                // so that none is handed on there but those that the head announced.
                let trailers = frame.into_trailers().ok();
                let trailers =
                    trailers.and_then(|trailers| scrub_trailers(trailers, &this.trailers));
                Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
            }
            Poll::Ready(Some(Ok(frame))) => {
                this.waiting = false;
                let length = frame.data_ref().map_or(0, Buf::remaining) as u64;
                match this.left.checked_sub(length) {
                    Some(left) => {
                        this.left = left;
                        Poll::Ready(Some(Ok(frame)))
                    }
                    None => this.fail(BodyFault::TooLarge),
                }
            }
            Poll::Ready(Some(Err(_))) => this.fail(BodyFault::Broken),
            Poll::Ready(None) => {
                this.ended = true;
                Poll::Ready(None)
            }
            Poll::Pending => {
                // The time counts only while somebody waits for the next frame:
                // a reader that is slow itself does not make the sender late.
                if !this.waiting {
                    this.waiting = true;
                    this.timer.as_mut().reset(Instant::now() + this.pause);
                }
                match this.timer.as_mut().poll(context) {
                    Poll::Ready(()) => this.fail(BodyFault::Stalled),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use PassingTrailers::{Announced, Any, Nothing};
    use http::HeaderValue;
    use http_body_util::{BodyExt, Full, StreamBody};

    fn bounded<B>(
        body: B,
        most: u64,
        seconds: u64,
        trailers: PassingTrailers,
        record: &FaultRecord,
    ) -> BoundedBody<B> {
        let pause = Duration::from_secs(seconds);
        BoundedBody::new(body, most, pause, record.clone()).with_trailers(trailers)
    }

    #[tokio::test]
    async fn sizes_are_bounded_to_the_byte() {
        let record = FaultRecord::default();
        let whole = Full::new(Bytes::from_static(b"12345"));
        let body = bounded(whole.clone(), 5, 1, Nothing, &record);
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(&body.collect().await.unwrap().to_bytes()[..], b"12345");
        assert_eq!(record.fault(), None);
        let body = bounded(whole, 4, 1, Nothing, &record);
        assert!(body.collect().await.is_err());
        assert_eq!(record.fault(), Some(BodyFault::TooLarge));
    }

    #[tokio::test]
    async fn trailers_pass_scrubbed_or_not_at_all() {
        let mut trailers = http::HeaderMap::new();
        trailers.insert("tollgate-beneficiary", "somebody".parse().unwrap());
        trailers.insert("x-checksum", "1".parse().unwrap());
        let announced = |names| Announced(HeaderValue::from_static(names));
        for (passing, left) in [
            (Nothing, None),
            (announced("x-checksum, x-other"), Some("x-checksum")),
            (announced("x-other"), None),
            (Any, Some("x-checksum")),
        ] {
            let frames = [
                Frame::data(Bytes::from("a")),
                Frame::trailers(trailers.clone()),
                Frame::data(Bytes::from("b")),
            ];
            let stream = StreamBody::new(futures::stream::iter(frames.map(Ok::<_, BoxError>)));
            let body = bounded(stream, 9, 1, passing, &FaultRecord::default());
            let collected = body.collect().await.unwrap();
            let names = collected.trailers().map(|trailers| {
                let names = trailers.keys().map(http::HeaderName::as_str);
                names.collect::<Vec<_>>().join(" ")
            });
            assert_eq!(names.as_deref(), left);
            assert_eq!(&collected.to_bytes()[..], b"a");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn stalls_end_it_but_slow_readers_do_not() {
        let record = FaultRecord::default();
        let frames = futures::stream::iter([Ok::<_, BoxError>(Frame::data(Bytes::from("a")))]);
        let stream = StreamBody::new(futures::StreamExt::chain(
            frames,
            futures::stream::pending(),
        ));
        let body = bounded(stream, 100, 5, Nothing, &record);
        let mut body = Box::pin(body);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(body.frame().await.unwrap().is_ok());
        assert_eq!(record.fault(), None);
        let started = Instant::now();
        assert!(body.frame().await.unwrap().is_err());
        assert_eq!(started.elapsed(), Duration::from_secs(5));
        assert_eq!(record.fault(), Some(BodyFault::Stalled));
        assert!(body.frame().await.is_none());
    }
}
