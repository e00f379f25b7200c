//! A sign-in is good for one use.
//!
//! The gate's nonces are stateless: any replica recognises one that any replica
//! made. That a nonce was *used* is remembered here, in this process, until it
//! would be refused for its age anyway.
//!
//! The limit of this, stated once: with N replicas a stolen sign-in can be replayed
//! once at each of the other replicas within five minutes. It gives the thief no
//! more than the session token that the first use handed out.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tollgate_gate::limits::{CLOCK_SKEW, MAX_SIWX_AGE};

/// The most nonces remembered at once; about 15 MiB.
pub(crate) const MAX_NONCES: usize = 100_000;

/// How long a nonce could still be accepted after its first use.
const LIFETIME: Duration = Duration::from_secs(MAX_SIWX_AGE.0 + 2 * CLOCK_SKEW.0);

/// What became of a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NonceUse {
    /// It was not used before; now it is.
    First,
    /// It was used before.
    Replayed,
    /// Nobody can say: the memory is full of nonces that are still young.
    Full,
}

/// The nonces used lately.
pub(crate) struct NonceMemory {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    used: HashSet<String>,
    /// The same nonces with the time of their use, the oldest first.
    by_age: VecDeque<(Instant, String)>,
}

impl NonceMemory {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            state: Mutex::new(State::default()),
        }
    }

    /// Whether `nonce` was used before.
    pub(crate) fn is_used(&self, nonce: &str) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.used.contains(nonce)
    }

    /// Books the use of `nonce`. To be called only after its signature was
    /// verified, so that nobody can use up another's nonce or fill the memory
    /// without signing.
    pub(crate) fn book(&self, nonce: &str) -> NonceUse {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.forget_old(now);
        if state.used.contains(nonce) {
            return NonceUse::Replayed;
        }
        if state.used.len() >= self.most {
            return NonceUse::Full;
        }
        state.used.insert(nonce.to_owned());
        state.by_age.push_back((now, nonce.to_owned()));
        NonceUse::First
    }
}

impl State {
    fn forget_old(&mut self, now: Instant) {
        while let Some((used_at, _)) = self.by_age.front()
            && now.saturating_duration_since(*used_at) >= LIFETIME
        {
            if let Some((_, nonce)) = self.by_age.pop_front() {
                self.used.remove(&nonce);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_nonce_is_good_once_and_forgotten_when_it_is_too_old_to_matter() {
        let memory = NonceMemory::new(10);
        assert_eq!(memory.book("a"), NonceUse::First);
        assert_eq!(memory.book("a"), NonceUse::Replayed);
        assert_eq!(memory.book("b"), NonceUse::First);
        tokio::time::sleep(LIFETIME - Duration::from_secs(1)).await;
        assert_eq!(memory.book("a"), NonceUse::Replayed);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(memory.book("a"), NonceUse::First);
        let state = memory.state.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!((state.used.len(), state.by_age.len()), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_memory_refuses_instead_of_forgetting() {
        let memory = NonceMemory::new(2);
        assert_eq!(memory.book("a"), NonceUse::First);
        assert_eq!(memory.book("b"), NonceUse::First);
        assert_eq!(memory.book("c"), NonceUse::Full);
        assert_eq!(memory.book("a"), NonceUse::Replayed);
        tokio::time::sleep(LIFETIME).await;
        assert_eq!(memory.book("c"), NonceUse::First);
    }
}
