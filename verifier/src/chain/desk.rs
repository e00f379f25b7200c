//! Questions on their way to the chain: who waits for which read.

use std::collections::HashMap;

use tokio::sync::watch;
use tokio::time::Instant;

use super::KEYS_PER_CALL;
use super::question::{Freshness, Key, Observed, ReadFailure};
use super::reading::Ask;

/// What came of a read.
pub(super) type Outcome = Result<Observed, ReadFailure>;

/// Hears of the outcome of a read; `None` until then.
pub(super) type Waiting = watch::Receiver<Option<Outcome>>;

/// The read of one key.
struct Flight {
    number: u64,
    /// `None` while it waits for its call.
    began: Option<Instant>,
    claim: u64,
    as_of: u64,
    outcome: Waiting,
    sender: Option<watch::Sender<Option<Outcome>>>,
}

impl Flight {
    /// Whether an answer may be none although a server answered: it names a slot.
    fn names_slot(&self) -> bool {
        self.claim > 0 || self.as_of > 0
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Desk {
    flights: HashMap<Key, Flight>,
    /// Keys whose read has not begun.
    waiting: Vec<Key>,
    /// Calls that will take some of them.
    scheduled: usize,
    next_flight: u64,
}

/// A place in a read.
pub(super) struct Place {
    pub(super) outcome: Waiting,
    /// Whether one more call has to be made for it.
    pub(super) needs_call: bool,
}

/// One key of a call that begins.
pub(super) struct Boarded {
    pub(super) ask: Ask,
    pub(super) number: u64,
    pub(super) sender: watch::Sender<Option<Outcome>>,
}

impl Desk {
    /// A place in the read of `key` that answers a question of this freshness: in one
    /// that has not begun before `oldest`, or in a new one. `None` when more than `most`
    /// wait already.
    pub(super) fn join(
        &mut self,
        key: Key,
        freshness: Freshness,
        oldest: Instant,
        most: usize,
    ) -> Option<Place> {
        let (claim, as_of) = (freshness.claimed_slot(), freshness.least_slot());
        if let Some(flight) = self.flights.get_mut(&key)
            && flight.began.is_none_or(|began| began >= oldest)
        {
            if flight.began.is_none() {
                flight.claim = flight.claim.max(claim);
                flight.as_of = flight.as_of.max(as_of);
            }
            return Some(Place {
                outcome: flight.outcome.clone(),
                needs_call: false,
            });
        }
        if self.flights.len() >= most || self.waiting.len() >= most {
            return None;
        }
        let (sender, outcome) = watch::channel(None);
        self.next_flight = self.next_flight.wrapping_add(1);
        let flight = Flight {
            number: self.next_flight,
            began: None,
            claim,
            as_of,
            outcome: outcome.clone(),
            sender: Some(sender),
        };
        self.flights.insert(key, flight);
        self.waiting.push(key);
        Some(Place {
            outcome,
            needs_call: self.schedule(),
        })
    }

    /// Whether one more call is needed for those who wait; it counts as scheduled.
    fn schedule(&mut self) -> bool {
        let needed = self.scheduled.saturating_mul(KEYS_PER_CALL) < self.waiting.len();
        if needed {
            self.scheduled += 1;
        }
        needed
    }

    /// Takes on as many waiting keys as fit into one call; their reads begin now. Those
    /// that name a slot go by themselves: a slot that no server has reached, whether it
    /// is a lie or not, must not keep the others waiting.
    ///
    /// Returns whether one more call is needed for those who are left.
    pub(super) fn board(&mut self, began: Instant) -> (Vec<Boarded>, bool) {
        self.scheduled = self.scheduled.saturating_sub(1);
        let names_slot =
            |desk: &Self, key: &Key| desk.flights.get(key).is_some_and(Flight::names_slot);
        let Some(first) = self.waiting.first() else {
            return (Vec::new(), false);
        };
        let kind = names_slot(self, first);
        let (mut taken, mut left) = (Vec::new(), Vec::new());
        for key in std::mem::take(&mut self.waiting) {
            if taken.len() < KEYS_PER_CALL && names_slot(self, &key) == kind {
                taken.push(key);
            } else {
                left.push(key);
            }
        }
        self.waiting = left;
        let boarded = taken
            .into_iter()
            .filter_map(|key| {
                let flight = self.flights.get_mut(&key)?;
                flight.began = Some(began);
                Some(Boarded {
                    ask: Ask {
                        key,
                        claim: flight.claim,
                        as_of: flight.as_of,
                    },
                    number: flight.number,
                    sender: flight.sender.take()?,
                })
            })
            .collect();
        (boarded, self.schedule())
    }

    /// Whether nobody waits and nothing is under way.
    #[cfg(test)]
    pub(super) fn is_clear(&self) -> bool {
        self.flights.is_empty() && self.waiting.is_empty()
    }

    /// The read `number` of `key` has ended, however.
    pub(super) fn land(&mut self, key: &Key, number: u64) {
        if self
            .flights
            .get(key)
            .is_some_and(|flight| flight.number == number)
        {
            self.flights.remove(key);
        }
    }
}
