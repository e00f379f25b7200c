//! Judges a whole history.

mod answers;
mod grants;
mod limits;
mod money;
mod refusals;
mod timeline;

use std::fmt;

use crate::history::History;

/// Which promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// No service without an entitlement.
    I1,
    /// Whoever has paid is served.
    I2,
    /// One payment for one purchase.
    I3,
    /// The unknown is not called unpaid.
    I4,
    /// No call of the upstream before a grant.
    I5,
    /// Nothing stored that must not be.
    I6,
    /// What waits is bounded.
    I7,
    /// Limits hold, and only where they are in force.
    I8,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// How, with the events that show it.
    pub detail: String,
}

impl Violation {
    fn new(invariant: Invariant, detail: impl Into<String>) -> Self {
        Self {
            invariant,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {}", self.invariant, self.detail)
    }
}

/// Every violation of a history.
#[must_use]
pub fn judge(history: &History) -> Vec<Violation> {
    let timeline = timeline::Timeline::of(history);
    let mut violations = Vec::new();
    grants::check(history, &timeline, &mut violations);
    refusals::check(history, &timeline, &mut violations);
    money::check(history, &mut violations);
    answers::check(history, &mut violations);
    limits::check(history, &mut violations);
    violations
}
