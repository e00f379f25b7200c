//! What is remembered of entitlements: a state machine without I/O and without a
//! clock. Events and times are arguments, so that every order of events can be tried.
//!
//! The rules, in the order in which they matter:
//!
//! 1. **Order.** Of two states the one as of the later slot holds. Two different
//!    states as of one slot contradict each other: neither is served, and the next
//!    read decides.
//! 2. **Grants are fresh.** What grants access is served while it was known to be
//!    right at most `max_staleness` ago: when its read began, or when the feed that
//!    covers it last completed a slot. Never at or after its expiry by chain time.
//! 3. **Refusals are fragile.** What grants nothing is served for one slot, never to
//!    somebody who may just have paid, and not at all after news of the same key or a
//!    gap of the feed. It is still remembered as of its slot, so that older news
//!    cannot bring back what it ended.
//! 4. **A feed covers only what it began before.** A state read as of an earlier slot
//!    than the feed's first may have changed unseen: it is fresh by its read alone.
//! 5. **Room is bounded.** What has to go takes its slot along: news of a key that is
//!    not known, older than anything forgotten, is not trusted for long.
//!
//! An account that is closed is not reported by `programSubscribe`. The program lets
//! only those be closed that grant nothing any more, so a missed end cannot keep
//! anything open.

mod entry;
mod finality;
mod merge;
mod slab;
#[cfg(test)]
mod tests;
mod view;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tollgate_client::{Entitlement, EntitlementReading, Pubkey, UnixSeconds};

use self::entry::{Entry, flag};
pub(crate) use self::finality::Finality;
use self::slab::Slab;
pub(crate) use self::view::{ClockReading, View};
use super::question::{Key, Moment, Observed};

/// One refusal for this many entries of room, and at least [`FEWEST_ABSENT`].
const ABSENT_SHARE: usize = 8;
const FEWEST_ABSENT: usize = 64;

/// The bounds of a ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LedgerLimits {
    /// The most entitlements.
    pub(crate) capacity: usize,
    /// The published bound on the age of a grant.
    pub(crate) max_staleness: Duration,
    /// After this time a smaller slot is believed again: the cluster behind the
    /// servers was restarted (a local chain), and no memory may block it for ever.
    pub(crate) slot_memory: Duration,
}

/// Where a state comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// An RPC server answered for its slot; the read began then.
    Read(Moment),
    /// The feed reported a change in that slot.
    Feed,
}

/// What became of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merged {
    /// It is what is known now.
    Accepted,
    /// Something newer is known.
    Older,
    /// It contradicts what is known as of the same slot: to be read again.
    Contradicts,
}

/// An answer from memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) observed: Observed,
    /// It grants, is not final, and is served for the first time: as of this slot its
    /// finality has to be watched.
    pub(crate) watch: Option<u64>,
    /// Whether two providers said so.
    pub(crate) seconded: bool,
}

struct Absent {
    slot: u64,
    checked: Moment,
    /// Whether it may still be served; if not, it only keeps order.
    stands: bool,
}

/// What one address may hold: a product of a merchant.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Line {
    product: Pubkey,
    merchant: Pubkey,
}

/// One part of the memory.
pub(crate) struct Ledger {
    slab: Slab,
    absent: HashMap<Key, Absent>,
    lines: Vec<Line>,
    limits: LedgerLimits,
    hasher: RandomState,
    /// The newest slot of anything that had to go.
    forgotten: u64,
}

impl Ledger {
    pub(crate) fn new(limits: LedgerLimits, hasher: RandomState) -> Self {
        Self {
            slab: Slab::new(limits.capacity),
            absent: HashMap::new(),
            lines: Vec::new(),
            limits,
            hasher,
            forgotten: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    pub(crate) fn knows(&self, key: &Key) -> bool {
        self.find(key).is_some()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.slab.is_full()
    }

    /// The answer from memory. A refusal has to be right as of `oldest_refusal`.
    pub(crate) fn lookup(
        &mut self,
        key: &Key,
        now: Moment,
        oldest_refusal: Moment,
        view: &View,
    ) -> Option<Hit> {
        let clock = view.clock?;
        let chain_time = clock.advanced(now);
        let Some(place) = self.find(key) else {
            let absent = self.absent.get(key)?;
            let stands = absent.stands && absent.checked >= oldest_refusal;
            return stands.then(|| Hit {
                observed: observed(None, absent.slot, clock.time, chain_time),
                watch: None,
                seconded: false,
            });
        };
        let max_staleness = self.limits.max_staleness;
        let line = self.line_at(place)?;
        let entry = self.slab.get_mut(place)?;
        if entry.has(flag::DISPUTED) {
            return None;
        }
        entry.set(flag::TOUCHED);
        let right_at = right_at(entry, view);
        let entitlement = entry.entitlement(&line.product, &line.merchant);
        let grants = entitlement.is_usable(chain_time);
        let stands = if grants {
            now.since(right_at) <= max_staleness
        } else {
            // What has run out since the chain was last heard of is asked for again:
            // only the chain may say that something expired.
            !entitlement.is_usable(clock.time) && right_at >= oldest_refusal
        };
        if !stands {
            return None;
        }
        let unwatched = grants && !entry.has(flag::FINAL) && !entry.has(flag::WATCHED);
        let (slot, seconded) = (entry.slot, entry.has(flag::SECONDED));
        if unwatched {
            entry.set(flag::WATCHED);
        }
        Some(Hit {
            observed: observed(Some(entitlement), slot, clock.time, chain_time),
            watch: unwatched.then_some(slot),
            seconded,
        })
    }

    /// What is known to grant, however old up to `max_age`: for an outage of all
    /// servers. Expiry and disputes count as ever, and a second opinion where one is
    /// taken.
    pub(crate) fn lookup_in_outage(
        &self,
        key: &Key,
        now: Moment,
        max_age: Duration,
        view: &View,
        takes_second: bool,
    ) -> Option<Observed> {
        let clock = view.clock?;
        let place = self.find(key)?;
        let (entry, line) = (self.slab.get(place)?, self.line_at(place)?);
        let fresh = now.since(right_at(entry, view)) <= max_age;
        let confirmed = !takes_second || entry.has(flag::SECONDED);
        if entry.has(flag::DISPUTED) || !fresh || !confirmed {
            return None;
        }
        let entitlement = entry.entitlement(&line.product, &line.merchant);
        let chain_time = clock.advanced(now);
        let observed = observed(Some(entitlement), entry.slot, clock.time, chain_time);
        observed.grants().then_some(observed)
    }

    /// Another provider said the same of `entitlement` as the one that it was learnt
    /// from. It holds for this state, and for what grants no more than it.
    pub(crate) fn seconded(&mut self, key: &Key, entitlement: &Entitlement) {
        let place = self.find(key);
        if let Some(entry) = place.and_then(|place| self.slab.get_mut(place))
            && entry.is(entitlement)
        {
            entry.set(flag::SECONDED);
        }
    }

    /// A notice that the key may have changed, of a lesser commitment or of a slot whose
    /// fate is unknown: it is read again before anything is served. Such notices grant
    /// nothing.
    #[cfg(any(test, feature = "yellowstone"))]
    pub(crate) fn doubt(&mut self, key: &Key) {
        if let Some(absent) = self.absent.get_mut(key) {
            absent.stands = false;
        }
        if let Some(entry) = self.find(key).and_then(|place| self.slab.get_mut(place)) {
            entry.set(flag::DISPUTED);
        }
    }

    /// Whether that was said of `entitlement`.
    pub(crate) fn is_seconded(&self, key: &Key, entitlement: &Entitlement) -> bool {
        let place = self.find(key);
        place
            .and_then(|place| self.slab.get(place))
            .is_some_and(|entry| entry.has(flag::SECONDED) && entry.is(entitlement))
    }

    /// The feed broke off: no refusal stands any more.
    pub(crate) fn gap(&mut self) {
        for absent in self.absent.values_mut() {
            absent.stands = false;
        }
    }

    /// The keys of entries that grant by `time` but that `epoch` does not cover yet.
    pub(crate) fn uncovered(&self, epoch: u32, time: UnixSeconds) -> Vec<Key> {
        self.slab
            .iter()
            .filter(|entry| entry.epoch != epoch)
            .filter_map(|entry| {
                let line = self.lines.get(usize::from(entry.product))?;
                let entitlement = entry.entitlement(&line.product, &line.merchant);
                entitlement.is_usable(time).then_some(Key {
                    product: line.product,
                    beneficiary: entry.beneficiary,
                })
            })
            .collect()
    }

    fn insert(&mut self, entry: Entry) {
        let (hasher, lines) = (&self.hasher, &self.lines);
        let evicted = self
            .slab
            .insert(entry, |entry| hash_of(hasher, lines, entry));
        if let Some(evicted) = evicted {
            self.forgotten = self.forgotten.max(evicted.slot);
        }
    }

    fn remove(&mut self, place: u32) {
        let (hasher, lines) = (&self.hasher, &self.lines);
        self.slab
            .remove(place, |entry| hash_of(hasher, lines, entry));
    }

    fn find(&self, key: &Key) -> Option<u32> {
        let hash = self.hasher.hash_one((key.product, key.beneficiary));
        self.slab.find(hash, |entry| {
            entry.beneficiary == key.beneficiary
                && self
                    .lines
                    .get(usize::from(entry.product))
                    .is_some_and(|line| line.product == key.product)
        })
    }

    fn line_at(&self, place: u32) -> Option<Line> {
        let number = self.slab.get(place)?.product;
        self.lines.get(usize::from(number)).copied()
    }

    /// The number of an entitlement's product, a new one if need be.
    fn line(&mut self, entitlement: &Entitlement) -> Option<u16> {
        let line = Line {
            product: entitlement.product,
            merchant: entitlement.merchant,
        };
        let known = self.lines.iter().position(|known| *known == line);
        let number = known.unwrap_or(self.lines.len());
        let number = u16::try_from(number).ok()?;
        if known.is_none() {
            self.lines.push(line);
        }
        Some(number)
    }
}

/// When an entry was last known to be right.
fn right_at(entry: &Entry, view: &View) -> Moment {
    let covered = view.covered(entry.epoch).unwrap_or_default();
    entry.checked.max(covered)
}

fn hash_of(hasher: &RandomState, lines: &[Line], entry: &Entry) -> u64 {
    let product = lines
        .get(usize::from(entry.product))
        .map(|line| line.product)
        .unwrap_or_default();
    hasher.hash_one((product, entry.beneficiary))
}

fn observed(
    entitlement: Option<Entitlement>,
    slot: u64,
    read_time: UnixSeconds,
    chain_time: UnixSeconds,
) -> Observed {
    Observed {
        reading: EntitlementReading {
            slot,
            chain_time: read_time,
            entitlement,
        },
        chain_time,
        remembered: true,
    }
}
