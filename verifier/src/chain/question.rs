//! What is asked of the memory of the chain, and what it answers.

use std::time::Duration;

use tokio::time::Instant;
use tollgate_client::{EntitlementReading, Pubkey, UnixSeconds};

/// Whose entitlement to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) product: Pubkey,
    pub(crate) beneficiary: Pubkey,
}

/// How much a caller's question must be news. Access that is known is served to
/// everybody alike; these differ in which "no access" may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// May be answered from memory.
    Remembered,
    /// The caller just proved who it is, probably because it just paid: a "no" must
    /// come from a read that begins after this question.
    JustSignedIn,
    /// The caller says that it paid in this slot: as [`Freshness::JustSignedIn`], and
    /// a "no" of an earlier slot is no answer.
    #[allow(dead_code, reason = "for claims of payment, which name their slot")]
    AtLeast(u64),
}

impl Freshness {
    /// The slot that a "no" must have reached; 0 when none is named.
    pub(crate) fn claimed_slot(self) -> u64 {
        match self {
            Self::AtLeast(slot) => slot,
            Self::Remembered | Self::JustSignedIn => 0,
        }
    }
}

/// Why there is no reading. Never means that nobody paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReadFailure {
    /// No RPC server gave a usable answer in time.
    #[error("the chain could not be read ({0})")]
    Chain(&'static str),
    /// The RPC servers are behind what was seen before, or behind what the caller
    /// has seen.
    #[error("the RPC servers are behind what was seen before")]
    Lagging,
    /// Too many reads wait already.
    #[error("too many reads wait for the RPC servers")]
    Overloaded,
}

/// A reading and the chain time to judge it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Observed {
    /// The entitlement or its absence, with its slot and that slot's chain time.
    pub(crate) reading: EntitlementReading,
    /// Chain time now: the newest that was seen, advanced by its age.
    pub(crate) chain_time: UnixSeconds,
}

impl Observed {
    /// Whether it opens anything.
    pub(crate) fn grants(&self) -> bool {
        self.reading
            .entitlement
            .as_ref()
            .is_some_and(|entitlement| entitlement.is_usable(self.chain_time))
    }
}

/// A point in this process's time: microseconds since its memory was made. Not a
/// clock of any other machine, and never compared with chain time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    /// The moment of `instant`; everything before `origin` counts as `origin`.
    pub(crate) fn of(instant: Instant, origin: Instant) -> Self {
        let since = instant.saturating_duration_since(origin).as_micros();
        Self(u64::try_from(since).unwrap_or(u64::MAX))
    }

    /// The time from `earlier` to here; zero when `earlier` is later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The moment `duration` before this one.
    pub(crate) fn before(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(micros))
    }
}
