//! Carrying out the calls of the cache: who travels with which, and what becomes of the
//! answers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::cache::{Ask, Grant, Provider, ReadBatch, Shared};
use super::desk::{Boarded, Outcome};
use super::question::{Freshness, Key, Observed, ReadFailure};

/// How long a question waits for others to share its call.
const GATHERING: Duration = Duration::from_millis(2);

/// A key whose read this call carries out. Ends its flight, however the call ends.
struct Passenger<'a, R> {
    shared: &'a Shared<R>,
    ask: Ask,
    number: u64,
    sender: watch::Sender<Option<Outcome>>,
}

impl<R> Passenger<'_, R> {
    fn arrive(self, outcome: Outcome) {
        // First off the list, so that whoever hears the outcome and asks again is not
        // given it again.
        self.shared.land(&self.ask.key, self.number);
        // Nobody waits any more: nothing to say.
        let _ = self.sender.send(Some(outcome));
    }
}

impl<R> Drop for Passenger<'_, R> {
    fn drop(&mut self) {
        self.shared.land(&self.ask.key, self.number);
    }
}

impl<R: ReadBatch> Shared<R> {
    pub(super) fn spawn_call(self: &Arc<Self>) {
        let shared = Arc::clone(self);
        tokio::spawn(async move { shared.call().await });
    }

    /// Takes on passengers for one call, and has another made for those who are left.
    fn board(self: &Arc<Self>) -> Vec<Passenger<'_, R>> {
        let (boarded, more) = self.desk().board(Instant::now());
        if more {
            self.spawn_call();
        }
        let passenger = |Boarded {
                             ask,
                             number,
                             sender,
                         }| Passenger {
            shared: self,
            ask,
            number,
            sender,
        };
        boarded.into_iter().map(passenger).collect()
    }

    /// One call: waits for company and for its turn, and reads.
    async fn call(self: &Arc<Self>) {
        tokio::time::sleep(GATHERING).await;
        let turn = timeout(self.limits.max_wait, self.turns.acquire()).await;
        let passengers = self.board();
        if passengers.is_empty() {
            return;
        }
        let Ok(Ok(_turn)) = turn else {
            self.counters.overloaded.add(passengers.len());
            for passenger in passengers {
                passenger.arrive(Err(ReadFailure::Overloaded));
            }
            return;
        };
        self.counters.batches.one();
        self.counters.batched_keys.add(passengers.len());
        let began = Instant::now();
        let asks: Vec<Ask> = passengers.iter().map(|passenger| passenger.ask).collect();
        let mut answers = self.reader.read(&asks).await.into_iter();
        let (mut large, mut grants) = (Vec::new(), Vec::new());
        for passenger in passengers {
            let answer = answers
                .next()
                .unwrap_or(Err(ReadFailure::Chain("read_abandoned")));
            let outcome = answer.and_then(|answer| {
                let observed = self.take_in(&passenger.ask.key, &answer, began)?;
                Ok((observed, answer.provider))
            });
            match outcome {
                Ok((observed, provider)) if self.takes_second(&passenger.ask.key, &observed) => {
                    grants.extend(grant(passenger.ask.key, &observed, provider));
                    large.push((passenger, observed));
                }
                Ok((observed, _)) => self.bring(passenger, observed, began),
                Err(failure) => passenger.arrive(Err(failure)),
            }
        }
        if !large.is_empty() {
            self.confirm(large, &grants, began).await;
        }
    }

    fn bring(&self, passenger: Passenger<'_, R>, observed: Observed, began: Instant) {
        if observed.grants() {
            // Known to be there: only to find out whether it is watched already.
            let _ = self.remembered(&passenger.ask.key, Freshness::Remembered, began);
        }
        passenger.arrive(Ok(observed));
    }

    /// Whether what was just read takes a second opinion that it does not have.
    fn takes_second(&self, key: &Key, observed: &Observed) -> bool {
        observed.grants()
            && self.dear.contains(&key.product)
            && !self
                .memory
                .is_seconded(key, observed.reading.entitlement.as_ref())
    }

    /// Has large grants confirmed by other providers, and remembers it.
    async fn confirm(
        &self,
        large: Vec<(Passenger<'_, R>, Observed)>,
        grants: &[Grant],
        began: Instant,
    ) {
        let mut opinions = self.reader.confirm(grants).await.into_iter();
        for ((passenger, observed), grant) in large.into_iter().zip(grants) {
            match opinions.next().unwrap_or(Err(ReadFailure::Unconfirmed)) {
                Ok(()) => {
                    self.counters.second_opinions.agreed.one();
                    self.memory.seconded(&grant.key, &grant.entitlement);
                    self.bring(passenger, observed, began);
                }
                Err(failure) => {
                    self.counters.second_opinions.refused(failure);
                    passenger.arrive(Err(failure));
                }
            }
        }
    }
}

/// A grant to be confirmed.
fn grant(key: Key, observed: &Observed, provider: Provider) -> Option<Grant> {
    Some(Grant {
        key,
        entitlement: observed.reading.entitlement?,
        slot: observed.reading.slot,
        provider,
    })
}
