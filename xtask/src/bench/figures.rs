//! Figures and their medians.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::population::Population;

/// What one load measured, as `benches/gate` prints it.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Figures {
    /// Requests that were measured.
    pub requests: u64,
    /// Answers with another status than expected.
    pub unexpected: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Requests per second.
    pub per_second: f64,
    /// Latencies, in microseconds.
    pub p50_us: u64,
    /// One in a hundred took longer.
    pub p99_us: u64,
    /// One in a thousand took longer.
    pub p999_us: u64,
    /// The longest.
    pub max_us: u64,
    /// Processor time of the server per request, in microseconds.
    pub cpu_us: f64,
    /// Account readings of the server while it was measured; `None` without a chain.
    pub chain_reads: Option<u64>,
}

/// How long users waited, in milliseconds, sorted.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
pub struct Users {
    /// The chain's slot.
    pub slot_ms: u64,
    /// From the confirmation of a payment to the first 200.
    pub paid_to_served_ms: Vec<u64>,
    /// From the confirmation of a revocation to the first refusal.
    pub revoked_to_refused_ms: Vec<u64>,
}

/// Everything that was measured.
#[derive(Clone, Debug, Default)]
pub struct Results {
    rounds: BTreeMap<&'static str, Vec<Figures>>,
    /// How long users waited.
    pub users: Users,
    /// What many entitlements cost, by their number.
    pub populations: Vec<Population>,
}

impl Results {
    /// Adds a round of a row.
    pub fn add(&mut self, row: &'static str, figures: Figures) {
        self.rounds.entry(row).or_default().push(figures);
    }

    /// The median of a figure over the rounds of a row.
    pub fn median(&self, row: &str, figure: impl Fn(&Figures) -> f64) -> Option<f64> {
        let mut values: Vec<f64> = self.rounds.get(row)?.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        if values.len() % 2 == 1 {
            return values.get(middle).copied();
        }
        let low = values.get(middle.checked_sub(1)?)?;
        Some(f64::midpoint(*low, *values.get(middle)?))
    }

    /// The median over the rounds of a row's speed divided by another's in the same
    /// round: what hits both in a round cancels out.
    pub fn ratio(&self, row: &str, against: &str, figure: impl Fn(&Figures) -> f64) -> Option<f64> {
        let these = self.rounds.get(row)?;
        let those = self.rounds.get(against)?;
        let mut ratios = Self::default();
        for (this, that) in these.iter().zip(those) {
            let quotient = figure(this) / figure(that);
            ratios.add(
                "",
                Figures {
                    per_second: quotient,
                    ..this.clone()
                },
            );
        }
        ratios.median("", |figures| figures.per_second)
    }

    /// A sum over the rounds of a row.
    pub fn sum(&self, row: &str, figure: impl Fn(&Figures) -> u64) -> u64 {
        let rounds = self.rounds.get(row).into_iter().flatten();
        rounds.map(figure).sum()
    }
}

#[cfg(test)]
pub mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    /// A round with this speed.
    pub fn speed(per_second: f64) -> Figures {
        Figures {
            requests: 100,
            unexpected: 0,
            seconds: 1.0,
            per_second,
            p50_us: 1,
            p99_us: 2,
            p999_us: 3,
            max_us: 4,
            cpu_us: 5.0,
            chain_reads: None,
        }
    }

    #[test]
    fn medians_and_ratios_go_by_rounds() {
        let mut results = Results::default();
        // The second round was slow for both.
        for (bare, gate) in [(100.0, 90.0), (50.0, 40.0), (120.0, 120.0)] {
            results.add("bare", speed(bare));
            results.add("gate", speed(gate));
        }
        let of = |figures: &Figures| figures.per_second;
        assert_eq!(results.median("bare", of), Some(100.0));
        assert_eq!(results.ratio("gate", "bare", of), Some(0.9));
        assert_eq!(results.sum("bare", |figures| figures.requests), 300);
        assert_eq!(results.median("nothing", of), None);
        results.add("gate", speed(200.0));
        assert_eq!(results.median("gate", of), Some(105.0));
    }
}
