//! Remembering entitlements for a short time.
//!
//! The rules, in the order in which they matter:
//!
//! 1. A reading that grants access serves for at most `max_staleness`, counted
//!    from when its read began, and never at or after the entitlement's expiry:
//!    chain time runs on while a reading is remembered.
//! 2. A reading that grants nothing serves for [`NEGATIVE_LIFETIME`] only, and
//!    never for a caller who may just have paid ([`Freshness::JustSignedIn`]): a
//!    read that began before that caller arrived does not count, not even one
//!    that is still under way.
//! 3. An answer from an older slot than one seen before is a lagging server's,
//!    not news.
//! 4. Callers with the same question share one read. A caller that goes away does
//!    not cancel it. The number of reads is bounded, and so is the wait for one.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};
use tollgate_client::{ChainError, EntitlementReading, Pubkey, UnixSeconds};
use tracing::warn;

use super::ChainHealth;

/// How long "has no access" is remembered: one slot.
pub(crate) const NEGATIVE_LIFETIME: Duration = Duration::from_millis(400);

/// How many slots a server may be behind the newest slot seen before its "no such
/// account" is not believed (about 26 seconds).
const MAX_LAG_SLOTS: u64 = 64;

/// How many callers may wait for each read that may be in flight.
const WAITING_PER_READ: usize = 16;

/// After this time a smaller slot is believed again: the cluster behind the
/// server was restarted (a local chain), and no memory may block it for ever.
const SLOT_MEMORY: Duration = Duration::from_secs(60);

/// Whose entitlement to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) product: Pubkey,
    pub(crate) beneficiary: Pubkey,
}

/// How much a caller's question must be news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// May be answered from memory.
    Remembered,
    /// The caller just proved who it is, probably because it just paid.
    JustSignedIn,
}

/// Why there is no reading. Never means that nobody paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReadFailure {
    /// The RPC server failed, was too slow, or answered nonsense.
    #[error("the chain could not be read ({0})")]
    Chain(&'static str),
    /// The RPC server is behind.
    #[error("the RPC server is behind what was seen before")]
    Lagging,
    /// Too many reads wait already.
    #[error("too many reads wait for the RPC server")]
    Overloaded,
}

/// A reading and the chain time to judge it by.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(crate) reading: Arc<EntitlementReading>,
    /// The reading's chain time, advanced by the reading's age.
    pub(crate) chain_time: UnixSeconds,
}

impl Observed {
    fn grants(&self) -> bool {
        self.reading
            .entitlement
            .as_ref()
            .is_some_and(|entitlement| entitlement.is_usable(self.chain_time))
    }
}

/// Where readings come from.
pub(crate) trait ReadEntitlement: Send + Sync + 'static {
    /// Reads the chain once; bounded in time.
    fn read(&self, key: Key)
    -> impl Future<Output = Result<EntitlementReading, ChainError>> + Send;
}

/// The bounds of the memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheLimits {
    pub(crate) max_staleness: Duration,
    pub(crate) capacity: usize,
    pub(crate) max_in_flight: usize,
    /// How long a read may wait for its turn.
    pub(crate) max_wait: Duration,
}

/// The memory. Cheap to clone.
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
    limits: CacheLimits,
    known: Cache<Key, Known>,
    flights: Mutex<HashMap<Key, Flight>>,
    turns: Semaphore,
    newest: Mutex<Newest>,
    next_flight: AtomicU64,
}

#[derive(Clone)]
struct Known {
    reading: Arc<EntitlementReading>,
    began: Instant,
}

impl Known {
    fn granted_when_read(&self) -> bool {
        let reading = &self.reading;
        reading
            .entitlement
            .as_ref()
            .is_some_and(|entitlement| entitlement.is_usable(reading.chain_time))
    }

    /// The reading as of `now`. Chain time moves in whole seconds; a begun second
    /// counts as a whole one, so that nothing is served at or after its expiry.
    fn observed(&self, now: Instant) -> Observed {
        let age = now.saturating_duration_since(self.began);
        let whole = age.as_secs() + u64::from(age.subsec_nanos() > 0);
        let whole = i64::try_from(whole).unwrap_or(i64::MAX);
        Observed {
            reading: Arc::clone(&self.reading),
            chain_time: UnixSeconds(self.reading.chain_time.0.saturating_add(whole)),
        }
    }
}

#[derive(Clone, Copy)]
struct Newest {
    slot: u64,
    seen: Instant,
}

type Outcome = Result<Known, ReadFailure>;

/// A read under way.
#[derive(Clone)]
struct Flight {
    number: u64,
    began: Instant,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl<R: ReadEntitlement> EntitlementCache<R> {
    pub(crate) fn new(reader: Arc<R>, health: Arc<ChainHealth>, limits: CacheLimits) -> Self {
        Self {
            shared: Arc::new(Shared {
                reader,
                health,
                limits,
                known: Cache::new(limits.capacity),
                flights: Mutex::new(HashMap::new()),
                turns: Semaphore::new(limits.max_in_flight),
                newest: Mutex::new(Newest {
                    slot: 0,
                    seen: Instant::now(),
                }),
                next_flight: AtomicU64::new(0),
            }),
        }
    }

    /// The entitlement of `key`, from memory or from the chain.
    pub(crate) async fn get(
        &self,
        key: Key,
        freshness: Freshness,
    ) -> Result<Observed, ReadFailure> {
        let arrived = Instant::now();
        if let Some(observed) = self.remembered_at(&key, freshness, arrived) {
            return Ok(observed);
        }
        let oldest_negative = oldest_negative(freshness, arrived);
        let mut flight = self.join(key, oldest_negative)?;
        let outcome = match flight.outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            // The read's task ended without an outcome: it panicked.
            Err(_) => None,
        };
        let known = outcome.unwrap_or(Err(ReadFailure::Chain("read_abandoned")))?;
        // Just read: the answer's own chain time is the best there is.
        Ok(Observed {
            chain_time: known.reading.chain_time,
            reading: known.reading,
        })
    }

    /// What memory may still say of `key`, without waiting.
    pub(crate) fn remembered(&self, key: &Key, freshness: Freshness) -> Option<Observed> {
        self.remembered_at(key, freshness, Instant::now())
    }

    fn remembered_at(&self, key: &Key, freshness: Freshness, now: Instant) -> Option<Observed> {
        let known = self.shared.known.get(key)?;
        let observed = known.observed(now);
        let stands = if observed.grants() {
            let age = now.saturating_duration_since(known.began);
            age <= self.shared.limits.max_staleness
        } else {
            // What has run out since it was read is asked for again: only the
            // chain may say that something expired.
            !known.granted_when_read() && known.began >= oldest_negative(freshness, now)
        };
        stands.then_some(observed)
    }

    /// A read of `key` that began at or after `not_before`.
    fn join(&self, key: Key, not_before: Instant) -> Result<Flight, ReadFailure> {
        let shared = &self.shared;
        let mut flights = shared
            .flights
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key)
            && flight.began >= not_before
        {
            return Ok(flight.clone());
        }
        let most = shared.limits.max_in_flight.saturating_mul(WAITING_PER_READ);
        if flights.len() >= most {
            return Err(ReadFailure::Overloaded);
        }
        let (sender, outcome) = watch::channel(None);
        let flight = Flight {
            number: shared.next_flight.fetch_add(1, Ordering::Relaxed),
            began: Instant::now(),
            outcome,
        };
        flights.insert(key, flight.clone());
        drop(flights);
        let task = Arc::clone(shared);
        let number = flight.number;
        let began = flight.began;
        tokio::spawn(async move {
            let landing = Landing {
                shared: Arc::clone(&task),
                key,
                number,
            };
            let outcome = task.read(key, began).await;
            drop(landing);
            // Nobody waits any more: nothing to say.
            let _ = sender.send(Some(outcome));
        });
        Ok(flight)
    }
}

/// When a read must have begun for its "no access" to count.
fn oldest_negative(freshness: Freshness, now: Instant) -> Instant {
    match freshness {
        Freshness::JustSignedIn => now,
        Freshness::Remembered => now.checked_sub(NEGATIVE_LIFETIME).unwrap_or(now),
    }
}

/// Takes a flight off the list when its read ends, however it ends.
struct Landing<R> {
    shared: Arc<Shared<R>>,
    key: Key,
    number: u64,
}

impl<R> Drop for Landing<R> {
    fn drop(&mut self) {
        let mut flights = self
            .shared
            .flights
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if flights
            .get(&self.key)
            .is_some_and(|flight| flight.number == self.number)
        {
            flights.remove(&self.key);
        }
    }
}

impl<R: ReadEntitlement> Shared<R> {
    async fn read(&self, key: Key, began: Instant) -> Outcome {
        let turn = timeout(self.limits.max_wait, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(ReadFailure::Overloaded);
        };
        let reading = self.reader.read(key).await.map_err(|error| {
            warn!(code = error.code(), %error, "reading an entitlement failed");
            ReadFailure::Chain(error.code())
        })?;
        let known = Known {
            reading: Arc::new(reading),
            began,
        };
        self.believe(key, &known)?;
        self.health.succeeded();
        self.known.insert(key, known.clone());
        Ok(known)
    }

    /// Rule 3: refuses what is older than what was seen.
    fn believe(&self, key: Key, new: &Known) -> Result<(), ReadFailure> {
        let now = Instant::now();
        let slot = new.reading.slot;
        if let Some(known) = self.known.peek(&key)
            && slot < known.reading.slot
            && now.saturating_duration_since(known.began) < SLOT_MEMORY
        {
            return Err(ReadFailure::Lagging);
        }
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten = now.saturating_duration_since(newest.seen) >= SLOT_MEMORY;
        if slot >= newest.slot || forgotten {
            *newest = Newest { slot, seen: now };
            return Ok(());
        }
        if new.reading.entitlement.is_none() && slot.saturating_add(MAX_LAG_SLOTS) < newest.slot {
            return Err(ReadFailure::Lagging);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
