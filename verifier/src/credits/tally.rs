//! What happened, in numbers that only grow: for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// One number.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many so far.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Every number, since the start of this process.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Credits that requests used.
    pub(crate) used: Count,
    /// Requests that found too few credits.
    pub(crate) short: Count,
    /// Requests that the store could not answer.
    pub(crate) store_failures: Count,
    /// Settlements that did not reach the store; their credits count as used.
    pub(crate) settlements_lost: Count,
    /// Credits booked on chain.
    pub(crate) booked: Count,
    /// Transactions sent to book them.
    pub(crate) booking_transactions: Count,
    /// Bookings that failed or whose fate is not known; they are tried again.
    pub(crate) booking_failures: Count,
}

impl Tally {
    /// The numbers by their stable names.
    pub(crate) fn counts(&self) -> [(&'static str, u64); 7] {
        [
            ("credits_used", self.used.get()),
            ("credits_short", self.short.get()),
            ("credits_store_failures", self.store_failures.get()),
            ("credits_settlements_lost", self.settlements_lost.get()),
            ("credits_booked", self.booked.get()),
            (
                "credits_booking_transactions",
                self.booking_transactions.get(),
            ),
            ("credits_booking_failures", self.booking_failures.get()),
        ]
    }
}

/// One line about a number of [`Tally::counts`].
pub(super) fn meaning(name: &str) -> &'static str {
    match name {
        "credits_used" => "Credits that requests used",
        "credits_short" => "Requests that found too few credits",
        "credits_store_failures" => "Requests that the store could not answer",
        "credits_settlements_lost" => "Settlements lost; their credits count as used",
        "credits_booked" => "Credits booked on chain",
        "credits_booking_transactions" => "Transactions sent to book credits",
        _ => "Bookings that failed or whose fate is not known; they are tried again",
    }
}
