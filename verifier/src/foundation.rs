//! What every way in stands on: the shared state, and the task that keeps it true.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::JoinHandle;
use tollgate_client::chain::Commitment as ChainCommitment;
use tollgate_client::{Addresses, Chain, ChainOptions, DurationSeconds, Slug};
use tollgate_gate::limits::MAX_SESSION_LIFETIME;
use tollgate_gate::{Gate, GateSettings, KeyRing, Network, Origin};

use crate::app::App;
use crate::audit::{AuditLog, AuditTask, Notary};
use crate::chain::{Catalogue, ChainHealth, ChainTasks, Entitlements, Pool, Snapshot};
use crate::config::{Commitment, Config, MerchantId, PublicUrl, Secrets};
use crate::credits::{CreditService, Owner, Surroundings};
use crate::keys;
use crate::market::{Market, RoutePlan};
use crate::nonces::{MAX_NONCES, NonceMemory};
use crate::receipts::ReceiptDesk;
use crate::start_error::StartError;

/// The state of one service and what refreshes it. Ends with its owner.
#[derive(Debug)]
pub(crate) struct Foundation {
    pub(crate) app: Arc<App>,
    /// Set to true, it ends everything that was started for the service.
    pub(crate) stop: watch::Sender<bool>,
    running: Mutex<Option<Running>>,
    /// How long the last bookings of used credits may take, and the last records of
    /// decisions.
    flush_deadline: Duration,
}

/// What runs beside the requests, until [`Foundation::end`].
#[derive(Debug)]
struct Running {
    refresher: Task<()>,
    chain_tasks: ChainTasks,
    audit: Option<AuditTask>,
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
        let credits = credits(config, &chain, merchant, &stopping).await?;
        let gate = gate(config, public_url)?;
        let (audit, audit_task) = audit(config, &gate).await?.unzip();
        let app = Arc::new(App {
            gate,
            cache: cache.clone(),
            chain,
            credits,
            health,
            nonces: Arc::new(NonceMemory::new(MAX_NONCES)),
            receipts: config.receipts.as_ref().map(ReceiptDesk::new),
            audit,
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
            running: Mutex::new(Some(Running {
                refresher: Task(refresher),
                chain_tasks,
                audit: audit_task,
            })),
            flush_deadline: config.server.shutdown_deadline,
        })
    }

    /// Ends what was started, when no more requests are in flight: used credits are
    /// booked, and what was served until now is recorded.
    pub(crate) async fn end(&self) {
        self.stop.send_replace(true);
        let Some(mut running) = self.running.lock().await.take() else {
            return;
        };
        // A task that panicked has nothing left to do.
        let _ = (&mut running.refresher.0).await;
        if let Some(credits) = &self.app.credits {
            credits.flush(self.flush_deadline).await;
        }
        running.chain_tasks.ended().await;
        if let Some(audit) = running.audit {
            audit.close(self.flush_deadline).await;
        }
    }
}

/// The meter, where one is configured.
async fn credits(
    config: &Config,
    chain: &Arc<Chain>,
    merchant: tollgate_client::Pubkey,
    stopping: &watch::Receiver<bool>,
) -> Result<Option<CreditService>, StartError> {
    let Some(section) = &config.credits else {
        return Ok(None);
    };
    let around = Surroundings {
        chain: Arc::clone(chain),
        owner: owner(config, merchant),
        longest_request: longest_request(config),
        stopping: stopping.clone(),
    };
    Ok(Some(CreditService::start(section, around).await?))
}

/// Whose credits are counted.
pub(crate) fn owner(config: &Config, merchant: tollgate_client::Pubkey) -> Owner {
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

pub(crate) fn connect(config: &Config) -> Chain {
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

/// Where the merchant account lives.
pub(crate) fn merchant_address(config: &Config, addresses: &Addresses) -> tollgate_client::Pubkey {
    match config.merchant.merchant {
        MerchantId::Owner(owner) => addresses.merchant(&owner),
        MerchantId::Address(address) => address,
    }
}

fn catalogue(
    config: &Config,
    plan: &RoutePlan,
    pool: &Arc<Pool>,
    health: &Arc<ChainHealth>,
) -> Result<Catalogue, StartError> {
    let merchant = merchant_address(config, &pool.addresses());
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
        counts_credits: config.credits.is_some(),
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

/// Opens the audit log. Its checkpoints are signed with the key of receipts.
async fn audit(config: &Config, gate: &Gate) -> Result<Option<(AuditLog, AuditTask)>, StartError> {
    let Some(settings) = &config.audit else {
        return Ok(None);
    };
    let receipts = config.receipts.as_ref();
    let notary = receipts
        .filter(|_| settings.checkpoint_every > 0)
        .map(|receipts| Notary {
            key: Arc::clone(&receipts.signing_key),
            issuer: gate.origin().issuer(),
            every: settings.checkpoint_every,
        });
    Ok(Some(AuditLog::start(settings, notary).await?))
}

fn key_ring(secrets: &Secrets) -> Result<KeyRing, StartError> {
    keys::ring(secrets).map_err(|error| StartError::Secret(error.to_string()))
}
