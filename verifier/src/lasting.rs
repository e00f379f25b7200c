//! What is made once and stays, whatever configuration follows.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tollgate_client::chain::Commitment as ChainCommitment;
use tollgate_client::{Chain, ChainOptions, Pubkey};

use crate::chain::{ChainHealth, ChainTasks, Entitlements, Pool};
use crate::config::{Commitment, Config, MerchantId, PublicUrl};
use crate::credits::{CreditService, Owner, Surroundings};
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
    pub(crate) pool: Arc<Pool>,
    pub(crate) cache: Entitlements,
    pub(crate) health: Arc<ChainHealth>,
    pub(crate) nonces: Arc<NonceMemory>,
    pub(crate) payment_turns: Arc<Semaphore>,
    pub(crate) counts: Arc<Counts>,
    /// Counts used credits, where that is configured.
    pub(crate) credits: Option<Arc<CreditService>>,
    /// True when the service should get no more requests.
    pub(crate) leave: watch::Sender<bool>,
    /// True when it accepts no more, and all that was started for it ends.
    pub(crate) stop: watch::Sender<bool>,
    /// The feed and the finality watch.
    pub(crate) chain_tasks: ChainTasks,
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
    pub(crate) fn start(config: &Config, public_url: PublicUrl) -> Result<Self, StartError> {
        let health = Arc::new(ChainHealth::new(config.chain.ready_within));
        let chain = Arc::new(connect(config));
        let pool = Pool::of(&config.chain).map_err(|error| StartError::Rpc(error.to_string()))?;
        let pool = Arc::new(pool);
        let merchant = match config.merchant.merchant {
            MerchantId::Owner(owner) => pool.addresses().merchant(&owner),
            MerchantId::Address(address) => address,
        };
        let cache = Entitlements::of(&config.chain, Arc::clone(&pool), Arc::clone(&health));
        let metrics = Metrics::new();
        metrics.add_source(Arc::clone(&health));
        metrics.add_source(Arc::new(cache.clone()));
        let stop = watch::Sender::new(false);
        let places = Places::new(metrics.upstream_in_flight.clone());
        Ok(Self {
            public_url,
            merchant,
            metrics: Arc::new(metrics),
            chain,
            pool,
            cache,
            health,
            nonces: Arc::new(NonceMemory::new(MAX_NONCES)),
            payment_turns: Arc::new(Semaphore::new(config.chain.max_in_flight)),
            counts: Arc::new(Counts::new(places)),
            credits: None,
            leave: watch::Sender::new(false),
            stop,
            chain_tasks: ChainTasks::default(),
        })
    }
}

impl Lasting {
    /// Opens what only one process may have open. (Not for a check: the service may
    /// be running.)
    ///
    /// # Errors
    /// [`StartError::Credits`].
    pub(crate) async fn open_stores(&mut self, config: &Config) -> Result<(), StartError> {
        let Some(section) = &config.credits else {
            return Ok(());
        };
        let around = Surroundings {
            chain: Arc::clone(&self.chain),
            owner: Owner {
                genesis_hash: config.chain.genesis_hash,
                merchant: self.merchant,
            },
            longest_request: config
                .upstream
                .as_ref()
                .map_or(Duration::ZERO, |upstream| upstream.response_timeout),
            stopping: self.stop.subscribe(),
        };
        let credits = Arc::new(CreditService::start(section, around).await?);
        self.metrics.add_source(Arc::clone(&credits));
        self.credits = Some(credits);
        Ok(())
    }

    /// Begins to follow the chain beside the requests, once the configuration has
    /// been found to be right.
    pub(crate) fn follow_the_chain(&mut self, config: &Config) {
        let stopping = self.stop.subscribe();
        self.chain_tasks = ChainTasks::start(&config.chain, self.merchant, &self.cache, &stopping);
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
