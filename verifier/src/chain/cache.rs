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
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};
use tollgate_client::{EntitlementReading, Pubkey};

use super::counters::ChainCounters;
use super::dear::DearProducts;
use super::desk::{Boarded, Desk, Outcome, Waiting};
use super::ledger::{ClockReading, Merged, Source};
use super::memory::{Memory, WatchList};
use super::question::{Freshness, Key, Observed, ReadFailure};
pub(crate) use super::reading::{Answer, Ask, CacheLimits, Grant, Provider, ReadBatch};
use super::{ChainHealth, KEYS_PER_CALL};

/// How long a question waits for others to share its call.
const GATHERING: Duration = Duration::from_millis(2);

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

struct Shared<R> {
    reader: Arc<R>,
    health: Arc<ChainHealth>,
    counters: Arc<ChainCounters>,
    memory: Memory,
    watched: WatchList,
    dear: DearProducts,
    limits: CacheLimits,
    desk: Mutex<Desk>,
    turns: Semaphore,
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
        self.desk().land(key, number);
    }

    fn remembered(&self, key: &Key, freshness: Freshness, arrived: Instant) -> Option<Observed> {
        let now = self.memory.moment(arrived);
        let hit = self.memory.lookup(key, freshness, now)?;
        if let Some(slot) = hit.watch {
            self.watch(key, slot);
        }
        let confirmed = hit.seconded || !hit.observed.grants();
        (confirmed || !self.dear.contains(&key.product)).then_some(hit.observed)
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
            remembered: false,
        })
    }
}

impl<R: ReadBatch> Shared<R> {
    fn spawn_call(self: &Arc<Self>) {
        let shared = Arc::clone(self);
        tokio::spawn(async move { shared.call().await });
    }

    /// Takes on passengers for one call, and has another made for those who are left.
    fn board(self: &Arc<Self>) -> Vec<Passenger<'_, R>> {
        let (boarded, more) = self.desk().board(Instant::now());
        if more {
            self.spawn_call();
        }
        let passenger = |Boarded {
                             ask,
                             number,
                             sender,
                         }| Passenger {
            shared: self,
            ask,
            number,
            sender,
        };
        boarded.into_iter().map(passenger).collect()
    }

    /// One call: waits for company and for its turn, and reads.
    async fn call(self: &Arc<Self>) {
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
        let (mut large, mut grants) = (Vec::new(), Vec::new());
        for passenger in passengers {
            let answer = answers
                .next()
                .unwrap_or(Err(ReadFailure::Chain("read_abandoned")));
            let outcome = answer.and_then(|answer| {
                let observed = self.take_in(&passenger.ask.key, &answer, began)?;
                Ok((observed, answer.provider))
            });
            match outcome {
                Ok((observed, provider)) if self.takes_second(&passenger.ask.key, &observed) => {
                    grants.extend(grant(passenger.ask.key, &observed, provider));
                    large.push((passenger, observed));
                }
                Ok((observed, _)) => self.bring(passenger, observed, began),
                Err(failure) => passenger.arrive(Err(failure)),
            }
        }
        if !large.is_empty() {
            self.confirm(large, &grants, began).await;
        }
    }

    fn bring(&self, passenger: Passenger<'_, R>, observed: Observed, began: Instant) {
        if observed.grants() {
            // Known to be there: only to find out whether it is watched already.
            let _ = self.remembered(&passenger.ask.key, Freshness::Remembered, began);
        }
        passenger.arrive(Ok(observed));
    }

    /// Whether what was just read takes a second opinion that it does not have.
    fn takes_second(&self, key: &Key, observed: &Observed) -> bool {
        observed.grants()
            && self.dear.contains(&key.product)
            && !self
                .memory
                .is_seconded(key, observed.reading.entitlement.as_ref())
    }

    /// Has large grants confirmed by other providers, and remembers it.
    async fn confirm(
        &self,
        large: Vec<(Passenger<'_, R>, Observed)>,
        grants: &[Grant],
        began: Instant,
    ) {
        let mut opinions = self.reader.confirm(grants).await.into_iter();
        for ((passenger, observed), grant) in large.into_iter().zip(grants) {
            match opinions.next().unwrap_or(Err(ReadFailure::Unconfirmed)) {
                Ok(()) => {
                    self.counters.second_opinions.agreed.one();
                    self.memory.seconded(&grant.key, &grant.entitlement);
                    self.bring(passenger, observed, began);
                }
                Err(failure) => {
                    self.counters.second_opinions.refused(failure);
                    passenger.arrive(Err(failure));
                }
            }
        }
    }
}

/// A grant to be confirmed.
fn grant(key: Key, observed: &Observed, provider: Provider) -> Option<Grant> {
    Some(Grant {
        key,
        entitlement: observed.reading.entitlement?,
        slot: observed.reading.slot,
        provider,
    })
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
