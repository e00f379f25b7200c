//! What is made once and stays, whatever configuration follows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tollgate_client::{Addresses, Pubkey};

use crate::audit::{AuditLog, Notary};
use crate::chain::{ChainHealth, ChainTasks, Entitlements, Pool};
use crate::config::{
    Config, CreditStoreConfig, MerchantId, PublicUrl, RedisConfig, SignInStoreConfig,
};
use crate::credits::{CreditService, Owner, Surroundings};
use crate::foundation::{Task, gate};
use crate::limits::{Counts, Places};
use crate::metrics::Metrics;
use crate::nonces::{MAX_NONCES, NonceMemory, NonceStore, SharedNonces};
use crate::redis_client::{Keeps, RedisClient};
use crate::settlement::Settlement;
use crate::shutdown::{HOOK_DEADLINE, ShutdownHooks};
use crate::start_error::StartError;

/// The memory of the chain, of used sign-ins, and of who asked how often; the
/// metrics; and the orders to stop. None of it may depend on a setting that a
/// reload can change ([`crate::reload::fixed_settings`]).
pub(crate) struct Lasting {
    pub(crate) public_url: PublicUrl,
    pub(crate) merchant: Pubkey,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) cache: Entitlements,
    pub(crate) health: Arc<ChainHealth>,
    /// Which sign-ins were used.
    pub(crate) nonces: Arc<dyn NonceStore>,
    pub(crate) payment_turns: Arc<Semaphore>,
    pub(crate) counts: Arc<Counts>,
    /// Counts used credits, where that is configured.
    pub(crate) credits: Option<Arc<CreditService>>,
    /// Settles plain transfers, where that is configured.
    pub(crate) settlement: Option<Arc<Settlement>>,
    /// Records decisions; `None` when none are.
    pub(crate) audit: Option<Arc<AuditLog>>,
    /// True when the service should get no more requests.
    pub(crate) leave: watch::Sender<bool>,
    /// True when it accepts no more, and all that was started for it ends.
    pub(crate) stop: watch::Sender<bool>,
    /// The feed and the finality watch.
    chain_tasks: Mutex<ChainTasks>,
    /// Looks after what was left unfinished.
    recovery: Mutex<Option<Task<()>>>,
    /// What has to be written down before the end.
    hooks: Mutex<ShutdownHooks>,
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
        let pool = Arc::new(servers(config, None)?);
        let merchant = merchant_address(config, &pool.addresses());
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
            pool,
            cache,
            health,
            nonces: Arc::new(NonceMemory::new(MAX_NONCES)),
            payment_turns: Arc::new(Semaphore::new(config.chain.max_in_flight)),
            counts: Arc::new(Counts::new(places)),
            credits: None,
            settlement: None,
            audit: None,
            leave: watch::Sender::new(false),
            stop,
            chain_tasks: Mutex::default(),
            recovery: Mutex::default(),
            hooks: Mutex::default(),
        })
    }
}

impl Lasting {
    /// Opens what only one process may have open. (Not for a check: the service may
    /// be running.)
    ///
    /// # Errors
    /// [`StartError::SignIns`], [`StartError::Credits`], [`StartError::Audit`].
    pub(crate) async fn open_stores(&mut self, config: &Config) -> Result<(), StartError> {
        let deadline = config.server.shutdown_deadline;
        // Each keeps its own time and says what remains; this only bounds it.
        let bound = deadline + HOOK_DEADLINE;
        let shared = self.open_sign_ins(config).await?;
        if let Some(section) = &config.credits {
            let around = Surroundings {
                pool: Arc::clone(&self.pool),
                redis: shared
                    .filter(|(server, _)| {
                        section.store == CreditStoreConfig::Shared(server.clone())
                    })
                    .map(|(_, client)| client),
                owner: owner(config, self.merchant),
                longest_request: longest_request(config),
                stopping: self.stop.subscribe(),
            };
            let credits = Arc::new(CreditService::start(section, around).await?);
            self.metrics.add_source(Arc::clone(&credits));
            let last = Arc::clone(&credits);
            self.at_end("credits", bound, move || async move {
                last.flush(deadline).await;
                Ok(())
            });
            self.credits = Some(credits);
        }
        if let Some(section) = &config.relay {
            let (pool, credits) = (Arc::clone(&self.pool), self.credits.clone());
            let settlement = Arc::new(Settlement::new(section, pool, self.merchant, credits));
            self.metrics.add_source(Arc::clone(&settlement));
            let last = Arc::clone(&settlement);
            self.at_end("settlement", bound, move || async move {
                last.finish(deadline).await;
                Ok(())
            });
            self.settlement = Some(settlement);
        }
        if let Some(section) = &config.audit {
            let gate = gate(config, &self.public_url)?;
            // Checkpoints are signed with the key of receipts.
            let receipts = config.receipts.as_ref();
            let notary = receipts
                .filter(|_| section.checkpoint_every > 0)
                .map(|receipts| Notary {
                    key: Arc::clone(&receipts.signing_key),
                    issuer: gate.origin().issuer(),
                    every: section.checkpoint_every,
                });
            let (log, task) = AuditLog::start(section, notary).await?;
            // Last: what was served until then is still to be recorded.
            self.at_end("audit", bound, move || async move {
                task.close(deadline).await;
                Ok(())
            });
            self.audit = Some(Arc::new(log));
        }
        Ok(())
    }

    /// Opens the store of used sign-ins. Gives the server that it shares, and its
    /// client, for others who use the same.
    async fn open_sign_ins(
        &mut self,
        config: &Config,
    ) -> Result<Option<(RedisConfig, Arc<RedisClient>)>, StartError> {
        let section = &config.sign_ins;
        let SignInStoreConfig::Shared(server) = &section.store else {
            return Ok(None);
        };
        let client = Arc::new(RedisClient::new(server, Keeps::Expiring)?);
        let timeout = section.store_timeout;
        client.check(timeout, "sign-ins get 503").await?;
        let owner = owner(config, self.merchant);
        self.nonces = Arc::new(SharedNonces::new(Arc::clone(&client), &owner, timeout));
        Ok(Some((server.clone(), client)))
    }

    /// Begins to follow the chain beside the requests, once the configuration has
    /// been found to be right.
    pub(crate) fn follow_the_chain(&self, config: &Config) {
        let stopping = self.stop.subscribe();
        let tasks = ChainTasks::start(&config.chain, self.merchant, &self.cache, &stopping);
        *lock(&self.chain_tasks) = tasks;
        if let Some(settlement) = &self.settlement {
            let recovery = Arc::clone(settlement).recover(stopping);
            *lock(&self.recovery) = Some(Task(tokio::spawn(recovery)));
        }
    }

    /// Goes over to the servers of `pool`, and to the feed of `config`.
    pub(crate) fn move_to(&self, pool: &Pool, config: &Config) {
        self.pool.take_endpoints_of(pool);
        lock(&self.chain_tasks).listen_to(&config.chain);
    }

    /// Has `flush` run at the end, after what was added before.
    pub(crate) fn at_end<F>(
        &self,
        name: &'static str,
        deadline: Duration,
        flush: impl FnOnce() -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        lock(&self.hooks).add(name, deadline, flush);
    }

    /// Ends what was started, when no more requests are in flight, and writes down
    /// what has to be. Returns the names of what could not be.
    pub(crate) async fn end(&self) -> Vec<&'static str> {
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut *lock(&self.chain_tasks));
        tasks.ended().await;
        let hooks = std::mem::take(&mut *lock(&self.hooks));
        hooks.run().await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whose credits are counted.
pub(crate) fn owner(config: &Config, merchant: Pubkey) -> Owner {
    Owner {
        genesis_hash: config.chain.genesis_hash,
        merchant,
    }
}

/// How long a request may take until it is answered, as far as that is known.
pub(crate) fn longest_request(config: &Config) -> Duration {
    config
        .upstream
        .as_ref()
        .map_or(Duration::ZERO, |upstream| upstream.response_timeout)
}

/// Where the merchant account lives.
pub(crate) fn merchant_address(config: &Config, addresses: &Addresses) -> Pubkey {
    match config.merchant.merchant {
        MerchantId::Owner(owner) => addresses.merchant(&owner),
        MerchantId::Address(address) => address,
    }
}

/// The servers of a configuration; those that `known` has are taken over.
///
/// # Errors
/// [`StartError::Rpc`].
pub(crate) fn servers(config: &Config, known: Option<&Pool>) -> Result<Pool, StartError> {
    Pool::of(&config.chain, known).map_err(|error| StartError::Rpc(error.to_string()))
}
