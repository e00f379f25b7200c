//! Questions about entitlements, answered from memory or by a shared, batched read.
//!
//! 1. What the memory may answer costs no RPC call ([`super::ledger`] has the rules).
//! 2. Callers with the same question share one read, and all questions of a few
//!    milliseconds share one call. A caller that goes away cancels nothing.
//! 3. A read that began before a caller arrived who may just have paid is not that
//!    caller's read.
//! 4. The number of calls is bounded, and so are the number of questions that wait for
//!    one and their wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};
use tollgate_client::EntitlementReading;

use super::counters::ChainCounters;
use super::ledger::{ClockReading, Merged, Source};
use super::memory::{Memory, WatchList};
use super::question::{Freshness, Key, Observed, ReadFailure};
pub(crate) use super::reading::{Answer, Ask, CacheLimits, ReadBatch};
use super::{ChainHealth, KEYS_PER_CALL};

/// How long a question waits for others to share its call.
const GATHERING: Duration = Duration::from_millis(2);

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

struct Shared<R> {
    reader: Arc<R>,
    health: Arc<ChainHealth>,
    counters: Arc<ChainCounters>,
    memory: Memory,
    watched: WatchList,
    limits: CacheLimits,
    desk: Mutex<Desk>,
    turns: Semaphore,
}

/// Questions on their way.
#[derive(Default)]
struct Desk {
    flights: HashMap<Key, Flight>,
    /// Keys whose read has not begun.
    waiting: Vec<Key>,
    /// Calls that will take some of them.
    scheduled: usize,
    next_flight: u64,
}

type Outcome = Result<Observed, ReadFailure>;

/// The read of one key.
struct Flight {
    number: u64,
    /// `None` while it waits for its call.
    began: Option<Instant>,
    claim: u64,
    outcome: watch::Receiver<Option<Outcome>>,
    sender: Option<watch::Sender<Option<Outcome>>>,
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
                limits,
                desk: Mutex::default(),
                turns: Semaphore::new(limits.max_in_flight),
            }),
        }
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
        let mut outcome = self.join(key, freshness, arrived)?;
        let outcome = match outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            // The read's task ended without an outcome: it panicked.
            Err(_) => None,
        };
        match outcome.unwrap_or(Err(ReadFailure::Chain("read_abandoned"))) {
            Ok(observed) => {
                let enough = observed.grants() || observed.reading.slot >= freshness.claimed_slot();
                enough.then_some(observed).ok_or(ReadFailure::Lagging)
            }
            // Something newer came in meanwhile: perhaps it answers the question.
            Err(ReadFailure::Lagging) => shared
                .remembered(&key, freshness, arrived)
                .ok_or(ReadFailure::Lagging),
            Err(failure @ ReadFailure::Chain(_)) => {
                let now = shared.memory.now();
                let known = shared.memory.lookup_in_outage(&key, now).ok_or(failure)?;
                shared.counters.outage_grants.one();
                Ok(known)
            }
            Err(failure @ ReadFailure::Overloaded) => Err(failure),
        }
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
        let _ = self.join(key, Freshness::JustSignedIn, Instant::now());
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
    ) -> Result<watch::Receiver<Option<Outcome>>, ReadFailure> {
        let shared = &self.shared;
        let oldest = match freshness {
            Freshness::Remembered => arrived
                .checked_sub(shared.limits.memory.negative_lifetime)
                .unwrap_or(arrived),
            Freshness::JustSignedIn | Freshness::AtLeast(_) => arrived,
        };
        let mut desk = shared.desk();
        if let Some(flight) = desk.flights.get_mut(&key)
            && flight.began.is_none_or(|began| began >= oldest)
        {
            if flight.began.is_none() {
                flight.claim = flight.claim.max(freshness.claimed_slot());
            }
            return Ok(flight.outcome.clone());
        }
        let most = shared
            .limits
            .max_in_flight
            .saturating_mul(WAITING_PER_READ)
            .saturating_mul(KEYS_PER_CALL);
        if desk.flights.len() >= most || desk.waiting.len() >= most {
            shared.counters.overloaded.one();
            return Err(ReadFailure::Overloaded);
        }
        let (sender, outcome) = watch::channel(None);
        desk.next_flight = desk.next_flight.wrapping_add(1);
        let flight = Flight {
            number: desk.next_flight,
            began: None,
            claim: freshness.claimed_slot(),
            outcome: outcome.clone(),
            sender: Some(sender),
        };
        desk.flights.insert(key, flight);
        desk.waiting.push(key);
        if desk.scheduled.saturating_mul(KEYS_PER_CALL) < desk.waiting.len() {
            desk.scheduled += 1;
            drop(desk);
            let shared = Arc::clone(shared);
            tokio::spawn(async move { shared.call().await });
        }
        Ok(outcome)
    }
}

/// A key whose read this call carries out. Ends its flight, however the call ends.
struct Passenger<'a, R> {
    shared: &'a Shared<R>,
    ask: Ask,
    number: u64,
    sender: watch::Sender<Option<Outcome>>,
}

impl<R> Passenger<'_, R> {
    fn arrive(self, outcome: Outcome) {
        // First off the list, so that whoever hears the outcome and asks again is not
        // given it again.
        self.shared.land(&self.ask.key, self.number);
        // Nobody waits any more: nothing to say.
        let _ = self.sender.send(Some(outcome));
    }
}

impl<R> Drop for Passenger<'_, R> {
    fn drop(&mut self) {
        self.shared.land(&self.ask.key, self.number);
    }
}

impl<R> Shared<R> {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn land(&self, key: &Key, number: u64) {
        let mut desk = self.desk();
        if desk
            .flights
            .get(key)
            .is_some_and(|flight| flight.number == number)
        {
            desk.flights.remove(key);
        }
    }

    /// Takes on as many waiting keys as fit into one call; their reads begin now.
    fn board(&self) -> Vec<Passenger<'_, R>> {
        let began = Instant::now();
        let mut desk = self.desk();
        desk.scheduled = desk.scheduled.saturating_sub(1);
        let count = desk.waiting.len().min(KEYS_PER_CALL);
        let keys: Vec<Key> = desk.waiting.drain(..count).collect();
        keys.into_iter()
            .filter_map(|key| {
                let flight = desk.flights.get_mut(&key)?;
                flight.began = Some(began);
                Some(Passenger {
                    shared: self,
                    ask: Ask {
                        key,
                        claim: flight.claim,
                    },
                    number: flight.number,
                    sender: flight.sender.take()?,
                })
            })
            .collect()
    }

    fn remembered(&self, key: &Key, freshness: Freshness, arrived: Instant) -> Option<Observed> {
        let now = self.memory.moment(arrived);
        let hit = self.memory.lookup(key, freshness, now)?;
        if let Some(slot) = hit.watch {
            self.watch(key, slot);
        }
        Some(hit.observed)
    }

    fn watch(&self, key: &Key, slot: u64) {
        if !self.limits.reads_finalized {
            self.watched.add(*key, slot);
        }
    }

    /// Remembers an answer, if it is news.
    fn take_in(&self, key: &Key, answer: &Answer, began: Instant) -> Outcome {
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
        })
    }
}

impl<R: ReadBatch> Shared<R> {
    /// One call: waits for company and for its turn, and reads.
    async fn call(&self) {
        tokio::time::sleep(GATHERING).await;
        let turn = timeout(self.limits.max_wait, self.turns.acquire()).await;
        let passengers = self.board();
        if passengers.is_empty() {
            return;
        }
        let Ok(Ok(_turn)) = turn else {
            self.counters.overloaded.add(passengers.len());
            for passenger in passengers {
                passenger.arrive(Err(ReadFailure::Overloaded));
            }
            return;
        };
        self.counters.batches.one();
        self.counters.batched_keys.add(passengers.len());
        let began = Instant::now();
        let asks: Vec<Ask> = passengers.iter().map(|passenger| passenger.ask).collect();
        let mut answers = self.reader.read(&asks).await.into_iter();
        for passenger in passengers {
            let answer = answers
                .next()
                .unwrap_or(Err(ReadFailure::Chain("read_abandoned")));
            let outcome =
                answer.and_then(|answer| self.take_in(&passenger.ask.key, &answer, began));
            if let Ok(observed) = &outcome
                && observed.grants()
            {
                // Known to be there: only to find out whether it is watched already.
                let _ = self.remembered(&passenger.ask.key, Freshness::Remembered, began);
            }
            passenger.arrive(outcome);
        }
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
