//! Places at the upstream. Whoever finds none is sent away at once: waiting would
//! only make everybody slow (load shedding). The endpoints of the service itself,
//! the health checks among them, need no place.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http::Response;
use http_body::{Frame, SizeHint};
use prometheus_client::metrics::gauge::Gauge;

/// How many places are taken.
#[derive(Debug, Default)]
pub(crate) struct Places {
    taken: AtomicUsize,
    shown: Gauge,
}

impl Places {
    /// All free; `shown` follows how many are taken.
    pub(crate) fn new(shown: Gauge) -> Self {
        Self {
            taken: AtomicUsize::new(0),
            shown,
        }
    }

    /// Takes one of `most` places; `None` when all are taken.
    pub(crate) fn take(self: &Arc<Self>, most: usize) -> Option<Place> {
        self.taken
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
                (taken < most).then_some(taken + 1)
            })
            .ok()?;
        self.shown.inc();
        Some(Place(Arc::clone(self)))
    }
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Places>);

impl Place {
    /// Keeps the place until the answer's body was sent or given up.
    pub(crate) fn until_sent(self, response: Response<Body>) -> Response<Body> {
        response.map(|body| Body::new(PlacedBody { body, _place: self }))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
        self.0.shown.dec();
    }
}

struct PlacedBody {
    body: Body,
    _place: Place,
}

impl http_body::Body for PlacedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn places_are_given_back() {
        let places = Arc::new(Places::default());
        let first = places.take(2).unwrap();
        let second = places.take(2).unwrap();
        assert!(places.take(2).is_none());
        assert_eq!(places.shown.get(), 2);
        let answer = first.until_sent(Response::new(Body::from("x")));
        assert!(places.take(2).is_none());
        drop(answer);
        drop(second);
        assert_eq!(places.shown.get(), 0);
        // A lower limit after a reload lets nobody in until enough have gone.
        let _kept = [places.take(2).unwrap(), places.take(2).unwrap()];
        assert!(places.take(1).is_none());
    }
}
