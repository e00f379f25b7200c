//! Credits that one request holds.

use std::sync::atomic::{AtomicU8, Ordering};

use tollgate_client::Credits;
use tollgate_gate::{Charge, Outcome};

use super::settling::Settling;
use super::store::{Settled, Settlement};

/// Not admitted yet: dropped, it gives the credits back.
const PENDING: u8 = 0;
/// Admitted: dropped, it was abandoned.
const ADMITTED: u8 = 1;
/// Over.
const ENDED: u8 = 2;

/// Credits that a request has taken, or may have taken. Ends exactly once: by an
/// outcome, or by being dropped.
pub(crate) struct Reservation {
    settled: Settled,
    rule: Charge,
    /// What is left beside it.
    remaining: Credits,
    settling: Settling,
    state: AtomicU8,
}

impl Reservation {
    /// Credits that are about to be asked for. It exists before the question, so
    /// that they are given back also when nobody waits for the answer any more.
    pub(super) fn new(settled: Settled, rule: Charge, settling: Settling) -> Self {
        Self {
            settled,
            rule,
            remaining: Credits(0),
            settling,
            state: AtomicU8::new(PENDING),
        }
    }

    /// The store said yes, and how much is left beside it.
    pub(super) fn taken(mut self, remaining: Credits) -> Self {
        self.remaining = remaining;
        self
    }

    /// The store said no: there is nothing to give back.
    pub(super) fn denied(self) {
        self.state.store(ENDED, Ordering::Relaxed);
    }

    /// What was left before it, beside what other requests in flight hold.
    pub(crate) fn left_before(&self) -> Credits {
        Credits(self.remaining.0.saturating_add(self.settled.cost.0))
    }

    /// The request goes to the upstream now: what is dropped from here on counts.
    pub(crate) fn admit(&self) {
        let _ =
            self.state
                .compare_exchange(PENDING, ADMITTED, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Keeps the credits or gives them back, by the route's rule. Returns what is
    /// left afterwards.
    pub(crate) fn end(&self, outcome: Outcome) -> Credits {
        let settlement = if self.rule.keeps(outcome) {
            Settlement::Commit
        } else {
            Settlement::Release
        };
        self.settle(settlement);
        match settlement {
            Settlement::Commit => self.remaining,
            Settlement::Release => self.left_before(),
        }
    }

    fn settle(&self, settlement: Settlement) {
        if self.state.swap(ENDED, Ordering::Relaxed) != ENDED {
            self.settling.settle(Settled {
                settlement,
                ..self.settled
            });
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        match self.state.load(Ordering::Relaxed) {
            PENDING => self.settle(Settlement::Release),
            ADMITTED => drop(self.end(Outcome::Abandoned)),
            _ => {}
        }
    }
}

impl std::fmt::Debug for Reservation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Reservation")
            .field("settled", &self.settled)
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}
