//! The credits of one entitlement: a pure account of what was granted, used,
//! reserved and booked.
//!
//! * `granted` and `booked` are the chain's: all credits granted so far, and all
//!   that are booked as used there.
//! * `used` counts everything used, booked or not; `reserved` what requests in
//!   flight have taken and may still give back.
//!
//! What is left is `granted - used - reserved`, and never below zero. All are
//! totals over one [`Life`] of the account, so that learning the same reading or
//! booking the same total twice changes nothing.

use tollgate_client::{Credits, Entitlement, UnixSeconds};

/// One life of an entitlement account, in which its totals only add up.
///
/// `created_at` changes when the account is closed and created again; `generation`
/// when it begins anew after a revocation or a lapse, which voids what is unused.
/// The order is the order in time: the program makes both grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Life {
    /// When the account came into being.
    pub(crate) created_at: UnixSeconds,
    /// How often it has begun anew since.
    pub(crate) generation: u64,
}

/// What one reading of the chain says of an entitlement's credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChainView {
    /// Which life it is about.
    pub(crate) life: Life,
    /// The slot of the reading: a later one knows better.
    pub(crate) slot: u64,
    /// All credits granted. Falls when a payment is refunded.
    pub(crate) granted: Credits,
    /// All credits booked as used. Never falls.
    pub(crate) booked: Credits,
}

impl ChainView {
    /// The view of an entitlement that was read at `slot`.
    pub(crate) fn of(entitlement: &Entitlement, slot: u64) -> Self {
        Self {
            life: Life {
                created_at: entitlement.created_at,
                generation: entitlement.generation,
            },
            slot,
            granted: entitlement.credits_granted,
            booked: entitlement.credits_used,
        }
    }
}

/// A view of a life that is over: somebody has seen a later one. Whoever holds it
/// has to read the chain again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reading is older than the entitlement's present life")]
pub(crate) struct Outdated;

/// What came of asking for credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reserved {
    /// They are taken; this much is left after them.
    Taken {
        /// Credits left for others.
        remaining: Credits,
    },
    /// There are fewer; nothing was taken.
    Short {
        /// Credits that are left.
        remaining: Credits,
    },
}

/// The credits of one entitlement in its present life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// What the chain last said.
    pub(crate) chain: ChainView,
    /// Credits used, booked or not.
    pub(crate) used: Credits,
    /// Credits that requests in flight have taken.
    pub(crate) reserved: Credits,
}

impl Ledger {
    /// A life about which nothing is known but the chain's word.
    pub(crate) fn new(chain: ChainView) -> Self {
        Self {
            chain,
            used: chain.booked,
            reserved: Credits(0),
        }
    }

    /// Learns from a reading. A later life starts anew: the credits of the one
    /// before are void, and so is what was used of them without being booked.
    ///
    /// # Errors
    /// [`Outdated`] for a reading of an earlier life.
    pub(crate) fn learn(&mut self, view: ChainView) -> Result<(), Outdated> {
        if view.life < self.chain.life {
            return Err(Outdated);
        }
        if view.life > self.chain.life {
            *self = Self::new(view);
            return Ok(());
        }
        if view.slot >= self.chain.slot {
            self.chain.slot = view.slot;
            self.chain.granted = view.granted;
        }
        // The program never lets it fall, so that an old reading cannot be wrong.
        self.chain.booked = self.chain.booked.max(view.booked);
        self.used = self.used.max(self.chain.booked);
        Ok(())
    }

    /// What is left for new requests.
    pub(crate) fn remaining(&self) -> Credits {
        self.chain
            .granted
            .remaining_after(self.used)
            .remaining_after(self.reserved)
    }

    /// Takes `cost` credits for a request, or none of them.
    pub(crate) fn reserve(&mut self, cost: Credits) -> Reserved {
        let remaining = self.remaining();
        if remaining < cost {
            return Reserved::Short { remaining };
        }
        self.reserved = sum(self.reserved, cost);
        Reserved::Taken {
            remaining: self.remaining(),
        }
    }

    /// Keeps reserved credits: they are used.
    pub(crate) fn commit(&mut self, cost: Credits) {
        let cost = cost.min(self.reserved);
        self.reserved = self.reserved.remaining_after(cost);
        self.used = sum(self.used, cost);
    }

    /// Gives reserved credits back.
    pub(crate) fn release(&mut self, cost: Credits) {
        self.reserved = self.reserved.remaining_after(cost);
    }

    /// The total that can be booked on chain now; `None` when the chain knows it.
    ///
    /// Never what is reserved, because a booking cannot be taken back; and never
    /// more than was granted, which the program would refuse: after a refund, more
    /// may have been used than is granted any longer.
    pub(crate) fn bookable(&self) -> Option<Credits> {
        let total = self.used.min(self.chain.granted);
        (total > self.chain.booked).then_some(total)
    }
}

/// Sums of credits stay far below the limit; at it, they stop rather than wrap,
/// which leaves nobody more than was granted.
fn sum(left: Credits, right: Credits) -> Credits {
    Credits(left.0.saturating_add(right.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(generation: u64, slot: u64, granted: u64, booked: u64) -> ChainView {
        ChainView {
            life: Life {
                created_at: UnixSeconds(100),
                generation,
            },
            slot,
            granted: Credits(granted),
            booked: Credits(booked),
        }
    }

    fn take(ledger: &mut Ledger, count: u64) {
        for _ in 0..count {
            assert!(matches!(ledger.reserve(Credits(1)), Reserved::Taken { .. }));
            ledger.commit(Credits(1));
        }
    }

    #[test]
    fn credits_end_and_a_renewal_adds_to_them() {
        let mut ledger = Ledger::new(view(0, 1, 2, 0));
        take(&mut ledger, 2);
        let short = Reserved::Short {
            remaining: Credits(0),
        };
        assert_eq!(ledger.reserve(Credits(1)), short);
        assert_eq!(ledger.learn(view(0, 2, 5, 0)), Ok(()));
        assert_eq!(ledger.remaining(), Credits(3));
        assert_eq!(
            ledger.reserve(Credits(4)),
            Reserved::Short {
                remaining: Credits(3)
            }
        );
    }

    #[test]
    fn what_is_reserved_is_neither_left_nor_bookable() {
        let mut ledger = Ledger::new(view(0, 1, 3, 0));
        assert!(matches!(ledger.reserve(Credits(2)), Reserved::Taken { .. }));
        assert_eq!(ledger.remaining(), Credits(1));
        assert_eq!(ledger.bookable(), None);
        ledger.release(Credits(2));
        assert_eq!(ledger.remaining(), Credits(3));
        take(&mut ledger, 1);
        assert_eq!(ledger.bookable(), Some(Credits(1)));
        assert_eq!(ledger.learn(view(0, 2, 3, 1)), Ok(()));
        assert_eq!(ledger.bookable(), None);
    }

    #[test]
    fn a_refund_takes_back_what_is_unused_and_what_was_used_stays_used() {
        let mut ledger = Ledger::new(view(0, 1, 20, 0));
        take(&mut ledger, 15);
        // One of two payments of ten is refunded before anything was booked.
        assert_eq!(ledger.learn(view(0, 2, 10, 0)), Ok(()));
        assert_eq!(ledger.remaining(), Credits(0));
        assert_eq!(ledger.bookable(), Some(Credits(10)));
        // The next payment pays the five that were used beyond it first.
        assert_eq!(ledger.learn(view(0, 3, 20, 10)), Ok(()));
        assert_eq!(ledger.remaining(), Credits(5));
    }

    #[test]
    fn an_older_reading_takes_nothing_back_and_grants_nothing_again() {
        let mut ledger = Ledger::new(view(0, 5, 10, 4));
        assert_eq!(ledger.learn(view(0, 4, 50, 2)), Ok(()));
        assert_eq!(ledger.remaining(), Credits(6));
    }

    #[test]
    fn a_new_life_starts_anew_and_the_old_one_does_not_come_back() {
        let mut ledger = Ledger::new(view(0, 5, 10, 0));
        take(&mut ledger, 7);
        assert_eq!(ledger.learn(view(1, 6, 12, 2)), Ok(()));
        assert_eq!(ledger.remaining(), Credits(10));
        assert_eq!(ledger.learn(view(0, 7, 10, 0)), Err(Outdated));
        let recreated = ChainView {
            life: Life {
                created_at: UnixSeconds(101),
                generation: 0,
            },
            ..view(0, 8, 3, 0)
        };
        assert_eq!(ledger.learn(recreated), Ok(()));
        assert_eq!(ledger.remaining(), Credits(3));
    }
}
