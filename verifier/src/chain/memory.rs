//! The ledger for many threads: parts that are locked one at a time, and the view of
//! feed and clock that all parts share.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;
use tollgate_client::{Entitlement, UnixSeconds};

use super::ledger::{ClockReading, Finality, Hit, Ledger, LedgerLimits, Merged, Source, View};
use super::question::{Freshness, Key, Moment, Observed};

/// The most parts; a part has room for at least [`SMALLEST_PART`] entries.
const MOST_PARTS: usize = 16;
const SMALLEST_PART: usize = 4096;

/// The bounds of the memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryLimits {
    pub(crate) ledger: LedgerLimits,
    /// How long a refusal may be served: one slot at most.
    pub(crate) negative_lifetime: Duration,
    /// How much longer than `max_staleness` a known grant is served while no server
    /// can be read.
    pub(crate) outage_grace: Duration,
}

/// What is known of all entitlements.
pub(crate) struct Memory {
    parts: Box<[Mutex<Ledger>]>,
    view: RwLock<View>,
    hasher: RandomState,
    limits: MemoryLimits,
    origin: Instant,
}

impl Memory {
    pub(crate) fn new(limits: MemoryLimits) -> Self {
        let capacity = limits.ledger.capacity;
        let parts = (capacity / SMALLEST_PART).clamp(1, MOST_PARTS);
        // Keys do not spread evenly: each part has a little more room than its share.
        let slack = if parts > 1 { capacity / parts / 32 } else { 0 };
        let part = LedgerLimits {
            capacity: capacity / parts + slack,
            ..limits.ledger
        };
        let hasher = RandomState::new();
        Self {
            parts: (0..parts)
                .map(|_| Mutex::new(Ledger::new(part, hasher.clone())))
                .collect(),
            view: RwLock::new(View::default()),
            hasher,
            limits,
            origin: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        self.moment(Instant::now())
    }

    pub(crate) fn moment(&self, instant: Instant) -> Moment {
        Moment::of(instant, self.origin)
    }

    pub(crate) fn view(&self) -> View {
        *self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_view<T>(&self, change: impl FnOnce(&mut View) -> T) -> T {
        change(&mut self.view.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many entitlements are remembered.
    pub(crate) fn len(&self) -> usize {
        (0..self.parts.len())
            .filter_map(|number| self.locked(number))
            .map(|part| part.len())
            .sum()
    }

    /// Whether an entitlement of this key is remembered.
    pub(crate) fn knows(&self, key: &Key) -> bool {
        self.part(key).is_some_and(|part| part.knows(key))
    }

    /// Whether nothing more fits without something having to go.
    pub(crate) fn is_full(&self) -> bool {
        (0..self.parts.len())
            .filter_map(|number| self.locked(number))
            .any(|part| part.is_full())
    }

    /// The answer from memory to a question asked at `now`.
    pub(crate) fn lookup(&self, key: &Key, freshness: Freshness, now: Moment) -> Option<Hit> {
        let oldest_refusal = match freshness {
            Freshness::Remembered => now.before(self.limits.negative_lifetime),
            Freshness::Proven | Freshness::Claimed(_) => now,
            Freshness::Reread(_) => return None,
        };
        let view = self.view();
        let hit = self.part(key)?.lookup(key, now, oldest_refusal, &view)?;
        freshness.is_met_by(&hit.observed).then_some(hit)
    }

    /// Two providers said the same of `entitlement`.
    pub(crate) fn seconded(&self, key: &Key, entitlement: &Entitlement) {
        if let Some(mut part) = self.part(key) {
            part.seconded(key, entitlement);
        }
    }

    /// Whether two providers said the same of `entitlement`.
    pub(crate) fn is_seconded(&self, key: &Key, entitlement: Option<&Entitlement>) -> bool {
        let part = self.part(key);
        entitlement
            .is_some_and(|entitlement| part.is_some_and(|part| part.is_seconded(key, entitlement)))
    }

    /// What is known to grant while nothing can be read; where it takes a second opinion
    /// (`takes_second`), only what has one.
    pub(crate) fn lookup_in_outage(
        &self,
        key: &Key,
        now: Moment,
        takes_second: bool,
    ) -> Option<Observed> {
        let most = self.limits.ledger.max_staleness + self.limits.outage_grace;
        let view = self.view();
        self.part(key)?
            .lookup_in_outage(key, now, most, &view, takes_second)
    }

    /// Takes in a state at the configured commitment.
    pub(crate) fn merge(
        &self,
        key: &Key,
        found: Option<&Entitlement>,
        slot: u64,
        source: Source,
    ) -> Merged {
        let (now, view) = (self.now(), self.view());
        self.part(key).map_or(Merged::Older, |mut part| {
            part.merge(key, found, slot, source, now, &view)
        })
    }

    /// News of a key of which it is not known whether they hold ([`Ledger::doubt`]).
    #[cfg(feature = "yellowstone")]
    pub(crate) fn doubt(&self, key: &Key) {
        if let Some(mut part) = self.part(key) {
            part.doubt(key);
        }
    }

    /// A finalized reading of a key.
    pub(crate) fn finalized(
        &self,
        key: &Key,
        found: Option<&Entitlement>,
        slot: u64,
        time: UnixSeconds,
        began: Moment,
    ) -> Finality {
        self.part(key).map_or(Finality::Gone, |mut part| {
            part.finalized(key, found, slot, time, began)
        })
    }

    /// Chain time was read.
    pub(crate) fn saw_clock(&self, clock: ClockReading) {
        self.change_view(|view| view.saw(clock));
    }

    /// The feed reports from `since_slot` on; returns its number.
    pub(crate) fn feed_began(&self, since_slot: u64) -> u32 {
        let now = self.now();
        self.change_view(|view| view.feed_began(since_slot, now).epoch)
    }

    /// The feed has reported everything up to a slot.
    pub(crate) fn beat(&self, clock: ClockReading) {
        self.change_view(|view| view.beat(clock));
    }

    /// The feed broke off.
    pub(crate) fn feed_ended(&self) {
        self.change_view(View::feed_ended);
        for number in 0..self.parts.len() {
            if let Some(mut part) = self.locked(number) {
                part.gap();
            }
        }
    }

    /// Known grants that the present feed does not cover.
    pub(crate) fn uncovered(&self) -> Vec<Key> {
        let view = self.view();
        let (Some(feed), Some(clock)) = (view.feed, view.clock) else {
            return Vec::new();
        };
        (0..self.parts.len())
            .filter_map(|number| self.locked(number))
            .flat_map(|part| part.uncovered(feed.epoch, clock.time))
            .collect()
    }

    fn part(&self, key: &Key) -> Option<MutexGuard<'_, Ledger>> {
        let hash = self.hasher.hash_one((key.product, key.beneficiary));
        // The index inside a part uses the lower and the topmost bits.
        let spread = usize::try_from((hash >> 32) & 0xffff).unwrap_or(0);
        self.locked(spread % self.parts.len())
    }

    fn locked(&self, number: usize) -> Option<MutexGuard<'_, Ledger>> {
        let part = self.parts.get(number)?;
        Some(part.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The finality of grants that are to be watched: keys by the slot that has to be
/// final, bounded like the memory itself.
#[derive(Default)]
pub(crate) struct WatchList {
    waiting: Mutex<HashMap<Key, u64>>,
}

impl WatchList {
    /// Watches `key` until `slot` is final.
    pub(crate) fn add(&self, key: Key, slot: u64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = waiting.entry(key).or_insert(slot);
        *latest = slot.max(*latest);
    }

    pub(crate) fn len(&self) -> usize {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.len()
    }

    /// Takes at most `most` keys whose slot is at or below `final_slot`.
    pub(crate) fn take_due(&self, final_slot: u64, most: usize) -> Vec<(Key, u64)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let due: Vec<(Key, u64)> = waiting
            .iter()
            .filter(|(_, slot)| **slot <= final_slot)
            .map(|(key, slot)| (*key, *slot))
            .take(most)
            .collect();
        for (key, _) in &due {
            waiting.remove(key);
        }
        due
    }
}
