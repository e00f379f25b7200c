//! The cache without a chain, for [`crate::bench_support`].

use std::sync::Arc;
use std::time::Duration;

use tollgate_client::{Addresses, PROGRAM_ID, Pubkey, UnixSeconds};

use super::cache::{Answer, Ask, CacheLimits, EntitlementCache, Grant, ReadBatch};
use super::counters::ChainCounters;
use super::feed::Taker;
use super::ledger::{ClockReading, LedgerLimits};
use super::memory::MemoryLimits;
use super::question::{Freshness, Key, ReadFailure};
use super::rpc::SnapshotReader;
use super::{ChainHealth, KEYS_PER_CALL};

/// A chain that cannot be read.
struct NoChain;

impl ReadBatch for NoChain {
    async fn read(&self, asks: &[Ask]) -> Vec<Result<Answer, ReadFailure>> {
        debug_assert!(asks.len() <= KEYS_PER_CALL);
        vec![Err(ReadFailure::Chain("rpc_none")); asks.len()]
    }

    async fn confirm(&self, grants: &[Grant]) -> Vec<Result<(), ReadFailure>> {
        vec![Err(ReadFailure::Unconfirmed); grants.len()]
    }
}

/// A cache that answers from memory only.
pub(crate) struct Cache(EntitlementCache<NoChain>);

impl Cache {
    pub(crate) fn new(
        capacity: usize,
        max_staleness: Duration,
        slot: u64,
        time: UnixSeconds,
    ) -> Self {
        let cache = EntitlementCache::new(
            Arc::new(NoChain),
            Arc::new(ChainHealth::new(max_staleness)),
            Arc::new(ChainCounters::default()),
            CacheLimits {
                memory: MemoryLimits {
                    ledger: LedgerLimits {
                        capacity,
                        max_staleness,
                        slot_memory: max_staleness,
                    },
                    negative_lifetime: Duration::from_millis(400),
                    outage_grace: Duration::ZERO,
                },
                max_in_flight: 64,
                max_wait: Duration::from_secs(1),
                reads_finalized: true,
            },
        );
        let memory = cache.memory();
        memory.feed_began(slot);
        memory.beat(ClockReading {
            slot,
            time,
            at: memory.now(),
        });
        Self(cache)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.memory().len()
    }

    pub(crate) fn loader(&self, merchant: Pubkey) -> Loader {
        Loader {
            reader: SnapshotReader::new(Addresses::new(PROGRAM_ID), merchant),
            taker: Taker::new(self.0.clone()),
        }
    }

    pub(crate) async fn has_access(&self, product: Pubkey, beneficiary: Pubkey) -> Option<bool> {
        let key = Key {
            product,
            beneficiary,
        };
        let observed = self.0.get(key, Freshness::Remembered).await.ok()?;
        Some(observed.grants())
    }
}

/// The way of a snapshot into the cache.
pub(crate) struct Loader {
    reader: SnapshotReader,
    taker: Taker<NoChain>,
}

impl Loader {
    pub(crate) fn feed(&mut self, piece: &[u8]) -> Result<(), &'static str> {
        let taker = &mut self.taker;
        self.reader
            .feed(piece, &mut |entitlement, slot| {
                taker.take(entitlement, slot)
            })
            .map(drop)
            .map_err(|failure| failure.code())
    }
}
