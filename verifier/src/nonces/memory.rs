//! The nonces used lately at one replica.

use std::collections::{HashMap, VecDeque};
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::{Answer, Booking, LIFETIME, NonceStore, NonceUse};

/// The most nonces remembered at once; about 20 MiB.
pub(crate) const MAX_NONCES: usize = 100_000;

/// The nonces used lately at this replica.
pub(crate) struct NonceMemory {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By whom each is used; `None` when it was given back. Its place stays, so that
    /// using and giving back in turns does not fill the memory.
    used_by: HashMap<String, Option<u64>>,
    /// The same nonces with the time of their first use, the oldest first.
    by_age: VecDeque<(Instant, String)>,
}

impl NonceMemory {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            state: Mutex::new(State::default()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn was_used(&self, nonce: &str) -> bool {
        self.state().used_by.get(nonce).is_some_and(Option::is_some)
    }

    fn use_up(&self, booking: &Booking) -> NonceUse {
        let now = Instant::now();
        let mut state = self.state();
        state.forget_old(now);
        let room = state.used_by.len() < self.most;
        match state.used_by.get_mut(&booking.nonce) {
            Some(Some(_)) => NonceUse::Replayed,
            Some(free) => {
                *free = Some(booking.id);
                NonceUse::First
            }
            None if !room => NonceUse::Full,
            None => {
                let nonce = booking.nonce.clone();
                state.used_by.insert(nonce.clone(), Some(booking.id));
                state.by_age.push_back((now, nonce));
                NonceUse::First
            }
        }
    }

    fn free(&self, booking: &Booking) {
        if let Some(used_by) = self.state().used_by.get_mut(&booking.nonce)
            && *used_by == Some(booking.id)
        {
            *used_by = None;
        }
    }
}

impl NonceStore for NonceMemory {
    fn is_used<'a>(&'a self, nonce: &'a str) -> Answer<'a, bool> {
        Box::pin(ready(Ok(self.was_used(nonce))))
    }

    fn book<'a>(&'a self, booking: &'a Booking) -> Answer<'a, NonceUse> {
        Box::pin(ready(Ok(self.use_up(booking))))
    }

    fn give_back(&self, booking: Booking) -> BoxFuture<'static, ()> {
        self.free(&booking);
        Box::pin(ready(()))
    }
}

impl State {
    fn forget_old(&mut self, now: Instant) {
        while let Some((used_at, _)) = self.by_age.front()
            && now.saturating_duration_since(*used_at) >= LIFETIME
        {
            if let Some((_, nonce)) = self.by_age.pop_front() {
                self.used_by.remove(&nonce);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn booking(nonce: &str, id: u64) -> Booking {
        Booking {
            nonce: nonce.to_owned(),
            id,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_nonce_is_good_once_and_forgotten_when_it_is_too_old_to_matter() {
        let memory = NonceMemory::new(10);
        assert_eq!(memory.use_up(&booking("a", 1)), NonceUse::First);
        assert_eq!(memory.use_up(&booking("a", 2)), NonceUse::Replayed);
        assert_eq!(memory.use_up(&booking("b", 3)), NonceUse::First);
        tokio::time::sleep(LIFETIME - Duration::from_secs(1)).await;
        assert_eq!(memory.use_up(&booking("a", 4)), NonceUse::Replayed);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(memory.use_up(&booking("a", 5)), NonceUse::First);
        let state = memory.state();
        assert_eq!((state.used_by.len(), state.by_age.len()), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_memory_refuses_instead_of_forgetting() {
        let memory = NonceMemory::new(2);
        assert_eq!(memory.use_up(&booking("a", 1)), NonceUse::First);
        assert_eq!(memory.use_up(&booking("b", 2)), NonceUse::First);
        assert_eq!(memory.use_up(&booking("c", 3)), NonceUse::Full);
        assert_eq!(memory.use_up(&booking("a", 4)), NonceUse::Replayed);
        tokio::time::sleep(LIFETIME).await;
        assert_eq!(memory.use_up(&booking("c", 5)), NonceUse::First);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_given_back_may_be_used_again_and_takes_no_more_room() {
        let memory = NonceMemory::new(2);
        for id in 0..10 {
            assert_eq!(memory.use_up(&booking("a", id)), NonceUse::First);
            assert!(memory.was_used("a"));
            // Only by whom it was taken.
            memory.free(&booking("a", id + 1));
            assert!(memory.was_used("a"));
            memory.free(&booking("a", id));
            assert!(!memory.was_used("a"));
        }
        assert_eq!(memory.use_up(&booking("b", 20)), NonceUse::First);
        assert_eq!(memory.state().by_age.len(), 2);
    }
}
