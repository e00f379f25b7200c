//! One settlement at a time for each payer and product: in this process. Between
//! processes the intents on chain keep the order ([`super::plan`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as Lock, OwnedMutexGuard};
use tollgate_client::Pubkey;

/// Most requests of one payer for one product at a time, the one at work among them:
/// nobody takes all places by asking over and over.
const MOST_WAITING: usize = 6;

/// A payer and a product account.
type Key = (Pubkey, Pubkey);

/// Who is at work. As large as the number of settlements in flight.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<Key, Arc<Lock<()>>>>);

/// The right to settle for one payer and product; ends when dropped. Whoever was paid
/// for holds it until the access is used, so that nobody behind can take it first.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    key: Key,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for the turn of `payer` and `product`; `None` at once when too many wait for
    /// it already.
    pub(crate) async fn take(self: &Arc<Self>, payer: Pubkey, product: Pubkey) -> Option<Turn> {
        let key = (payer, product);
        let lock = {
            let mut table = self.table();
            let lock = table.entry(key).or_default();
            if Arc::strong_count(lock) > MOST_WAITING {
                return None;
            }
            Arc::clone(lock)
        };
        // Made before waiting, so that giving up leaves nothing behind.
        let mut turn = Turn {
            turns: Arc::clone(self),
            key,
            guard: None,
        };
        turn.guard = Some(lock.lock_owned().await);
        Some(turn)
    }

    /// The turn, if nobody is at work.
    pub(crate) fn try_take(self: &Arc<Self>, payer: Pubkey, product: Pubkey) -> Option<Turn> {
        let key = (payer, product);
        let lock = Arc::clone(self.table().entry(key).or_default());
        let mut turn = Turn {
            turns: Arc::clone(self),
            key,
            guard: None,
        };
        turn.guard = Some(lock.try_lock_owned().ok()?);
        Some(turn)
    }

    fn table(&self) -> MutexGuard<'_, HashMap<Key, Arc<Lock<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut table = self.turns.table();
        self.guard = None;
        // Whoever waits holds the lock's other handle; handles are made under this
        // table's lock only.
        let unused = table
            .get(&self.key)
            .is_some_and(|lock| Arc::strong_count(lock) == 1);
        if unused {
            table.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn key(number: u8) -> Pubkey {
        Pubkey::new_from_array([number; 32])
    }

    #[tokio::test]
    async fn turns_come_one_after_the_other_and_leave_nothing_behind() {
        let turns = Arc::new(Turns::default());
        let first = turns.take(key(1), key(2)).await.unwrap();
        assert!(turns.try_take(key(1), key(2)).is_none());
        // Others do not wait.
        drop(turns.take(key(3), key(2)).await.unwrap());
        let waiting = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { turns.take(key(1), key(2)).await }
        });
        tokio::task::yield_now().await;
        let given_up = turns.take(key(1), key(2));
        drop(Box::pin(given_up));
        drop(first);
        let second = waiting.await.unwrap().unwrap();
        assert!(turns.try_take(key(1), key(2)).is_none());
        drop(second);
        assert!(turns.table().is_empty());
    }

    #[tokio::test]
    async fn only_a_few_wait_for_one_turn() {
        let turns = Arc::new(Turns::default());
        let mut takings = Vec::new();
        for _ in 0..=MOST_WAITING {
            let mut taking = Box::pin(turns.take(key(1), key(2)));
            let taken = futures::poll!(&mut taking);
            takings.push((taking, taken));
        }
        let refused = takings.pop().unwrap().1;
        assert!(matches!(refused, std::task::Poll::Ready(None)));
        drop(takings);
        assert!(turns.table().is_empty());
    }
}
