//! Questions about entitlements, answered from memory or by a shared, batched read.
//!
//! 1. What the memory may answer costs no RPC call ([`super::ledger`] has the rules).
//! 2. Callers with the same question share one read, and all questions of a few
//!    milliseconds share one call. A caller that goes away cancels nothing.
//! 3. A read that began before a caller arrived who may just have paid is not that
//!    caller's read.
//! 4. The number of calls is bounded, and so are the number of questions that wait for
//!    one and their wait.
//! 5. A grant of a dear product ([`super::dear`]) is served when two providers have said
//!    so; until then it is read, and confirmed, by whoever asks for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tollgate_client::{EntitlementReading, Pubkey};

use super::counters::ChainCounters;
use super::dear::DearProducts;
use super::desk::{Desk, Outcome, Waiting};
use super::ledger::{ClockReading, Merged, Source};
use super::memory::{Memory, WatchList};
use super::question::{Freshness, Key, Observed, ReadFailure};
pub(crate) use super::reading::{Answer, Ask, CacheLimits, Grant, Provider, ReadBatch};
use super::{ChainHealth, KEYS_PER_CALL};

/// How far ahead of the newest slot seen here a slot may be that somebody names: a
/// minute. Whoever reads the chain through another server may be ahead, but not more.
const MOST_SLOTS_AHEAD: u64 = 150;

/// How many full calls may wait for each call that may be in flight.
const WAITING_PER_READ: usize = 2;

/// The cache. Cheap to clone.
pub(crate) struct EntitlementCache<R> {
    shared: Arc<Shared<R>>,
}

impl<R> Clone for EntitlementCache<R> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

/// What all clones share.
pub(super) struct Shared<R> {
    pub(super) reader: Arc<R>,
    pub(super) health: Arc<ChainHealth>,
    pub(super) counters: Arc<ChainCounters>,
    pub(super) memory: Memory,
    pub(super) watched: WatchList,
    pub(super) dear: DearProducts,
    pub(super) limits: CacheLimits,
    pub(super) desk: Mutex<Desk>,
    pub(super) turns: Semaphore,
}

impl<R: ReadBatch> EntitlementCache<R> {
    pub(crate) fn new(
        reader: Arc<R>,
        health: Arc<ChainHealth>,
        counters: Arc<ChainCounters>,
        limits: CacheLimits,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                reader,
                health,
                counters,
                memory: Memory::new(limits.memory),
                watched: WatchList::default(),
                dear: DearProducts::default(),
                limits,
                desk: Mutex::default(),
                turns: Semaphore::new(limits.max_in_flight),
            }),
        }
    }

    /// A server has answered in a view of `slot`, to somebody else's question: a claim of
    /// that slot is no lie. Without a feed nothing else may say so for long.
    pub(crate) fn saw_slot(&self, slot: u64) {
        self.shared.counters.newest_slot.raise_to(slot);
    }

    /// The entitlement of `key`, from memory or from the chain.
    ///
    /// # Errors
    /// [`ReadFailure`]; none of them says that nobody paid.
    pub(crate) async fn get(
        &self,
        key: Key,
        freshness: Freshness,
    ) -> Result<Observed, ReadFailure> {
        let shared = &self.shared;
        let arrived = Instant::now();
        if let Some(observed) = self.remembered(&key, freshness) {
            return Ok(observed);
        }
        shared.counters.misses.one();
        let newest = shared.counters.newest_slot.get();
        if newest > 0 && freshness.claimed_slot() > newest.saturating_add(MOST_SLOTS_AHEAD) {
            // Nobody can have seen it, so nobody has to be asked.
            return Err(ReadFailure::Lagging);
        }
        let mut outcome = self.join(key, freshness, arrived)?;
        let outcome = match outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            // The read's task ended without an outcome: it panicked.
            Err(_) => None,
        };
        match outcome.unwrap_or(Err(ReadFailure::Chain("read_abandoned"))) {
            Ok(observed) => {
                let met = freshness.is_met_by(&observed);
                met.then_some(observed).ok_or(ReadFailure::Lagging)
            }
            // Something newer came in meanwhile: perhaps it answers the question.
            Err(ReadFailure::Lagging) => shared
                .remembered(&key, freshness, arrived)
                .ok_or(ReadFailure::Lagging),
            Err(failure @ ReadFailure::Chain(_)) if !matches!(freshness, Freshness::Reread(_)) => {
                let (now, dear) = (shared.memory.now(), shared.dear.contains(&key.product));
                let known = shared.memory.lookup_in_outage(&key, now, dear);
                let known = known.ok_or(failure)?;
                shared.counters.outage_grants.one();
                Ok(known)
            }
            Err(failure) => Err(failure),
        }
    }

    /// The entitlement of `beneficiary` to `product` as of `slot` or later, whatever it
    /// says: for whoever knows of a change in that slot, such as a payment.
    ///
    /// # Errors
    /// [`ReadFailure::Lagging`] when no server has reached the slot; [`ReadFailure`].
    pub(crate) async fn read_at_least(
        &self,
        product: Pubkey,
        beneficiary: Pubkey,
        slot: u64,
    ) -> Result<Observed, ReadFailure> {
        let key = Key {
            product,
            beneficiary,
        };
        let remembered = self.remembered(&key, Freshness::Claimed(slot));
        match remembered.filter(|observed| observed.reading.slot >= slot) {
            Some(observed) => Ok(observed),
            None => self.get(key, Freshness::Reread(slot)).await,
        }
    }

    /// Which products are dear.
    pub(crate) fn dear(&self) -> &DearProducts {
        &self.shared.dear
    }

    /// What memory may say of `key`, without waiting.
    pub(crate) fn remembered(&self, key: &Key, freshness: Freshness) -> Option<Observed> {
        let shared = &self.shared;
        let observed = shared.remembered(key, freshness, Instant::now())?;
        shared.counters.hits.one();
        Some(observed)
    }

    /// Reads `key` soon, because what is known of it contradicts itself.
    pub(crate) fn refresh(&self, key: Key) {
        // If too much waits already, the next question reads it.
        let _ = self.join(key, Freshness::Proven, Instant::now());
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.shared.memory
    }

    pub(crate) fn watched(&self) -> &WatchList {
        &self.shared.watched
    }

    pub(crate) fn counters(&self) -> &ChainCounters {
        &self.shared.counters
    }

    pub(crate) fn reader(&self) -> &Arc<R> {
        &self.shared.reader
    }

    /// Reads many keys outside of any question and remembers the answers; for filling
    /// a gap. Returns how many could be read.
    pub(crate) async fn read_now(&self, keys: &[Key], at_least: u64) -> usize {
        let asks: Vec<Ask> = keys
            .iter()
            .map(|key| Ask {
                key: *key,
                claim: at_least,
                as_of: 0,
            })
            .collect();
        let began = Instant::now();
        let answers = self.shared.reader.read(&asks).await;
        asks.iter()
            .zip(answers)
            .filter_map(|(ask, answer)| Some((ask, answer.ok()?)))
            .filter(|(ask, answer)| self.shared.take_in(&ask.key, answer, began).is_ok())
            .count()
    }

    /// A read of `key` that answers a question asked at `arrived`.
    fn join(
        &self,
        key: Key,
        freshness: Freshness,
        arrived: Instant,
    ) -> Result<Waiting, ReadFailure> {
        let shared = &self.shared;
        let oldest = match freshness {
            Freshness::Remembered => arrived
                .checked_sub(shared.limits.memory.negative_lifetime)
                .unwrap_or(arrived),
            Freshness::Proven | Freshness::Claimed(_) | Freshness::Reread(_) => arrived,
        };
        let most = shared
            .limits
            .max_in_flight
            .saturating_mul(WAITING_PER_READ)
            .saturating_mul(KEYS_PER_CALL);
        let place = shared.desk().join(key, freshness, oldest, most);
        let Some(place) = place else {
            shared.counters.overloaded.one();
            return Err(ReadFailure::Overloaded);
        };
        if place.needs_call {
            shared.spawn_call();
        }
        Ok(place.outcome)
    }
}

impl<R> Shared<R> {
    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn land(&self, key: &Key, number: u64) {
        self.desk().land(key, number);
    }

    pub(super) fn remembered(
        &self,
        key: &Key,
        freshness: Freshness,
        arrived: Instant,
    ) -> Option<Observed> {
        let now = self.memory.moment(arrived);
        let hit = self.memory.lookup(key, freshness, now)?;
        if let Some(slot) = hit.watch {
            self.watch(key, slot);
        }
        let confirmed = hit.seconded || !hit.observed.grants();
        (confirmed || !self.dear.contains(&key.product)).then_some(hit.observed)
    }

    pub(super) fn watch(&self, key: &Key, slot: u64) {
        if !self.limits.reads_finalized {
            self.watched.add(*key, slot);
        }
    }

    /// Remembers an answer, if it is news.
    pub(super) fn take_in(&self, key: &Key, answer: &Answer, began: Instant) -> Outcome {
        let began = self.memory.moment(began);
        // A server that is behind is as if it had been asked earlier.
        let asked = began.before(answer.behind);
        self.counters.newest_slot.raise_to(answer.slot);
        self.memory.saw_clock(ClockReading {
            slot: answer.slot,
            time: answer.chain_time,
            at: began,
        });
        let found = answer.entitlement.as_ref();
        match self
            .memory
            .merge(key, found, answer.slot, Source::Read(asked))
        {
            Merged::Accepted => {}
            Merged::Older => {
                self.counters.lagging_answers.one();
                return Err(ReadFailure::Lagging);
            }
            Merged::Contradicts => {
                self.counters.contradictions.one();
                return Err(ReadFailure::Lagging);
            }
        }
        self.health.succeeded();
        Ok(Observed {
            reading: EntitlementReading {
                slot: answer.slot,
                chain_time: answer.chain_time,
                entitlement: answer.entitlement,
            },
            // Just read: the answer's own chain time is the best there is.
            chain_time: answer.chain_time,
            remembered: false,
        })
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
