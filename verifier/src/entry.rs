//! What every request goes through before anything else, and every answer at last:
//! a name, the checks of its head, the limit of its address; a line in the log, the
//! metrics, the timing header.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderName;
use prometheus_client::metrics::gauge::Gauge;
use tokio::time::Instant;
use tollgate_gate::GateError;
use tracing::{Instrument, Span, info, info_span};

use crate::config::Config;
use crate::error::ServiceError;
use crate::limits::{ClientAddress, Counts, Rate, TrustedProxies};
use crate::metrics::{LimitedBy, Metrics};
use crate::request_checks;
use crate::request_id::RequestId;
use crate::request_record::{RequestRecord, Wait};
use crate::serve::ConnectionFacts;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Paths that no limit applies to: an overloaded service is alive.
const HEALTH: &str = "/health/";

/// What the entry needs of one configuration.
pub(crate) struct Entry {
    trusted_proxies: TrustedProxies,
    address_rate: Option<Rate>,
    server_timing: bool,
    counts: Arc<Counts>,
    metrics: Arc<Metrics>,
}

impl Entry {
    pub(crate) fn new(config: &Config, counts: Arc<Counts>, metrics: Arc<Metrics>) -> Self {
        Self {
            trusted_proxies: config.limits.trusted_proxies.clone(),
            address_rate: config.limits.address.rate(),
            server_timing: config.server.server_timing,
            counts,
            metrics,
        }
    }

    /// The request's name and its caller's address.
    fn identify(&self, request: &Request, facts: Option<&ConnectionFacts>) -> (RequestId, IpAddr) {
        let peer = facts.map_or(IpAddr::from([0, 0, 0, 0]), |facts| facts.peer.ip());
        let ClientAddress(client) = self.trusted_proxies.client(peer, request.headers());
        let id = self
            .trusted_proxies
            .contains(peer)
            .then(|| RequestId::given(request.headers()))
            .flatten()
            .unwrap_or_else(RequestId::random);
        (id, client)
    }

    /// Counts the request on account of its address.
    fn limit(&self, path: &str, client: IpAddr) -> Result<(), ServiceError> {
        if path.starts_with(HEALTH) {
            return Ok(());
        }
        self.counts
            .of_address(client, self.address_rate)
            .map_err(|wait| {
                self.metrics.rate_limited(LimitedBy::Address);
                ServiceError::until(GateError::RateLimited, wait)
            })
    }

    fn conclude(&self, record: &RequestRecord, response: &mut Response, total: Duration) {
        if self.server_timing
            && let Some(value) = record.server_timing(total)
        {
            response.headers_mut().insert(SERVER_TIMING, value);
        }
        let outcome = record.outcome(response);
        let error = response.extensions().get::<GateError>().copied();
        self.metrics.answered(outcome, error, total);
        let chain = record.waited(Wait::Chain);
        let upstream = record.waited(Wait::Upstream);
        if let Some(time) = chain {
            self.metrics.waited_for_chain(time);
        }
        if let Some(time) = upstream {
            self.metrics.waited_for_upstream(time);
        }
        // The one line about a request. No path, query or header is in it: all of
        // them may hold secrets, and callers fill them with what they like.
        info!(
            route = record.route(),
            outcome = outcome.name(),
            status = response.status().as_u16(),
            error = error.map(GateError::code),
            micros = micros(total),
            chain_micros = chain.map(micros),
            upstream_micros = upstream.map(micros),
            "answered"
        );
    }
}

/// Middleware: the way in and out.
pub(crate) async fn pass(
    State(entry): State<Arc<Entry>>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let _counted = InFlight::begin(&entry.metrics.in_flight);
    let facts = request.extensions().get::<ConnectionFacts>().copied();
    let (id, client) = entry.identify(&request, facts.as_ref());
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(ClientAddress(client));
    let span = span(&id, &request, client);
    let record = Arc::new(RequestRecord::default());
    async move {
        let mut response = match judge(&request, facts.as_ref()) {
            Err(error) => error.into_response(),
            Ok(()) => {
                let named = id.clone().scope(next.run(request));
                Arc::clone(&record).scope(named).await
            }
        };
        response.headers_mut().insert(RequestId::HEADER, id.value());
        entry.conclude(&record, &mut response, began.elapsed());
        response
    }
    .instrument(span)
    .await
}

/// Middleware, inside the rules for other origins, so that pages may read the
/// refusal: the limit of the caller's address.
pub(crate) async fn limit(
    State(entry): State<Arc<Entry>>,
    request: Request,
    next: Next,
) -> Response {
    let client = request.extensions().get::<ClientAddress>();
    let client = client.map_or(IpAddr::from([0, 0, 0, 0]), |client| client.0);
    match entry.limit(request.uri().path(), client) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Whether the request's head can be read in one way only.
fn judge(request: &Request, facts: Option<&ConnectionFacts>) -> Result<(), ServiceError> {
    facts.map_or(Ok(()), |facts| {
        request_checks::check(
            request.method(),
            request.uri(),
            request.version(),
            request.headers(),
            facts.ambiguous_framing,
        )
    })
}

/// What every event of the log about this request carries.
fn span(id: &RequestId, request: &Request, client: IpAddr) -> Span {
    info_span!(
        "request",
        id = id.as_str(),
        method = %request.method(),
        client = %client,
        payment_id = tracing::field::Empty,
    )
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A request without an answer, until dropped: callers that go away count as well.
struct InFlight(Gauge);

impl InFlight {
    fn begin(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
