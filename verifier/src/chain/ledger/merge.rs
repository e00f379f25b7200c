//! Taking in news: which state holds, and what covers it.

use std::time::Duration;

use tollgate_client::Entitlement;

use super::entry::{Entry, Standing, flag};
use super::{ABSENT_SHARE, Absent, FEWEST_ABSENT, Ledger, Merged, Source, View, right_at};
use crate::chain::question::{Key, Moment};

impl Ledger {
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
                let mut kept = flag::TOUCHED;
                if entry.covers(found) {
                    kept |= flag::SECONDED;
                }
                let kept = entry.flags & kept;
                *entry = Entry::new(found, product, standing);
                entry.set(kept);
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

    pub(super) fn note_absent(&mut self, key: &Key, standing: Standing, stands: bool) {
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
}
