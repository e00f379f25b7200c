//! What the cache asks of whoever reads the chain for it.

use std::future::Future;
use std::time::Duration;

use tollgate_client::{Entitlement, UnixSeconds};

#[allow(unused_imports, reason = "named in the documentation")]
use super::KEYS_PER_CALL;
use super::memory::MemoryLimits;
use super::question::{Key, ReadFailure};

/// One question of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) key: Key,
    /// "Nothing there" counts only as of this slot or a later one.
    pub(crate) claim: u64,
}

/// What a server said of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) entitlement: Option<Entitlement>,
    pub(crate) slot: u64,
    pub(crate) chain_time: UnixSeconds,
    /// How far the server was behind the newest slot seen.
    pub(crate) behind: Duration,
}

/// Where answers come from.
pub(crate) trait ReadBatch: Send + Sync + 'static {
    /// Reads the chain for at most [`KEYS_PER_CALL`] keys; one answer for each, in
    /// their order. Bounded in time.
    fn read(&self, asks: &[Ask]) -> impl Future<Output = Vec<Result<Answer, ReadFailure>>> + Send;
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
