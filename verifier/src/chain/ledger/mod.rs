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
mod slab;
#[cfg(test)]
mod tests;
mod view;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tollgate_client::{Entitlement, EntitlementReading, Pubkey, UnixSeconds};

use self::entry::{Entry, Standing, flag};
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
        let slot = entry.slot;
        if unwatched {
            entry.set(flag::WATCHED);
        }
        Some(Hit {
            observed: observed(Some(entitlement), slot, clock.time, chain_time),
            watch: unwatched.then_some(slot),
        })
    }

    /// What is known to grant, however old up to `max_age`: for an outage of all
    /// servers. Expiry and disputes count as ever.
    pub(crate) fn lookup_in_outage(
        &self,
        key: &Key,
        now: Moment,
        max_age: Duration,
        view: &View,
    ) -> Option<Observed> {
        let clock = view.clock?;
        let place = self.find(key)?;
        let (entry, line) = (self.slab.get(place)?, self.line_at(place)?);
        let fresh = now.since(right_at(entry, view)) <= max_age;
        if entry.has(flag::DISPUTED) || !fresh {
            return None;
        }
        let entitlement = entry.entitlement(&line.product, &line.merchant);
        let chain_time = clock.advanced(now);
        let observed = observed(Some(entitlement), entry.slot, clock.time, chain_time);
        observed.grants().then_some(observed)
    }

    /// Takes in a state at the configured commitment.
    pub(crate) fn merge(
        &mut self,
        key: &Key,
        found: Option<&Entitlement>,
        slot: u64,
        source: Source,
        now: Moment,
        view: &View,
    ) -> Merged {
        match self.find(key) {
            Some(place) => self.merge_known(place, key, found, slot, source, now, view),
            None => self.merge_unknown(key, found, slot, source, now, view),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one event")]
    fn merge_known(
        &mut self,
        place: u32,
        key: &Key,
        found: Option<&Entitlement>,
        slot: u64,
        source: Source,
        now: Moment,
        view: &View,
    ) -> Merged {
        let covered = self.slab.get(place).is_some_and(|entry| {
            let by_feed = view.feed.is_some_and(|feed| feed.epoch == entry.epoch);
            by_feed && !entry.has(flag::DISPUTED)
        });
        let standing = self.standing(slot, source, now, view, covered);
        let slot_memory = self.limits.slot_memory;
        let Some(entry) = self.slab.get_mut(place) else {
            return Merged::Older;
        };
        let same = found.is_some_and(|found| entry.is(found));
        let disputed = entry.has(flag::DISPUTED);
        let read = matches!(source, Source::Read(_));
        // The chain began anew, if nothing confirms the larger slot for long.
        let outlived = read && now.since(right_at(entry, view)) >= slot_memory;
        if slot < entry.slot && !outlived {
            return Merged::Older;
        }
        if slot == entry.slot && !same && !(disputed && read) {
            entry.set(flag::DISPUTED);
            return Merged::Contradicts;
        }
        match found {
            Some(_) if same => {
                entry.slot = slot;
                entry.checked = entry.checked.max(standing.checked);
                // A feed that covers it keeps covering it.
                if standing.epoch != 0 {
                    entry.epoch = standing.epoch;
                }
                entry.clear(flag::DISPUTED);
            }
            Some(found) => {
                let product = entry.product;
                let touched = entry.flags & flag::TOUCHED;
                *entry = Entry::new(found, product, standing);
                entry.set(touched);
            }
            None => {
                self.remove(place);
                self.note_absent(key, standing, true);
            }
        }
        Merged::Accepted
    }

    fn merge_unknown(
        &mut self,
        key: &Key,
        found: Option<&Entitlement>,
        slot: u64,
        source: Source,
        now: Moment,
        view: &View,
    ) -> Merged {
        let standing = self.standing(slot, source, now, view, false);
        let read = matches!(source, Source::Read(_));
        if let Some(absent) = self.absent.get_mut(key) {
            let outlived = read && now.since(absent.checked) >= self.limits.slot_memory;
            let settles = read && !absent.stands && slot == absent.slot;
            let newer = slot > absent.slot || settles || outlived;
            let confirms = found.is_none() && slot == absent.slot;
            if !newer && !confirms {
                let contradicts = slot == absent.slot;
                // News of the key, whatever it is worth.
                absent.stands = false;
                return if contradicts {
                    Merged::Contradicts
                } else {
                    Merged::Older
                };
            }
        }
        match found {
            None => self.note_absent(key, standing, true),
            Some(found) => {
                self.absent.remove(key);
                let Some(product) = self.line(found) else {
                    // More products than numbers: it is not remembered.
                    return Merged::Accepted;
                };
                let mut entry = Entry::new(found, product, standing);
                if !read && slot <= self.forgotten {
                    // Something newer of this key may have been forgotten.
                    entry.set(flag::DISPUTED);
                }
                self.insert(entry);
            }
        }
        Merged::Accepted
    }

    /// A notice of a lesser commitment that the key may have lost its access: it is
    /// read again before anything is served. Such notices grant nothing.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for feeds that report `processed`")
    )]
    pub(crate) fn doubt(&mut self, key: &Key) {
        if let Some(absent) = self.absent.get_mut(key) {
            absent.stands = false;
        }
        if let Some(entry) = self.find(key).and_then(|place| self.slab.get_mut(place)) {
            entry.set(flag::DISPUTED);
        }
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

    /// How new a state is, and whether the feed covers it from here on. What it did
    /// not cover before (`covered`) must not be older than anything forgotten.
    fn standing(
        &self,
        slot: u64,
        source: Source,
        now: Moment,
        view: &View,
        covered: bool,
    ) -> Standing {
        let checked = match source {
            Source::Read(began) => began,
            // Reported when the slot was complete, or just before.
            Source::Feed => view.feed.map_or(now, |feed| feed.beat),
        };
        let feed = view.feed.filter(|feed| {
            let reported = source == Source::Feed || slot >= feed.since_slot;
            reported && (covered || slot >= self.forgotten)
        });
        Standing {
            slot,
            checked,
            epoch: feed.map_or(0, |feed| feed.epoch),
        }
    }

    fn note_absent(&mut self, key: &Key, standing: Standing, stands: bool) {
        let most = (self.limits.capacity / ABSENT_SHARE).max(FEWEST_ABSENT);
        if self.absent.len() >= most && !self.absent.contains_key(key) {
            self.forget_absent(standing.checked);
        }
        let absent = Absent {
            slot: standing.slot,
            checked: standing.checked,
            stands,
        };
        self.absent.insert(*key, absent);
    }

    /// Makes room among the refusals: the older half goes.
    fn forget_absent(&mut self, now: Moment) {
        let mut ages: Vec<Duration> = self
            .absent
            .values()
            .map(|absent| now.since(absent.checked))
            .collect();
        let middle = ages.len() / 2;
        let (_, median, _) = ages.select_nth_unstable(middle);
        let median = *median;
        let mut newest = 0;
        let most = self.absent.len() / 2;
        let mut gone = 0;
        self.absent.retain(|_, absent| {
            let goes = now.since(absent.checked) >= median && gone <= most;
            if goes {
                gone += 1;
                newest = newest.max(absent.slot);
            }
            !goes
        });
        self.forgotten = self.forgotten.max(newest);
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
    }
}
