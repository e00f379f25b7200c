//! What is counted, for Prometheus.
//!
//! Every verifier has a registry of its own. Labels take values from closed lists
//! only: nothing that a caller sends can become a label, so the number of series is
//! fixed. The names are a promise; a test compares all of them with the
//! documentation.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, EncodeMetric, LabelValueEncoder, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tollgate_gate::GateError;

use crate::request_record::Outcome;
use crate::serve::ConnectionEvents;

/// Upper bounds of the duration histograms, in seconds: from a hit in memory to an
/// upstream at its time limit.
const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: Outcome,
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.name().encode(encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByLabel {
    by: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VersionLabel {
    version: &'static str,
}

/// Who asked too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitedBy {
    Address,
    Payer,
}

/// What became of an order to reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reloaded {
    Applied,
    Refused,
}

/// The counters of one verifier. Cheap to share, safe to use from everywhere.
pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<OutcomeLabel, Counter>,
    errors: Family<CodeLabel, Counter>,
    durations: Family<OutcomeLabel, Histogram, fn() -> Histogram>,
    chain_waits: Histogram,
    upstream_waits: Histogram,
    limited: Family<ByLabel, Counter>,
    reloads: Family<OutcomeLabelOfReload, Counter>,
    pub(crate) in_flight: Gauge,
    pub(crate) upstream_in_flight: Gauge,
    pub(crate) ready: Gauge,
    pub(crate) connections: ConnectionEvents,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabelOfReload {
    outcome: &'static str,
}

impl Metrics {
    /// Every series at zero.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("tollgate");
        let metrics = Self {
            requests: Family::default(),
            errors: Family::default(),
            durations: Family::new_with_constructor(histogram),
            chain_waits: histogram(),
            upstream_waits: histogram(),
            limited: Family::default(),
            reloads: Family::default(),
            in_flight: Gauge::default(),
            upstream_in_flight: Gauge::default(),
            ready: Gauge::default(),
            connections: ConnectionEvents::default(),
            registry: Mutex::default(),
        };
        let build: Family<VersionLabel, Gauge> = Family::default();
        build
            .get_or_create(&VersionLabel {
                version: env!("CARGO_PKG_VERSION"),
            })
            .set(1);
        metrics.touch_all();
        let m = &metrics;
        registry.register("build_info", "Always 1; the version is a label", build);
        registry.register("requests", "Requests by how they ended", m.requests.clone());
        registry.register(
            "errors",
            "Refusals and failures by their code",
            m.errors.clone(),
        );
        registry.register(
            "request_duration_seconds",
            "From a request's head to its answer's head",
            m.durations.clone(),
        );
        registry.register(
            "chain_wait_seconds",
            "What requests waited for readings of the chain; who finds one in memory does not wait",
            m.chain_waits.clone(),
        );
        registry.register(
            "upstream_wait_seconds",
            "What requests waited for the head of the upstream's answer",
            m.upstream_waits.clone(),
        );
        registry.register(
            "rate_limited",
            "Requests refused because somebody asks too often",
            m.limited.clone(),
        );
        registry.register(
            "reloads",
            "Orders to reload the configuration",
            m.reloads.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests without an answer yet",
            m.in_flight.clone(),
        );
        registry.register(
            "upstream_requests_in_flight",
            "Requests at the upstream, their answers' bodies included",
            m.upstream_in_flight.clone(),
        );
        registry.register("ready", "1 when requests can be decided", m.ready.clone());
        let c = &m.connections;
        registry.register("connections_open", "Open connections", c.open.clone());
        registry.register(
            "connections_accepted",
            "Connections accepted",
            c.accepted.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections closed because their address had too many",
            c.refused.clone(),
        );
        registry.register(
            "tls_handshakes_failed",
            "TLS handshakes that failed",
            c.tls_failed.clone(),
        );
        Self {
            registry: Mutex::new(registry),
            ..metrics
        }
    }

    /// Adds the numbers that another part keeps itself. Call it before the verifier
    /// serves.
    pub(crate) fn add_source(&self, source: Arc<impl SampleSource>) {
        let collector = Box::new(SourceCollector(source));
        self.registry().register_collector(collector);
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request was answered after `total`.
    pub(crate) fn answered(&self, outcome: Outcome, error: Option<GateError>, total: Duration) {
        let label = OutcomeLabel { outcome };
        self.requests.get_or_create(&label).inc();
        self.durations
            .get_or_create(&label)
            .observe(total.as_secs_f64());
        if let Some(error) = error {
            self.errors
                .get_or_create(&CodeLabel { code: error.code() })
                .inc();
        }
    }

    pub(crate) fn waited_for_chain(&self, time: Duration) {
        self.chain_waits.observe(time.as_secs_f64());
    }

    pub(crate) fn waited_for_upstream(&self, time: Duration) {
        self.upstream_waits.observe(time.as_secs_f64());
    }

    pub(crate) fn rate_limited(&self, by: LimitedBy) {
        self.limited.get_or_create(&limited_label(by)).inc();
    }

    pub(crate) fn reloaded(&self, reloaded: Reloaded) {
        self.reloads.get_or_create(&reload_label(reloaded)).inc();
    }

    /// The page that Prometheus reads (OpenMetrics text).
    pub(crate) fn page(&self) -> Result<String, fmt::Error> {
        let mut page = String::new();
        text::encode(&mut page, &self.registry())?;
        Ok(page)
    }

    /// A series that appears with its first event looks like a sudden jump; so all
    /// of them are there from the start.
    fn touch_all(&self) {
        for outcome in Outcome::ALL {
            let label = OutcomeLabel { outcome: *outcome };
            let _ = self.requests.get_or_create(&label);
            let _ = self.durations.get_or_create(&label);
        }
        for error in GateError::ALL {
            let _ = self.errors.get_or_create(&CodeLabel { code: error.code() });
        }
        for by in [LimitedBy::Address, LimitedBy::Payer] {
            let _ = self.limited.get_or_create(&limited_label(by));
        }
        for reloaded in [Reloaded::Applied, Reloaded::Refused] {
            let _ = self.reloads.get_or_create(&reload_label(reloaded));
        }
    }
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

fn limited_label(by: LimitedBy) -> ByLabel {
    ByLabel {
        by: match by {
            LimitedBy::Address => "address",
            LimitedBy::Payer => "payer",
        },
    }
}

fn reload_label(reloaded: Reloaded) -> OutcomeLabelOfReload {
    OutcomeLabelOfReload {
        outcome: match reloaded {
            Reloaded::Applied => "applied",
            Reloaded::Refused => "refused",
        },
    }
}

/// A part of the service that keeps numbers of its own (the chain cache, credits,
/// the audit log). Asked whenever the page is read; must be quick and not block.
pub(crate) trait SampleSource: Send + Sync + 'static {
    /// The present numbers. Names and kinds must be the same every time.
    fn samples(&self) -> Vec<Sample>;
}

/// One number of a [`SampleSource`], or several that differ in labels.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Name without the prefix `tollgate_`, and for a counter without `_total`.
    pub(crate) name: &'static str,
    /// One line of documentation.
    pub(crate) help: &'static str,
    /// What it is.
    pub(crate) value: SampleValue,
}

/// The labels of one number. Their values come from closed lists, or count things
/// of the configuration.
pub(crate) type Labels = Vec<(&'static str, String)>;

/// What a number of a [`SampleSource`] is.
#[derive(Clone, Debug)]
pub(crate) enum SampleValue {
    /// Only grows.
    Counter(u64),
    /// Goes up and down.
    Gauge(f64),
    /// Counters by labels.
    Counters(Vec<(Labels, u64)>),
    /// Gauges by labels.
    Gauges(Vec<(Labels, f64)>),
}

struct SourceCollector<S>(Arc<S>);

impl<S> fmt::Debug for SourceCollector<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SourceCollector")
    }
}

impl<S: SampleSource> Collector for SourceCollector<S> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Sample { name, help, value } in self.0.samples() {
            let kind = match &value {
                SampleValue::Counter(_) | SampleValue::Counters(_) => MetricType::Counter,
                SampleValue::Gauge(_) | SampleValue::Gauges(_) => MetricType::Gauge,
            };
            let mut family = encoder.encode_descriptor(name, help, None, kind)?;
            match value {
                SampleValue::Counter(value) => ConstCounter::new(value).encode(family)?,
                SampleValue::Gauge(value) => ConstGauge::new(value).encode(family)?,
                SampleValue::Counters(values) => {
                    for (labels, value) in values {
                        ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
                    }
                }
                SampleValue::Gauges(values) => {
                    for (labels, value) in values {
                        ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
                    }
                }
            }
        }
        Ok(())
    }
}
