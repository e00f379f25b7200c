//! What the cache asks of whoever reads the chain for it.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tollgate_client::{Entitlement, UnixSeconds};

#[allow(unused_imports, reason = "named in the documentation")]
use super::KEYS_PER_CALL;
use super::memory::MemoryLimits;
use super::question::{Key, ReadFailure};
use crate::config::SecretUrl;

/// One question of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) key: Key,
    /// "No access" counts only as of this slot or a later one.
    pub(crate) claim: u64,
    /// Any answer counts only as of this slot or a later one.
    pub(crate) as_of: u64,
}

impl Ask {
    /// Whether `answer` is one to this question.
    pub(crate) fn is_settled_by(&self, answer: &Answer) -> bool {
        let grants = answer
            .entitlement
            .is_some_and(|entitlement| entitlement.is_usable(answer.chain_time));
        answer.slot >= self.as_of && (grants || answer.slot >= self.claim)
    }
}

/// Who runs a server, as far as that can be told from outside: host and port. Two keys
/// for one host are one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Provider(Arc<str>);

impl Provider {
    /// That of the server at `url`.
    pub(crate) fn of(url: &SecretUrl) -> Self {
        Self(url.authority().into())
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Access on the word of one provider.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) key: Key,
    pub(crate) entitlement: Entitlement,
    /// As of which slot.
    pub(crate) slot: u64,
    /// Who says so.
    pub(crate) provider: Provider,
}

/// What a server said of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) entitlement: Option<Entitlement>,
    pub(crate) slot: u64,
    pub(crate) chain_time: UnixSeconds,
    /// How far the server was behind the newest slot seen.
    pub(crate) behind: Duration,
    /// Who said it.
    pub(crate) provider: Provider,
}

/// Where answers come from.
pub(crate) trait ReadBatch: Send + Sync + 'static {
    /// Reads the chain for at most [`KEYS_PER_CALL`] keys; one answer for each, in
    /// their order. Bounded in time.
    fn read(&self, asks: &[Ask]) -> impl Future<Output = Vec<Result<Answer, ReadFailure>>> + Send;

    /// Has grants confirmed, each by another provider than its own; one outcome for each,
    /// in their order. Bounded in time.
    fn confirm(
        &self,
        grants: &[Grant],
    ) -> impl Future<Output = Vec<Result<(), ReadFailure>>> + Send;
}

/// The bounds of the cache.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheLimits {
    pub(crate) memory: MemoryLimits,
    pub(crate) max_in_flight: usize,
    /// How long a read may wait for its turn.
    pub(crate) max_wait: Duration,
    /// Whether grants are final when they are read.
    pub(crate) reads_finalized: bool,
}
