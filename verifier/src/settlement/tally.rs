//! What came of settlements, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use super::outcome::Outcome;
use crate::metrics::{Sample, SampleValue};

/// Counters for metrics.
#[derive(Debug, Default)]
pub(super) struct Tally {
    outcomes: [AtomicU64; OUTCOMES.len()],
    recovered: AtomicU64,
    recovery_failures: AtomicU64,
}

/// The values of the label `outcome`.
const OUTCOMES: [&str; 6] = [
    "paid",
    "served_without_payment",
    "refused",
    "pending",
    "duplicate",
    "not_begun",
];

impl Tally {
    /// A request for a settlement has its answer.
    pub(super) fn ended(&self, outcome: &Outcome) {
        let place = match outcome {
            Outcome::Paid(paid) if paid.signature.is_some() => 0,
            Outcome::Paid(_) => 1,
            Outcome::Refused(_) => 2,
            Outcome::Pending { .. } => 3,
            Outcome::Duplicate { .. } => 4,
            Outcome::Bounded(_) | Outcome::Busy | Outcome::Unavailable(_) => 5,
        };
        if let Some(counter) = self.outcomes.get(place) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The recovery task has tried to finish something.
    pub(super) fn recovered(&self, done: bool) {
        let counter = if done {
            &self.recovered
        } else {
            &self.recovery_failures
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The numbers, with the relay's lamports where they are known.
    pub(super) fn samples(&self, balance: Option<u64>) -> Vec<Sample> {
        let outcomes = OUTCOMES
            .iter()
            .zip(&self.outcomes)
            .map(|(name, count)| {
                let labels = vec![("outcome", (*name).to_owned())];
                (labels, count.load(Ordering::Relaxed))
            })
            .collect();
        vec![
            Sample {
                name: "settlements",
                help: "Requests that paid by a plain transfer, by how they ended",
                value: SampleValue::Counters(outcomes),
            },
            Sample {
                name: "settlements_recovered",
                help: "Unfinished purchases that were finished, given back or closed",
                value: SampleValue::Counter(self.recovered.load(Ordering::Relaxed)),
            },
            Sample {
                name: "settlements_recovery_failures",
                help: "Unfinished purchases that could not be looked after; it is tried again",
                value: SampleValue::Counter(self.recovery_failures.load(Ordering::Relaxed)),
            },
            Sample {
                name: "relay_lamports",
                help: "What the relay has to pay fees and rent with; 0 before it is known",
                // Exact up to nine million SOL.
                value: SampleValue::Gauge(balance.unwrap_or(0) as f64),
            },
        ]
    }
}
