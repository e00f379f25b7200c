//! A sign-in is good for one use.
//!
//! The gate's nonces are stateless: any replica recognises one that any replica
//! made, for one product and for five minutes. That a nonce was *used* is remembered
//! in a [`NonceStore`] until it would be refused for its age anyway.
//!
//! The limit of a store in each replica's own memory ([`NonceMemory`]), stated once:
//! with N replicas, whoever steals a sign-in on its way can use it once at each of the
//! other replicas within five minutes. It gives the thief a session for the very
//! product that was signed in for, which is what the first use's answer, stolen on the
//! same way, would have given as well; it opens nothing else, spends nothing, and
//! ends with the entitlement. A store that replicas share closes even that.

use std::collections::{HashSet, VecDeque};
use std::future::ready;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;
use tollgate_gate::GateError;
use tollgate_gate::limits::{CLOCK_SKEW, MAX_SIWX_AGE};

use crate::error::ServiceError;

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

/// Nobody could say whether a nonce was used: 503, and the sign-in may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NonceStoreFailure;

impl From<NonceStoreFailure> for ServiceError {
    fn from(_: NonceStoreFailure) -> Self {
        GateError::Overloaded.into()
    }
}

/// What a [`NonceStore`] answers, in its own time.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, NonceStoreFailure>>;

/// Remembers used nonces for [`LIFETIME`] at least. Replicas that share one see each
/// other's uses.
pub(crate) trait NonceStore: Send + Sync + 'static {
    /// Whether `nonce` was used before.
    fn is_used<'a>(&'a self, nonce: &'a str) -> Answer<'a, bool>;

    /// Books the use of `nonce`: of several callers at once, one is the first. To be
    /// called only after its signature was verified, so that nobody can use up
    /// another's nonce or fill the store without signing.
    fn book<'a>(&'a self, nonce: &'a str) -> Answer<'a, NonceUse>;
}

/// The nonces used lately at this replica.
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

    fn was_used(&self, nonce: &str) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.used.contains(nonce)
    }

    fn use_up(&self, nonce: &str) -> NonceUse {
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

impl NonceStore for NonceMemory {
    fn is_used<'a>(&'a self, nonce: &'a str) -> Answer<'a, bool> {
        Box::pin(ready(Ok(self.was_used(nonce))))
    }

    fn book<'a>(&'a self, nonce: &'a str) -> Answer<'a, NonceUse> {
        Box::pin(ready(Ok(self.use_up(nonce))))
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
        assert_eq!(memory.use_up("a"), NonceUse::First);
        assert_eq!(memory.use_up("a"), NonceUse::Replayed);
        assert_eq!(memory.use_up("b"), NonceUse::First);
        tokio::time::sleep(LIFETIME - Duration::from_secs(1)).await;
        assert_eq!(memory.use_up("a"), NonceUse::Replayed);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(memory.use_up("a"), NonceUse::First);
        let state = memory.state.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!((state.used.len(), state.by_age.len()), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_memory_refuses_instead_of_forgetting() {
        let memory = NonceMemory::new(2);
        assert_eq!(memory.use_up("a"), NonceUse::First);
        assert_eq!(memory.use_up("b"), NonceUse::First);
        assert_eq!(memory.use_up("c"), NonceUse::Full);
        assert_eq!(memory.use_up("a"), NonceUse::Replayed);
        tokio::time::sleep(LIFETIME).await;
        assert_eq!(memory.use_up("c"), NonceUse::First);
    }
}
