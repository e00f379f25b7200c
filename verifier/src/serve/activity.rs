//! What a connection is doing: how many requests are in flight, and when it last
//! made progress.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

/// Shared by a connection and its requests.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    in_flight: usize,
    last_progress: Instant,
}

/// Whether a connection has requests, and since when nothing has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// No request in flight since then.
    Idle(Instant),
    /// Requests in flight, but no request begun or ended and no piece of an answer
    /// taken since then.
    Quiet(Instant),
}

impl Activity {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State {
            in_flight: 0,
            last_progress: Instant::now(),
        }))
    }

    pub(super) fn pace(&self) -> Pace {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.in_flight == 0 {
            Pace::Idle(state.last_progress)
        } else {
            Pace::Quiet(state.last_progress)
        }
    }

    /// Starts the clock anew.
    pub(super) fn touch(&self) {
        self.progress(|count| count);
    }

    fn progress(&self, count: impl FnOnce(usize) -> usize) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.in_flight = count(state.in_flight);
        state.last_progress = Instant::now();
    }
}

/// One request in flight, until dropped.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Activity>);

impl InFlight {
    pub(super) fn begin(activity: &Arc<Activity>) -> Self {
        activity.progress(|count| count.saturating_add(1));
        Self(Arc::clone(activity))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.progress(|count| count.saturating_sub(1));
    }
}

/// The body of an answer: its request is in flight until the body is written, and
/// every piece that the client takes is progress.
pub(super) struct WatchedBody {
    body: Body,
    in_flight: InFlight,
}

impl WatchedBody {
    pub(super) fn new(body: Body, in_flight: InFlight) -> Self {
        Self { body, in_flight }
    }
}

impl http_body::Body for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_ready() {
            self.in_flight.0.touch();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
