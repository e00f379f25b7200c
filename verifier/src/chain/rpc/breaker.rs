//! When a failing server is left alone, and when it is tried again.
//!
//! Closed: in use. Open: not asked until a time. Half open: that time has come, and one
//! call finds out. Times are arguments.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row that open it.
const FAILURES: u32 = 3;
/// The first rest; each further one is twice as long.
const FIRST_REST: Duration = Duration::from_millis(250);
/// The longest rest, also when a server asks for more: an endpoint that is back must
/// be found within seconds.
const LONGEST_REST: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { since: Instant },
}

/// The breaker of one server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Breaker {
    state: State,
    failures: u32,
    rests: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            state: State::Closed,
            failures: 0,
            rests: 0,
        }
    }
}

impl Breaker {
    /// Whether a call may be made now.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        match self.state {
            State::Closed => true,
            State::Open { until } => now >= until,
            // Somebody finds out already, unless that call never told.
            State::HalfOpen { since } => now >= since + LONGEST_REST,
        }
    }

    /// A call begins. When a rest is over, it is the one that finds out: its outcome
    /// has to be told.
    pub(crate) fn begins(&mut self, now: Instant) {
        if self.state != State::Closed && self.admits(now) {
            self.state = State::HalfOpen { since: now };
        }
    }

    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// A call failed. `rest` is how long the server asks to be left alone; naming a
    /// time opens the breaker at once.
    pub(crate) fn failed(&mut self, now: Instant, rest: Option<Duration>) {
        self.failures = self.failures.saturating_add(1);
        let found_out = matches!(self.state, State::HalfOpen { .. });
        let open = matches!(self.state, State::Open { .. });
        if open || !(found_out || rest.is_some() || self.failures >= FAILURES) {
            return;
        }
        let doubled = FIRST_REST.saturating_mul(1 << self.rests.min(8));
        let rest = rest.unwrap_or(doubled).max(doubled).min(LONGEST_REST);
        self.rests = self.rests.saturating_add(1);
        self.state = State::Open { until: now + rest };
    }

    /// 0 closed, 1 half open, 2 open.
    pub(crate) fn number(&self) -> u8 {
        match self.state {
            State::Closed => 0,
            State::HalfOpen { .. } => 1,
            State::Open { .. } => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_a_row_open_it_and_one_call_finds_out() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        breaker.failed(start, None);
        breaker.failed(start, None);
        breaker.succeeded();
        breaker.failed(start, None);
        breaker.failed(start, None);
        assert!(breaker.admits(start));
        breaker.failed(start, None);
        assert!(!breaker.admits(start));
        let later = start + FIRST_REST;
        assert!(breaker.admits(later), "one call finds out");
        breaker.begins(later);
        assert!(!breaker.admits(later), "and only one");
        breaker.failed(later, None);
        assert!(
            !breaker.admits(later + FIRST_REST),
            "the second rest is longer"
        );
        assert!(breaker.admits(later + FIRST_REST * 2));
        breaker.succeeded();
        assert_eq!(breaker.number(), 0);
    }

    #[test]
    fn a_server_that_asks_for_patience_gets_a_bounded_one_at_once() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        breaker.failed(start, Some(Duration::from_secs(3600)));
        assert!(!breaker.admits(start));
        assert!(breaker.admits(start + LONGEST_REST));
    }

    #[test]
    fn a_call_that_never_tells_does_not_shut_the_server_out() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        breaker.failed(start, Some(Duration::ZERO));
        let probe = start + LONGEST_REST;
        breaker.begins(probe);
        assert!(!breaker.admits(probe + FIRST_REST));
        assert!(breaker.admits(probe + LONGEST_REST));
    }
}
