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
//! ends with the entitlement. A store that replicas share ([`SharedNonces`]) closes even
//! that.

mod memory;
mod shared;
mod sign_in_use;

use std::time::Duration;

use futures::future::BoxFuture;
use tollgate_gate::GateError;
use tollgate_gate::limits::{CLOCK_SKEW, MAX_SIWX_AGE};

pub(crate) use self::memory::{MAX_NONCES, NonceMemory};
pub(crate) use self::shared::SharedNonces;
pub(crate) use self::sign_in_use::SignInUse;
use crate::error::ServiceError;
use crate::redis_client::NoAnswer;

/// How long a nonce could still be accepted after its first use.
const LIFETIME: Duration = Duration::from_secs(MAX_SIWX_AGE.0 + 2 * CLOCK_SKEW.0);

/// The use of a nonce by one request. Random: two requests never share one, so that
/// none gives back what another has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Booking {
    nonce: String,
    id: u64,
}

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
pub(crate) struct NonceStoreFailure(NoAnswer);

impl From<NoAnswer> for NonceStoreFailure {
    fn from(failure: NoAnswer) -> Self {
        Self(failure)
    }
}

impl From<NonceStoreFailure> for ServiceError {
    fn from(NonceStoreFailure(failure): NonceStoreFailure) -> Self {
        match failure {
            NoAnswer::Unavailable => GateError::SignInsUnavailable.into(),
            NoAnswer::Overloaded => GateError::Overloaded.into(),
        }
    }
}

/// What a [`NonceStore`] answers, in its own time.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, NonceStoreFailure>>;

/// Remembers used nonces for [`LIFETIME`] at least. Replicas that share one see each
/// other's uses.
pub(crate) trait NonceStore: Send + Sync + 'static {
    /// Whether `nonce` was used before.
    fn is_used<'a>(&'a self, nonce: &'a str) -> Answer<'a, bool>;

    /// Books the use of a nonce: of several callers at once, one is the first. To be
    /// called only after its signature was verified, so that nobody can use up
    /// another's nonce or fill the store without signing. After a failure it may have
    /// been booked all the same.
    fn book<'a>(&'a self, booking: &'a Booking) -> Answer<'a, NonceUse>;

    /// Takes a booking back, if it is this one that stands: when the future ends, the
    /// nonce may be used again. What cannot be given back stays used, and its owner
    /// signs in anew.
    fn give_back(&self, booking: Booking) -> BoxFuture<'static, ()>;
}
