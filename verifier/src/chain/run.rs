//! Putting the chain side together from the configuration, and keeping it running.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tollgate_client::{Addresses, Pubkey};

use super::ChainHealth;
use super::cache::{CacheLimits, EntitlementCache};
use super::counters::{ChainCounters, ChainSnapshot};
use super::feed::{Feed, Place};
use super::finality;
use super::ledger::LedgerLimits;
use super::memory::MemoryLimits;
use super::rpc::{Endpoint, Pool, PoolLimits};
#[cfg(feature = "yellowstone")]
use crate::config::Push;
use crate::config::{ChainConfig, Commitment};

/// After this time a smaller slot is believed again: the cluster behind the servers was
/// restarted (a local chain), and no memory may block it for ever.
const SLOT_MEMORY: Duration = Duration::from_secs(60);

/// How many slots the configured commitment may be behind the slot that the feed's node
/// works on before the chain counts as stalled: about a minute, when transactions
/// expire as well.
const MOST_SLOTS_BEHIND: u64 = 150;

/// The cache of entitlements over the configured servers.
pub(crate) type Entitlements = EntitlementCache<Pool>;

impl Pool {
    /// The servers of the configuration. Those that `known` has as well are taken over
    /// with all that is known of them.
    ///
    /// # Errors
    /// When the system's certificates cannot be read for an `https` server.
    pub(crate) fn of(config: &ChainConfig, known: Option<&Self>) -> std::io::Result<Self> {
        let endpoints = [&config.rpc_url]
            .into_iter()
            .chain(&config.rpc_fallbacks)
            .map(|url| match known.and_then(|known| known.endpoint_at(url)) {
                Some(endpoint) => Ok(endpoint),
                None => Ok(Arc::new(Endpoint::new(url, config.genesis_hash)?)),
            })
            .collect::<std::io::Result<_>>()?;
        let limits = PoolLimits {
            addresses: Addresses::new(config.program_id),
            commitment: config.commitment,
            deadline: config.request_timeout,
            max_lag: config.max_staleness,
            slot_memory: SLOT_MEMORY,
        };
        Ok(Self::new(endpoints, limits))
    }
}

impl Entitlements {
    /// The cache of the configuration.
    pub(crate) fn of(config: &ChainConfig, pool: Arc<Pool>, health: Arc<ChainHealth>) -> Self {
        Self::new(
            pool,
            health,
            Arc::new(ChainCounters::default()),
            CacheLimits {
                memory: MemoryLimits {
                    ledger: LedgerLimits {
                        capacity: config.cache_capacity,
                        max_staleness: config.max_staleness,
                        slot_memory: SLOT_MEMORY,
                    },
                    negative_lifetime: config.negative_lifetime,
                    outage_grace: config.max_outage_grace,
                },
                max_in_flight: config.max_in_flight,
                max_wait: config.request_timeout,
                reads_finalized: config.commitment == Commitment::Finalized,
            },
        )
    }

    /// Everything that is counted, now.
    pub(crate) fn snapshot(&self) -> ChainSnapshot {
        self.counters().snapshot(
            self.memory().len(),
            self.watched().len(),
            self.reader().endpoints(),
        )
    }

    /// Whether the chain behind a living feed confirms nothing any more.
    pub(crate) fn is_stalled(&self) -> bool {
        let counters = self.counters();
        let live = counters
            .feed_live
            .load(std::sync::atomic::Ordering::Relaxed);
        let behind = counters
            .node_slot
            .get()
            .saturating_sub(counters.newest_slot.get());
        live && behind > MOST_SLOTS_BEHIND
    }
}

/// Where changes are pushed from.
fn places(config: &ChainConfig) -> Vec<Place> {
    #[cfg(feature = "yellowstone")]
    if let Push::Yellowstone(place) = &config.push {
        return vec![Place::Yellowstone(place.clone())];
    }
    let urls = config.websocket_urls().into_iter();
    urls.map(Place::WebSocket).collect()
}

/// What runs beside the requests. Ends when dropped.
#[derive(Debug)]
pub(crate) struct ChainTasks {
    tasks: Vec<JoinHandle<()>>,
    /// Where the feed listens.
    places: watch::Sender<Vec<Place>>,
}

impl Default for ChainTasks {
    fn default() -> Self {
        Self {
            tasks: Vec::new(),
            places: watch::Sender::new(Vec::new()),
        }
    }
}

impl ChainTasks {
    /// Starts the feed and the finality watch; both end with `stop`.
    pub(crate) fn start(
        config: &ChainConfig,
        merchant: Pubkey,
        cache: &Entitlements,
        stop: &watch::Receiver<bool>,
    ) -> Self {
        let places = watch::Sender::new(self::places(config));
        let feed = Feed {
            places: places.subscribe(),
            merchant,
            commitment: config.commitment,
            heartbeat: config.heartbeat_timeout,
            warm_up: config.warm_up,
            cache: cache.clone(),
        };
        let mut tasks = vec![tokio::spawn(feed.run(stop.clone()))];
        if config.commitment != Commitment::Finalized {
            tasks.push(tokio::spawn(finality::watch(cache.clone(), stop.clone())));
        }
        Self { tasks, places }
    }

    /// Listens where this configuration says, if that is elsewhere.
    pub(crate) fn listen_to(&self, config: &ChainConfig) {
        self.places.send_if_modified(|places| {
            let wanted = self::places(config);
            let changed = *places != wanted;
            *places = wanted;
            changed
        });
    }

    /// Waits for their end after `stop`.
    pub(crate) async fn ended(mut self) {
        for task in self.tasks.drain(..) {
            // One that panicked has ended as well.
            let _ = task.await;
        }
    }
}

impl Drop for ChainTasks {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
