//! The chain side's numbers under the names that operators see.

use super::counters::{ChainSnapshot, EndpointSnapshot};
use super::run::Entitlements;
use crate::metrics::{Labels, Sample, SampleSource, SampleValue};

impl SampleSource for Entitlements {
    fn samples(&self) -> Vec<Sample> {
        let now = self.snapshot();
        let mut samples = of_the_memory(&now);
        samples.extend(of_the_feed(&now));
        samples.extend(of_the_endpoints(&now.endpoints));
        samples
    }
}

fn counter(name: &'static str, help: &'static str, value: u64) -> Sample {
    let value = SampleValue::Counter(value);
    Sample { name, help, value }
}

fn gauge(name: &'static str, help: &'static str, value: u64) -> Sample {
    // Exact up to 2^53: slots and counts stay far below.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let value = SampleValue::Gauge(value as f64);
    Sample { name, help, value }
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn of_the_memory(now: &ChainSnapshot) -> Vec<Sample> {
    vec![
        counter(
            "cache_hits",
            "Questions answered from memory, without a call",
            now.hits,
        ),
        counter(
            "cache_misses",
            "Questions that waited for a reading, their own or a shared one",
            now.misses,
        ),
        counter(
            "cache_overloaded",
            "Questions turned away because too many readings waited",
            now.overloaded,
        ),
        counter(
            "cache_outage_grants",
            "Grants served in an outage, beyond the bound on staleness",
            now.outage_grants,
        ),
        gauge(
            "cache_entitlements",
            "Entitlements remembered",
            size(now.remembered),
        ),
        counter(
            "chain_batches",
            "Readings of accounts in batches",
            now.batches,
        ),
        counter(
            "chain_batched_keys",
            "Keys in these batches",
            now.batched_keys,
        ),
        counter(
            "chain_lagging_answers",
            "Answers that were older than what was known",
            now.lagging_answers,
        ),
        counter(
            "chain_contradictions",
            "Two different states as of one slot",
            now.contradictions,
        ),
        Sample {
            name: "chain_second_opinions",
            help: "Second opinions on large grants by what the other provider said",
            value: SampleValue::Counters(
                [
                    ("agreed", now.opinions_agreed),
                    ("contradicted", now.opinions_contradicted),
                    ("unavailable", now.opinions_unavailable),
                ]
                .map(|(outcome, count)| (vec![("outcome", outcome.to_owned())], count))
                .into(),
            ),
        },
        counter("finality_confirmed", "Grants found final", now.finalized),
        counter(
            "finality_evicted",
            "Grants withdrawn because they never became final",
            now.finality_evictions,
        ),
        gauge(
            "finality_waiting",
            "Grants not known to be final yet",
            size(now.finality_waiting),
        ),
    ]
}

fn of_the_feed(now: &ChainSnapshot) -> Vec<Sample> {
    vec![
        gauge(
            "feed_live",
            "1 while changes are reported by the feed",
            u64::from(now.feed_live),
        ),
        counter(
            "feed_updates",
            "Changes that the feed reported",
            now.feed_updates,
        ),
        counter(
            "feed_rejections",
            "Messages of the feed that could not be trusted",
            now.feed_rejections,
        ),
        counter(
            "feed_connections",
            "Connections of the feed that came to report",
            now.feed_connections,
        ),
        counter("feed_gaps", "Times the feed broke off", now.feed_gaps),
        counter(
            "feed_warmed_up",
            "Entitlements learnt from all accounts when the feed began",
            now.warmed_up,
        ),
        gauge(
            "chain_slot",
            "The newest slot at the configured commitment",
            now.newest_slot,
        ),
        gauge(
            "chain_node_slot",
            "The newest slot that the feed's node works on",
            now.node_slot,
        ),
    ]
}

/// Endpoints are named by their place in the configuration, the first being 0: their
/// URLs are secrets.
fn of_the_endpoints(endpoints: &[EndpointSnapshot]) -> Vec<Sample> {
    let mut calls: Vec<(Labels, u64)> = Vec::new();
    let mut breakers: Vec<(Labels, f64)> = Vec::new();
    for (place, endpoint) in endpoints.iter().enumerate() {
        let named = || ("endpoint", place.to_string());
        breakers.push((vec![named()], f64::from(endpoint.breaker)));
        for (outcome, count) in [
            ("success", endpoint.successes),
            ("timeout", endpoint.timeouts),
            ("throttled", endpoint.throttled),
            ("lagging", endpoint.lagging),
            ("failure", endpoint.failures),
            ("wrong_cluster", endpoint.wrong_cluster),
        ] {
            calls.push((vec![named(), ("outcome", outcome.to_owned())], count));
        }
    }
    vec![
        Sample {
            name: "rpc_calls",
            help: "Calls of each RPC endpoint by how they ended",
            value: SampleValue::Counters(calls),
        },
        Sample {
            name: "rpc_breaker",
            help: "0: the endpoint is in use; 1: it is being tried; 2: it is left alone",
            value: SampleValue::Gauges(breakers),
        },
    ]
}
