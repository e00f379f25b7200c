//! What every way in stands on: the shared state, and the task that keeps it true.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tollgate_client::chain::Commitment as ChainCommitment;
use tollgate_client::{Addresses, Chain, ChainOptions, DurationSeconds, Slug};
use tollgate_gate::limits::MAX_SESSION_LIFETIME;
use tollgate_gate::{Gate, GateSettings, KeyRing, Network, Origin};

use crate::app::App;
use crate::chain::{Catalogue, ChainHealth, ChainTasks, Entitlements, Pool, Snapshot};
use crate::config::{Commitment, Config, MerchantId, PublicUrl, Secrets};
use crate::keys;
use crate::market::{Market, RoutePlan};
use crate::nonces::{MAX_NONCES, NonceMemory};
use crate::start_error::StartError;

/// The state of one service and what refreshes it. Ends with its owner.
#[derive(Debug)]
pub(crate) struct Foundation {
    pub(crate) app: Arc<App>,
    /// Set to true, it ends everything that was started for the service.
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) refresher: Task<()>,
    pub(crate) chain_tasks: ChainTasks,
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(crate) struct Task<T>(pub(crate) JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Foundation {
    /// Checks the configuration against itself and the chain, and begins to follow
    /// the chain. `public_url` is that of the configuration with the real port.
    ///
    /// # Errors
    /// [`StartError`]; not when the chain cannot be asked now.
    pub(crate) async fn start(config: &Config, public_url: &PublicUrl) -> Result<Self, StartError> {
        let plan = RoutePlan::new(&config.routes).map_err(StartError::routes)?;
        let (stop, stopping) = watch::channel(false);
        let health = Arc::new(ChainHealth::new(config.chain.ready_within));
        let chain = Arc::new(connect(config));
        let pool = Pool::of(&config.chain).map_err(|error| StartError::Rpc(error.to_string()))?;
        let pool = Arc::new(pool);
        let catalogue = catalogue(config, &plan, &pool, &health)?;
        let merchant = catalogue.merchant;
        let publish = Publisher {
            plan,
            merchant,
            sender: watch::Sender::new(None),
        };
        let first = catalogue.first().await.map_err(StartError::from)?;
        let known = first.is_some();
        publish.publish(first);
        let cache = Entitlements::of(&config.chain, pool, Arc::clone(&health));
        let app = Arc::new(App {
            gate: gate(config, public_url)?,
            cache: cache.clone(),
            chain,
            health,
            nonces: NonceMemory::new(MAX_NONCES),
            payment_turns: Semaphore::new(config.chain.max_in_flight),
            market: publish.sender.subscribe(),
            stopping: stopping.clone(),
            merchant,
            merchant_name: config.merchant.name.clone(),
            public_url: public_url.clone(),
            terms_lifetime: config.chain.ready_within,
        });
        let refresher = tokio::spawn(catalogue.refresh(
            config.chain.refresh_interval,
            known,
            move |snapshot| publish.publish(snapshot),
            stopping.clone(),
        ));
        let chain_tasks = ChainTasks::start(&config.chain, merchant, &cache, &stopping);
        Ok(Self {
            app,
            stop,
            refresher: Task(refresher),
            chain_tasks,
        })
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
    pool: &Arc<Pool>,
    health: &Arc<ChainHealth>,
) -> Result<Catalogue, StartError> {
    let merchant = match config.merchant.merchant {
        MerchantId::Owner(owner) => pool.addresses().merchant(&owner),
        MerchantId::Address(address) => address,
    };
    let mut slugs = plan.slugs();
    for name in &config.merchant.products {
        slugs.push(Slug::new(name).map_err(|_| StartError::Slug(name.clone()))?);
    }
    slugs.sort_unstable();
    slugs.dedup();
    Ok(Catalogue {
        pool: Arc::clone(pool),
        health: Arc::clone(health),
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
