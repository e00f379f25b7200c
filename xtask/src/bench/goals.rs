//! What the figures have to come to.

use serde::Serialize;

use super::figures::Results;
use super::population::Population;
use super::rows::{BARE, BARE_402, LAYER_402, LAYER_SESSION, PEER_PAID, PROXY_MISS, PROXY_SESSION};
use crate::error::Error;

/// How much longer than a slot a user may wait after the confirmation of a payment.
const PAID_TO_SERVED_OVER_A_SLOT_MS: u64 = 50;
/// The published bound on the service of a revoked entitlement, as the verifier's
/// configuration has it by default.
const MAX_STALENESS_MS: u64 = 2_000;
/// How much more a request may cost among the most entitlements than among the fewest.
/// What a processor's caches do not hold costs a fraction of a microsecond; the rest is
/// what two measurements on a busy machine differ by.
const FLAT: f64 = 1.15;

/// One goal.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub struct Goal {
    /// What is judged.
    pub name: &'static str,
    /// What was measured; `None` when it was not.
    pub measured: Option<f64>,
    /// What it has to be.
    pub bound: Bound,
}

/// What a figure has to be.
#[derive(Clone, Copy, Debug, Serialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// At least so much.
    AtLeast(f64),
    /// At most so much.
    AtMost(f64),
}

impl Goal {
    /// Whether it is reached; what was not measured is not.
    pub fn holds(&self) -> bool {
        self.measured.is_some_and(|measured| match self.bound {
            Bound::AtLeast(least) => measured >= least,
            Bound::AtMost(most) => measured <= most,
        })
    }
}

/// Holds the results against the goals.
pub fn judge(results: &Results) -> Vec<Goal> {
    let speed = |figures: &super::figures::Figures| figures.per_second;
    let count = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let unexpected = super::rows::ROWS
        .iter()
        .map(|row| results.sum(row.name, |figures| figures.unexpected))
        .chain(
            results
                .populations
                .iter()
                .map(|population| population.unexpected),
        )
        .sum();
    let reads = |row: &str| results.sum(row, |figures| figures.chain_reads.unwrap_or(0));
    let misses = results.sum(PROXY_MISS, |figures| figures.requests);
    let users = &results.users;
    let populations = &results.populations;
    let reads_of_known: u64 = populations
        .iter()
        .map(|population| population.chain_reads)
        .sum();
    let (fewest, most) = (populations.first(), populations.last());
    let of_most = |figure: fn(&Population) -> f64| most.map(figure);
    let longest = |waits: &[u64]| waits.last().copied().map(count);
    vec![
        Goal {
            name: "answers with another status than expected",
            measured: Some(count(unexpected)),
            bound: Bound::AtMost(0.0),
        },
        Goal {
            name: "402 of the layer / bare axum with the same bytes",
            measured: results.ratio(LAYER_402, BARE_402, speed),
            bound: Bound::AtLeast(0.85),
        },
        Goal {
            name: "paid session through the layer / bare axum",
            measured: results.ratio(LAYER_SESSION, BARE, speed),
            bound: Bound::AtLeast(0.90),
        },
        Goal {
            name: "paid session through the layer / x402-axum paid",
            measured: results.ratio(LAYER_SESSION, PEER_PAID, speed),
            bound: Bound::AtLeast(3.0),
        },
        Goal {
            name: "chain readings while sessions are served from memory",
            measured: Some(count(
                reads(LAYER_SESSION) + reads(PROXY_SESSION) + reads_of_known,
            )),
            bound: Bound::AtMost(0.0),
        },
        Goal {
            name: "chain readings per miss",
            measured: (misses > 0).then(|| count(reads(PROXY_MISS)) / count(misses)),
            bound: Bound::AtMost(1.1),
        },
        Goal {
            name: "a million entitlements: seconds until all are known",
            measured: of_most(|population| population.ready_seconds),
            bound: Bound::AtMost(60.0),
        },
        Goal {
            name: "a million entitlements: most memory meanwhile, MB",
            measured: of_most(|population| population.peak_mb),
            bound: Bound::AtMost(300.0),
        },
        Goal {
            name: "cost per request among a million / among a thousand",
            measured: fewest
                .zip(most)
                .map(|(fewest, most)| most.cpu_us / fewest.cpu_us),
            bound: Bound::AtMost(FLAT),
        },
        Goal {
            name: "longest wait of a user after the confirmation, ms",
            measured: longest(&users.paid_to_served_ms),
            bound: Bound::AtMost(count(users.slot_ms + PAID_TO_SERVED_OVER_A_SLOT_MS)),
        },
        Goal {
            name: "longest service after a confirmed revocation, ms",
            measured: longest(&users.revoked_to_refused_ms),
            bound: Bound::AtMost(count(MAX_STALENESS_MS)),
        },
    ]
}

/// Fails when a goal is missed.
///
/// # Errors
/// [`Error::OverLimit`] with every goal that was missed.
pub fn require(goals: &[Goal]) -> Result<(), Error> {
    let missed: Vec<_> = goals
        .iter()
        .filter(|goal| !goal.holds())
        .map(|goal| goal.name)
        .collect();
    if missed.is_empty() {
        return Ok(());
    }
    Err(Error::OverLimit {
        detail: missed.join("; "),
    })
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::speed;
    use super::*;

    fn results(bare: f64, demand: f64) -> Results {
        let mut results = Results::default();
        results.add(BARE_402, speed(bare));
        results.add(LAYER_402, speed(demand));
        results
    }

    fn holds(results: &Results, name: &str) -> bool {
        judge(results)
            .iter()
            .any(|goal| goal.name.starts_with(name) && goal.holds())
    }

    #[test]
    fn bounds_are_inclusive() {
        assert!(holds(&results(100.0, 85.0), "402 of the layer"));
        assert!(!holds(&results(100.0, 84.9), "402 of the layer"));
    }

    #[test]
    fn what_was_not_measured_is_missed() {
        let goals = judge(&results(100.0, 100.0));
        assert!(require(&goals).is_err());
        assert!(!holds(&results(100.0, 100.0), "longest wait"));
    }

    #[test]
    fn one_wrong_answer_spoils_the_run() {
        let mut wrong = speed(100.0);
        wrong.unexpected = 1;
        let mut results = Results::default();
        results.add(BARE, wrong);
        assert!(!holds(&results, "answers with another status"));
    }
}
