//! What is learned about a request on its way through the service, for its line in
//! the log, the metrics and the `Server-Timing` header.
//!
//! The record belongs to the request's task, so that whoever learns something says
//! it with one call and without an argument. Outside of a request the calls do
//! nothing.

use std::future::Future;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderValue, StatusCode};
use tokio::time::Instant;
use tollgate_gate::GateError;

tokio::task_local! {
    static RECORD: Arc<RequestRecord>;
}

macro_rules! outcomes {
    ($($variant:ident $name:literal $meaning:literal;)*) => {
        /// How a request ended. Closed: these are the only values of the label
        /// `outcome`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Outcome {
            $(#[doc = $meaning] $variant,)*
        }

        impl Outcome {
            /// Every outcome.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name in logs and metrics.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One line of documentation.
            pub(crate) const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

outcomes! {
    Endpoint "endpoint" "answered by the service itself: its endpoints, preflights";
    Free "free" "let through to a free route";
    Granted "granted" "let through on an entitlement";
    Challenged "challenged" "asked to pay (402)";
    Refused "refused" "refused for what the request is (4xx)";
    RateLimited "rate_limited" "refused because its address or payer asks too often (429)";
    Shed "shed" "refused because too many requests are in progress (503)";
    Undecided "undecided" "not decided, because the chain or the count of credits could not be read (503)";
    UpstreamFailed "upstream_failed" "let through, but the upstream did not answer properly (502, 504)";
    Failed "failed" "an error of the service itself (500)";
}

/// What a request waits for, besides the gate itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A reading of the chain, or of what is remembered of it.
    Chain,
    /// The head of the upstream's answer.
    Upstream,
}

/// The record of one request.
#[derive(Debug, Default)]
pub(crate) struct RequestRecord {
    /// 0: not said; otherwise the place in [`Outcome::ALL`] plus 1.
    outcome: AtomicU8,
    chain_nanos: AtomicU64,
    upstream_nanos: AtomicU64,
    route: OnceLock<Box<str>>,
}

impl RequestRecord {
    /// Runs `work` with this record as the current one.
    pub(crate) async fn scope<F: Future>(self: Arc<Self>, work: F) -> F::Output {
        RECORD.scope(self, work).await
    }

    /// How the request ended: what was said on the way, unless the answer is an
    /// error, which says it better.
    pub(crate) fn outcome(&self, response: &Response) -> Outcome {
        if let Some(error) = response.extensions().get::<GateError>() {
            return of_error(*error);
        }
        usize::from(self.outcome.load(Ordering::Relaxed))
            .checked_sub(1)
            .and_then(|place| Outcome::ALL.get(place).copied())
            .unwrap_or(Outcome::Endpoint)
    }

    /// The pattern of the route that took the request; never the path itself,
    /// which a caller may fill with anything.
    pub(crate) fn route(&self) -> Option<&str> {
        self.route.get().map(AsRef::as_ref)
    }

    /// How long the request waited, if it did.
    pub(crate) fn waited(&self, wait: Wait) -> Option<Duration> {
        match self.nanos(wait).load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    /// The value of `Server-Timing` for a request that took `total`: milliseconds
    /// in the gate itself, for the chain, and for the upstream.
    pub(crate) fn server_timing(&self, total: Duration) -> Option<HeaderValue> {
        let chain = self.waited(Wait::Chain).unwrap_or_default();
        let upstream = self.waited(Wait::Upstream).unwrap_or_default();
        let gate = total.saturating_sub(chain).saturating_sub(upstream);
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        HeaderValue::from_str(&format!(
            "gate;dur={:.3}, chain;dur={:.3}, upstream;dur={:.3}",
            milliseconds(gate),
            milliseconds(chain),
            milliseconds(upstream),
        ))
        .ok()
    }

    fn nanos(&self, wait: Wait) -> &AtomicU64 {
        match wait {
            Wait::Chain => &self.chain_nanos,
            Wait::Upstream => &self.upstream_nanos,
        }
    }
}

/// Says how the present request ends, unless it fails later.
pub(crate) fn conclude(outcome: Outcome) {
    let place = Outcome::ALL.iter().position(|known| *known == outcome);
    let Some(number) = place.and_then(|place| u8::try_from(place + 1).ok()) else {
        return;
    };
    let _ = RECORD.try_with(|record| record.outcome.store(number, Ordering::Relaxed));
}

/// Says which route took the present request.
pub(crate) fn route(pattern: &str) {
    let _ = RECORD.try_with(|record| record.route.set(pattern.into()));
}

/// Waits for `work` on account of the present request.
pub(crate) async fn waiting<F: Future>(wait: Wait, work: F) -> F::Output {
    let began = Instant::now();
    let output = work.await;
    let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let _ = RECORD.try_with(|record| {
        // At least one, so that "waited for no time" differs from "did not wait".
        record
            .nanos(wait)
            .fetch_add(nanos.max(1), Ordering::Relaxed)
    });
    output
}

/// Middleware for the service's own endpoints: says which one took the request.
pub(crate) async fn matched(request: Request, next: Next) -> Response {
    if let Some(matched) = request.extensions().get::<MatchedPath>() {
        route(matched.as_str());
    }
    next.run(request).await
}

fn of_error(error: GateError) -> Outcome {
    match error {
        GateError::RateLimited => Outcome::RateLimited,
        GateError::Overloaded => Outcome::Shed,
        GateError::UpstreamUnavailable | GateError::UpstreamTimeout => Outcome::UpstreamFailed,
        GateError::ChainUnavailable
        | GateError::OfferUnavailable
        | GateError::ReadingMismatch
        | GateError::CreditsUnavailable
        | GateError::SignInsUnavailable
        | GateError::SettlementPending
        | GateError::SettlementUnavailable
        | GateError::TransfersUnavailable
        | GateError::DecisionChanged => Outcome::Undecided,
        other if other.status() == StatusCode::INTERNAL_SERVER_ERROR => Outcome::Failed,
        _ => Outcome::Refused,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use axum::response::IntoResponse;

    use crate::error::ServiceError;

    #[tokio::test(start_paused = true)]
    async fn what_is_said_on_the_way_is_kept() {
        let record = Arc::new(RequestRecord::default());
        let work = async {
            route("/v1/{x}");
            route("/another");
            conclude(Outcome::Granted);
            waiting(Wait::Chain, tokio::time::sleep(Duration::from_millis(5))).await;
            waiting(Wait::Chain, tokio::time::sleep(Duration::from_millis(7))).await;
        };
        Arc::clone(&record).scope(work).await;
        assert_eq!(record.route(), Some("/v1/{x}"));
        assert_eq!(record.waited(Wait::Chain), Some(Duration::from_millis(12)));
        assert_eq!(record.waited(Wait::Upstream), None);
        let timing = record.server_timing(Duration::from_millis(20)).unwrap();
        assert_eq!(
            timing,
            "gate;dur=8.000, chain;dur=12.000, upstream;dur=0.000"
        );
        assert_eq!(record.outcome(&().into_response()), Outcome::Granted);
        let failed = ServiceError::from(GateError::UpstreamTimeout).into_response();
        assert_eq!(record.outcome(&failed), Outcome::UpstreamFailed);
    }

    #[test]
    fn every_refusal_has_an_outcome_that_fits_its_status() {
        for error in GateError::ALL {
            let server = error.status().is_server_error();
            let outcome = of_error(*error);
            let client = matches!(outcome, Outcome::Refused | Outcome::RateLimited);
            assert_ne!(server, client, "{error:?}: {outcome:?}");
        }
    }

    #[tokio::test]
    async fn outside_of_a_request_nothing_happens() {
        conclude(Outcome::Free);
        route("/");
        assert_eq!(waiting(Wait::Upstream, async { 7 }).await, 7);
    }
}
