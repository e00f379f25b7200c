//! One configuration in force, and what outlives it.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tollgate_client::chain::Commitment as ChainCommitment;
use tollgate_client::{Addresses, Chain, ChainOptions, DurationSeconds, Slug};
use tollgate_gate::limits::MAX_SESSION_LIFETIME;
use tollgate_gate::{Gate, GateSettings, KeyRing, Network, Origin};

use crate::api;
use crate::app::App;
use crate::chain::{CacheLimits, Catalogue, ChainHealth, EntitlementCache, Snapshot};
use crate::config::{Commitment, Config, MerchantId, PublicUrl, Secrets};
use crate::entry::Entry;
use crate::keys;
use crate::limits::{Counts, Places};
use crate::market::{Market, RoutePlan};
use crate::metrics::Metrics;
use crate::nonces::{MAX_NONCES, NonceMemory};
use crate::proxy::Proxy;
use crate::router::router;
use crate::serve::{Limits, Served};
use crate::start_error::StartError;

/// What is made once and stays, whatever configuration follows: the memory of the
/// chain, of used sign-ins, and of who asked how often.
pub(crate) struct Lasting {
    pub(crate) public_url: PublicUrl,
    pub(crate) metrics: Arc<Metrics>,
    chain: Arc<Chain>,
    cache: EntitlementCache<Chain>,
    health: Arc<ChainHealth>,
    nonces: Arc<NonceMemory>,
    payment_turns: Arc<Semaphore>,
    counts: Arc<Counts>,
    leaving: watch::Receiver<bool>,
}

impl Lasting {
    /// For a verifier whose callers use `public_url`; `leaving` turns true when it
    /// should get no more requests.
    pub(crate) fn new(
        config: &Config,
        public_url: PublicUrl,
        leaving: watch::Receiver<bool>,
    ) -> Self {
        let health = Arc::new(ChainHealth::new(config.chain.ready_within));
        let mut metrics = Metrics::new();
        metrics.add_source(Arc::clone(&health));
        let metrics = Arc::new(metrics);
        let chain = Arc::new(connect(config));
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
        Self {
            public_url,
            metrics,
            chain,
            cache,
            health,
            nonces: Arc::new(NonceMemory::new(MAX_NONCES)),
            payment_turns: Arc::new(Semaphore::new(config.chain.max_in_flight)),
            counts: Arc::new(Counts::new(places)),
            leaving,
        }
    }
}

/// A configuration that was checked, against itself and as far as possible against
/// the chain, and can be put in force.
pub(crate) struct Prepared {
    config: Config,
    app: Arc<App>,
    catalogue: Catalogue,
    publisher: Publisher,
    /// Whether the chain could be read.
    pub(crate) known: bool,
}

impl Prepared {
    /// Checks and reads everything that `config` needs. Changes nothing.
    ///
    /// # Errors
    /// What the configuration or the chain contradicts.
    pub(crate) async fn new(config: Config, lasting: &Lasting) -> Result<Self, StartError> {
        let mut prepared = Self::offline(config, lasting)?;
        let first = prepared.catalogue.first().await.map_err(StartError::from)?;
        prepared.known = first.is_some();
        prepared.publisher.publish(first);
        Ok(prepared)
    }

    /// The same without asking the chain anything.
    ///
    /// # Errors
    /// What the configuration itself contradicts.
    pub(crate) fn offline(config: Config, lasting: &Lasting) -> Result<Self, StartError> {
        let plan = RoutePlan::new(&config.routes).map_err(StartError::routes)?;
        let gate = gate(&config, &lasting.public_url)?;
        let proxy = Proxy::new(
            &config.server,
            config.upstream.clone(),
            lasting.public_url.clone(),
        )
        .map_err(|error| StartError::Upstream(error.to_string()))?;
        let catalogue = catalogue(&config, &plan, &lasting.chain, &lasting.health)?;
        let merchant = catalogue.merchant;
        let publisher = Publisher {
            plan,
            merchant,
            sender: watch::Sender::new(None),
        };
        let app = Arc::new(App {
            gate,
            cache: lasting.cache.clone(),
            chain: Arc::clone(&lasting.chain),
            health: Arc::clone(&lasting.health),
            proxy,
            nonces: Arc::clone(&lasting.nonces),
            payment_turns: Arc::clone(&lasting.payment_turns),
            counts: Arc::clone(&lasting.counts),
            metrics: Arc::clone(&lasting.metrics),
            payer_rate: config.limits.payer.rate(),
            max_upstream_requests: config.limits.max_upstream_requests,
            market: publisher.sender.subscribe(),
            leaving: lasting.leaving.clone(),
            merchant,
            merchant_name: config.merchant.name.clone(),
            public_url: lasting.public_url.clone(),
            openapi: api::openapi_document(&config, &lasting.public_url),
            terms_lifetime: config.chain.ready_within,
        });
        Ok(Self {
            config,
            app,
            catalogue,
            publisher,
            known: false,
        })
    }

    /// What a listener serves under this configuration.
    pub(crate) fn served(&self, lasting: &Lasting) -> Served {
        let entry = Entry::new(
            &self.config,
            Arc::clone(&lasting.counts),
            Arc::clone(&lasting.metrics),
        );
        Served {
            router: router(
                Arc::clone(&self.app),
                entry,
                &self.config.server.allowed_origins,
            ),
            limits: Limits::from(&self.config),
            tls: (self.config.server.tls.as_ref()).map(|tls| TlsAcceptor::from(tls.server())),
        }
    }

    /// Begins to follow the chain for it.
    pub(crate) fn enter(self, stop: watch::Receiver<bool>) -> Generation {
        let publisher = self.publisher;
        let refresher = tokio::spawn(self.catalogue.refresh(
            self.config.chain.refresh_interval,
            self.known,
            move |snapshot| publisher.publish(snapshot),
            stop,
        ));
        Generation {
            config: self.config,
            app: self.app,
            refresher: Task(refresher),
        }
    }
}

/// The configuration in force.
pub(crate) struct Generation {
    pub(crate) config: Config,
    pub(crate) app: Arc<App>,
    pub(crate) refresher: Task<()>,
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(crate) struct Task<T>(pub(crate) JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Turns readings of the catalogue into routes with terms.
struct Publisher {
    plan: RoutePlan,
    merchant: tollgate_client::Pubkey,
    sender: watch::Sender<Option<Arc<Market>>>,
}

impl Publisher {
    fn publish(&self, snapshot: Option<Snapshot>) {
        let market = snapshot
            .and_then(|snapshot| Market::new(&self.plan, Arc::new(snapshot), self.merchant))
            .map(Arc::new);
        self.sender.send_replace(market);
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

fn catalogue(
    config: &Config,
    plan: &RoutePlan,
    chain: &Arc<Chain>,
    health: &Arc<ChainHealth>,
) -> Result<Catalogue, StartError> {
    let merchant = match config.merchant.merchant {
        MerchantId::Owner(owner) => chain.addresses().merchant(&owner),
        MerchantId::Address(address) => address,
    };
    let mut slugs = plan.slugs();
    for name in &config.merchant.products {
        slugs.push(Slug::new(name).map_err(|_| StartError::Slug(name.clone()))?);
    }
    slugs.sort_unstable();
    slugs.dedup();
    Ok(Catalogue {
        chain: Arc::clone(chain),
        health: Arc::clone(health),
        genesis_hash: config.chain.genesis_hash,
        merchant,
        slugs,
        routed: plan.slugs(),
        mint: config.merchant.mint,
    })
}

fn gate(config: &Config, public_url: &PublicUrl) -> Result<Gate, StartError> {
    let origin = Origin::parse(&public_url.to_string())
        .map_err(|error| StartError::PublicUrl(error.to_string()))?;
    let network = Network::from_genesis_hash(&config.chain.genesis_hash.to_string())
        .map_err(|error| StartError::Network(error.to_string()))?;
    Ok(Gate::new(GateSettings {
        origin,
        network,
        addresses: Addresses::new(config.chain.program_id),
        keys: key_ring(&config.secrets)?,
        session_lifetime: DurationSeconds(config.server.session_lifetime.as_secs())
            .min(MAX_SESSION_LIFETIME),
    }))
}

fn key_ring(secrets: &Secrets) -> Result<KeyRing, StartError> {
    keys::ring(secrets).map_err(|error| StartError::Secret(error.to_string()))
}
