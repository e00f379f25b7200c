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
/// everybody alike, but for [`Freshness::Reread`]; the others differ in which "no
/// access" may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// May be answered from memory.
    Remembered,
    /// The caller proved who it is, and would not ask without having paid: a "no" must
    /// come from a read that begins after this question.
    Proven,
    /// The caller says that it paid in this slot: as [`Freshness::Proven`], and a "no"
    /// of an earlier slot is no answer.
    Claimed(u64),
    /// What is remembered was found wanting: whatever the answer, it must come from a
    /// read that begins after this question, and be as of this slot or a later one.
    Reread(u64),
}

impl Freshness {
    /// The slot that a "no" must have reached; 0 when none is named.
    pub(crate) fn claimed_slot(self) -> u64 {
        match self {
            Self::Claimed(slot) | Self::Reread(slot) => slot,
            Self::Remembered | Self::Proven => 0,
        }
    }

    /// The slot that any answer must have reached; 0 when none is named.
    pub(crate) fn least_slot(self) -> u64 {
        match self {
            Self::Reread(slot) => slot,
            Self::Remembered | Self::Proven | Self::Claimed(_) => 0,
        }
    }

    /// Whether `observed` is an answer.
    pub(crate) fn is_met_by(self, observed: &Observed) -> bool {
        let slot = observed.reading.slot;
        slot >= self.least_slot() && (observed.grants() || slot >= self.claimed_slot())
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
    /// The grant takes a second opinion, and no other provider could give one.
    #[error("no second RPC provider could be asked about the grant")]
    Unconfirmed,
    /// Another provider says that there is no such grant.
    #[error("two RPC providers disagree about the grant")]
    Contradicted,
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
    /// Whether it was remembered, not read for this question.
    pub(crate) remembered: bool,
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
