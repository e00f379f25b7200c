//! What the chain side counts. Plain numbers; whoever exports them gives them names.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::question::ReadFailure;

/// A number that only grows, or is set.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn raise_to(&self, value: u64) {
        self.0.fetch_max(value, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Of the memory, the feed and the finality watch.
#[derive(Debug, Default)]
pub(crate) struct ChainCounters {
    /// Questions answered from memory: no RPC call.
    pub(crate) hits: Counter,
    /// Questions that waited for a read, own or shared.
    pub(crate) misses: Counter,
    /// Questions turned away because too many reads waited.
    pub(crate) overloaded: Counter,
    /// Grants served in an outage, beyond `max_staleness`.
    pub(crate) outage_grants: Counter,
    /// Batched reads of accounts.
    pub(crate) batches: Counter,
    /// Keys in them.
    pub(crate) batched_keys: Counter,
    /// Answers that were older than what was known.
    pub(crate) lagging_answers: Counter,
    /// Two states as of one slot.
    pub(crate) contradictions: Counter,
    /// Second opinions on large grants.
    pub(crate) second_opinions: OpinionCounters,
    /// Changes that the feed reported.
    pub(crate) feed_updates: Counter,
    /// Messages of the feed that could not be trusted; each ends the connection.
    pub(crate) feed_rejections: Counter,
    /// Connections of the feed that came to report.
    pub(crate) feed_connections: Counter,
    /// Times the feed broke off.
    pub(crate) feed_gaps: Counter,
    /// Whether the feed reports now.
    pub(crate) feed_live: AtomicBool,
    /// Entitlements learnt from a snapshot of all accounts.
    pub(crate) warmed_up: Counter,
    /// Grants found final.
    pub(crate) finalized: Counter,
    /// Grants withdrawn because they never became final.
    pub(crate) finality_evictions: Counter,
    /// The newest slot at the configured commitment.
    pub(crate) newest_slot: Counter,
    /// The newest slot that the feed's node works on, whatever its commitment.
    pub(crate) node_slot: Counter,
}

/// Second opinions by how they ended.
#[derive(Debug, Default)]
pub(crate) struct OpinionCounters {
    /// Another provider said the same.
    pub(crate) agreed: Counter,
    /// It said otherwise.
    pub(crate) contradicted: Counter,
    /// No other provider could be asked.
    pub(crate) unavailable: Counter,
}

impl OpinionCounters {
    /// Counts a grant that was not confirmed.
    pub(crate) fn refused(&self, failure: ReadFailure) {
        match failure {
            ReadFailure::Contradicted => self.contradicted.one(),
            _ => self.unavailable.one(),
        }
    }
}

/// Of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct EndpointCounters {
    pub(crate) successes: Counter,
    pub(crate) timeouts: Counter,
    pub(crate) throttled: Counter,
    pub(crate) lagging: Counter,
    pub(crate) failures: Counter,
    pub(crate) wrong_cluster: Counter,
}

/// One endpoint at a moment. It is named by its place in the configuration: its URL is
/// a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndpointSnapshot {
    /// Calls by outcome.
    pub(crate) successes: u64,
    pub(crate) timeouts: u64,
    pub(crate) throttled: u64,
    pub(crate) lagging: u64,
    pub(crate) failures: u64,
    pub(crate) wrong_cluster: u64,
    /// 0 closed (in use), 1 half open (being tried), 2 open (left alone).
    pub(crate) breaker: u8,
}

/// Everything at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChainSnapshot {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) overloaded: u64,
    pub(crate) outage_grants: u64,
    pub(crate) batches: u64,
    pub(crate) batched_keys: u64,
    pub(crate) lagging_answers: u64,
    pub(crate) contradictions: u64,
    pub(crate) opinions_agreed: u64,
    pub(crate) opinions_contradicted: u64,
    pub(crate) opinions_unavailable: u64,
    pub(crate) feed_updates: u64,
    pub(crate) feed_rejections: u64,
    pub(crate) feed_connections: u64,
    pub(crate) feed_gaps: u64,
    pub(crate) feed_live: bool,
    pub(crate) warmed_up: u64,
    pub(crate) finalized: u64,
    pub(crate) finality_evictions: u64,
    pub(crate) finality_waiting: usize,
    pub(crate) newest_slot: u64,
    pub(crate) node_slot: u64,
    pub(crate) remembered: usize,
    pub(crate) endpoints: Vec<EndpointSnapshot>,
}

impl ChainCounters {
    /// The numbers now, with what is not counted here.
    pub(crate) fn snapshot(
        &self,
        remembered: usize,
        finality_waiting: usize,
        endpoints: Vec<EndpointSnapshot>,
    ) -> ChainSnapshot {
        ChainSnapshot {
            hits: self.hits.get(),
            misses: self.misses.get(),
            overloaded: self.overloaded.get(),
            outage_grants: self.outage_grants.get(),
            batches: self.batches.get(),
            batched_keys: self.batched_keys.get(),
            lagging_answers: self.lagging_answers.get(),
            contradictions: self.contradictions.get(),
            opinions_agreed: self.second_opinions.agreed.get(),
            opinions_contradicted: self.second_opinions.contradicted.get(),
            opinions_unavailable: self.second_opinions.unavailable.get(),
            feed_updates: self.feed_updates.get(),
            feed_rejections: self.feed_rejections.get(),
            feed_connections: self.feed_connections.get(),
            feed_gaps: self.feed_gaps.get(),
            feed_live: self.feed_live.load(Ordering::Relaxed),
            warmed_up: self.warmed_up.get(),
            finalized: self.finalized.get(),
            finality_evictions: self.finality_evictions.get(),
            finality_waiting,
            newest_slot: self.newest_slot.get(),
            node_slot: self.node_slot.get(),
            remembered,
            endpoints,
        }
    }
}

impl EndpointCounters {
    pub(crate) fn snapshot(&self, breaker: u8) -> EndpointSnapshot {
        EndpointSnapshot {
            successes: self.successes.get(),
            timeouts: self.timeouts.get(),
            throttled: self.throttled.get(),
            lagging: self.lagging.get(),
            failures: self.failures.get(),
            wrong_cluster: self.wrong_cluster.get(),
            breaker,
        }
    }
}
