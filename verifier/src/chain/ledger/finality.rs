//! What becomes of a grant when its slot is final.

use tollgate_client::{Entitlement, UnixSeconds};

use super::Ledger;
use super::entry::{Entry, Standing, flag};
use crate::chain::question::{Key, Moment};

/// The verdict of a finalized reading on what is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finality {
    /// Finalized as remembered, or with a later state that grants as well.
    Final,
    /// What is remembered is of a later slot than the reading: to be asked again when
    /// this slot is final.
    Pending(u64),
    /// It granted, and the finalized chain knows nothing of it, or nothing that
    /// grants. It is not served any more.
    Withdrawn,
    /// It is not remembered any more, or granted nothing.
    Gone,
}

impl Ledger {
    /// Compares what is remembered of `key` with a finalized reading as of `slot`,
    /// which the whole cluster can no longer take back. `time` is that reading's
    /// chain time.
    pub(crate) fn finalized(
        &mut self,
        key: &Key,
        found: Option<&Entitlement>,
        slot: u64,
        time: UnixSeconds,
        began: Moment,
    ) -> Finality {
        let Some(place) = self.find(key) else {
            return Finality::Gone;
        };
        let Some(line) = self.line_at(place) else {
            return Finality::Gone;
        };
        let Some(entry) = self.slab.get_mut(place) else {
            return Finality::Gone;
        };
        if entry.slot > slot {
            return Finality::Pending(entry.slot);
        }
        if found.is_some_and(|found| entry.is(found)) {
            entry.set(flag::FINAL);
            entry.clear(flag::WATCHED);
            return Finality::Final;
        }
        let granted = entry
            .entitlement(&line.product, &line.merchant)
            .is_usable(time);
        let grants = found.is_some_and(|found| found.is_usable(time));
        let standing = Standing {
            slot,
            checked: began,
            // What differs from the feed's word is not covered by it.
            epoch: 0,
        };
        match found {
            Some(found) => {
                *entry = Entry::new(found, entry.product, standing);
                entry.set(flag::FINAL);
            }
            None => {
                self.remove(place);
                // It orders what comes later, but is nothing to answer with.
                self.note_absent(key, standing, false);
            }
        }
        match (granted, grants) {
            (true, false) => Finality::Withdrawn,
            (_, true) => Finality::Final,
            (false, false) => Finality::Gone,
        }
    }
}
