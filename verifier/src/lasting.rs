//! What is made once and stays, whatever configuration follows.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tollgate_client::chain::Commitment as ChainCommitment;
use tollgate_client::{Chain, ChainOptions, Pubkey};

use crate::chain::{CacheLimits, ChainHealth, EntitlementCache};
use crate::config::{Commitment, Config, MerchantId, PublicUrl};
use crate::limits::{Counts, Places};
use crate::metrics::Metrics;
use crate::nonces::{MAX_NONCES, NonceMemory};
use crate::start_error::StartError;

/// The memory of the chain, of used sign-ins, and of who asked how often; the
/// metrics; and the orders to stop. None of it may depend on a setting that a
/// reload can change ([`crate::reload::fixed_settings`]).
pub(crate) struct Lasting {
    pub(crate) public_url: PublicUrl,
    pub(crate) merchant: Pubkey,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) chain: Arc<Chain>,
    pub(crate) cache: EntitlementCache<Chain>,
    pub(crate) health: Arc<ChainHealth>,
    pub(crate) nonces: Arc<NonceMemory>,
    pub(crate) payment_turns: Arc<Semaphore>,
    pub(crate) counts: Arc<Counts>,
    /// True when the service should get no more requests.
    pub(crate) leave: watch::Sender<bool>,
    /// True when it accepts no more, and all that was started for it ends.
    pub(crate) stop: watch::Sender<bool>,
}

/// The name only: some of its parts hold secrets.
impl std::fmt::Debug for Lasting {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Lasting")
    }
}

impl Lasting {
    /// For a service whose callers use `public_url`: that of the configuration with
    /// the real port.
    ///
    /// # Errors
    /// [`StartError`]; not when the chain cannot be asked now.
    pub(crate) async fn start(config: &Config, public_url: PublicUrl) -> Result<Self, StartError> {
        let health = Arc::new(ChainHealth::new(config.chain.ready_within));
        let mut metrics = Metrics::new();
        metrics.add_source(Arc::clone(&health));
        let chain = Arc::new(connect(config));
        let merchant = match config.merchant.merchant {
            MerchantId::Owner(owner) => chain.addresses().merchant(&owner),
            MerchantId::Address(address) => address,
        };
        let cache = EntitlementCache::new(
            Arc::clone(&chain),
            Arc::clone(&health),
            CacheLimits {
                max_staleness: config.chain.max_staleness,
                capacity: config.chain.cache_capacity,
                max_in_flight: config.chain.max_in_flight,
                max_wait: config.chain.request_timeout,
            },
        );
        let places = Places::new(metrics.upstream_in_flight.clone());
        Ok(Self {
            public_url,
            merchant,
            metrics: Arc::new(metrics),
            chain,
            cache,
            health,
            nonces: Arc::new(NonceMemory::new(MAX_NONCES)),
            payment_turns: Arc::new(Semaphore::new(config.chain.max_in_flight)),
            counts: Arc::new(Counts::new(places)),
            leave: watch::Sender::new(false),
            stop: watch::Sender::new(false),
        })
    }
}

fn connect(config: &Config) -> Chain {
    Chain::new(
        config.chain.rpc_url.expose(),
        ChainOptions {
            program_id: config.chain.program_id,
            commitment: match config.chain.commitment {
                Commitment::Confirmed => ChainCommitment::Confirmed,
                Commitment::Finalized => ChainCommitment::Finalized,
            },
            timeout: config.chain.request_timeout,
        },
    )
}
