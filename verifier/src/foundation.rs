//! What every way in stands on: the state of one configuration, and the task that
//! keeps it true.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tollgate_client::{Addresses, Amount, DurationSeconds, Slug};
use tollgate_gate::limits::MAX_SESSION_LIFETIME;
use tollgate_gate::{Gate, GateSettings, KeyRing, Network, Origin};

use crate::api;
use crate::app::App;
use crate::chain::{Catalogue, Entitlements, Pool, Snapshot};
use crate::config::{Config, PublicUrl, RelayConfig, Secrets};
use crate::keys;
use crate::lasting::{Lasting, servers};
use crate::market::{Market, RoutePlan};
use crate::receipts::ReceiptDesk;
use crate::start_error::StartError;

/// The state of one configuration and what refreshes it. Ends with its owner.
#[derive(Debug)]
pub(crate) struct Foundation {
    pub(crate) app: Arc<App>,
    /// Ends with it.
    _refresher: Task<()>,
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(crate) struct Task<T>(pub(crate) JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A configuration that was checked, against itself and as far as possible against
/// the chain, and can be put in force.
pub(crate) struct Prepared {
    pub(crate) app: Arc<App>,
    catalogue: Catalogue,
    publisher: Publisher,
    /// What it would ask for the chain.
    pool: Arc<Pool>,
    refresh_interval: Duration,
    /// Whether the chain could be read.
    pub(crate) known: bool,
}

impl Prepared {
    /// Checks and reads everything that `config` needs. Changes nothing.
    ///
    /// # Errors
    /// What the configuration or the chain contradicts; not when the chain cannot be
    /// asked now.
    pub(crate) async fn new(config: &Config, lasting: &Lasting) -> Result<Self, StartError> {
        Self::asking(Arc::clone(&lasting.pool), config, lasting).await
    }

    /// The same over the servers that `config` names, instead of those in use.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub(crate) async fn elsewhere(config: &Config, lasting: &Lasting) -> Result<Self, StartError> {
        let pool = servers(config, Some(&lasting.pool))?;
        Self::asking(Arc::new(pool), config, lasting).await
    }

    async fn asking(
        pool: Arc<Pool>,
        config: &Config,
        lasting: &Lasting,
    ) -> Result<Self, StartError> {
        let mut prepared = Self::over(pool, config, lasting)?;
        let first = prepared.catalogue.first().await.map_err(StartError::from)?;
        prepared.known = first.is_some();
        prepared.publisher.publish(first);
        Ok(prepared)
    }

    /// The same without asking the chain anything.
    ///
    /// # Errors
    /// What the configuration itself contradicts.
    pub(crate) fn offline(config: &Config, lasting: &Lasting) -> Result<Self, StartError> {
        Self::over(Arc::clone(&lasting.pool), config, lasting)
    }

    fn over(pool: Arc<Pool>, config: &Config, lasting: &Lasting) -> Result<Self, StartError> {
        let plan = RoutePlan::new(&config.routes).map_err(StartError::routes)?;
        let gate = gate(config, &lasting.public_url)?;
        let catalogue = catalogue(config, &plan, &pool, lasting)?;
        let publisher = Publisher {
            plan,
            merchant: lasting.merchant,
            sender: watch::Sender::new(None),
            second_opinion_above: config.chain.second_opinion_above,
            cache: lasting.cache.clone(),
        };
        let app = Arc::new(App {
            gate,
            cache: lasting.cache.clone(),
            pool: Arc::clone(&lasting.pool),
            health: Arc::clone(&lasting.health),
            credits: lasting.credits.clone(),
            settlement: lasting.settlement.clone(),
            nonces: lasting.nonces.clone(),
            receipts: config.receipts.as_ref().map(ReceiptDesk::new),
            audit: lasting.audit.clone(),
            payment_turns: Arc::clone(&lasting.payment_turns),
            counts: Arc::clone(&lasting.counts),
            metrics: Arc::clone(&lasting.metrics),
            payer_rate: config.limits.payer.rate(),
            max_upstream_requests: config.limits.max_upstream_requests,
            market: publisher.sender.subscribe(),
            leaving: lasting.leave.subscribe(),
            stopping: lasting.stop.subscribe(),
            merchant: lasting.merchant,
            merchant_name: config.merchant.name.clone(),
            public_url: lasting.public_url.clone(),
            openapi: api::openapi_document(config, &lasting.public_url),
            yielded: api::yielded(&config.routes),
            terms_lifetime: config.chain.ready_within,
        });
        Ok(Self {
            app,
            catalogue,
            publisher,
            pool,
            refresh_interval: config.chain.refresh_interval,
            known: false,
        })
    }

    /// Begins to follow the chain for it, over its servers.
    pub(crate) fn enter(self, config: &Config, lasting: &Lasting) -> Foundation {
        lasting.move_to(&self.pool, config);
        let (publisher, mut catalogue) = (self.publisher, self.catalogue);
        catalogue.pool = Arc::clone(&lasting.pool);
        let market = publisher.sender.borrow().clone();
        if let Some(market) = market {
            publisher.tell_prices(&market.snapshot);
        }
        let refresher = tokio::spawn(catalogue.refresh(
            self.refresh_interval,
            self.known,
            move |snapshot| {
                // First: what is sold at a new price is confirmed by the new price.
                if let Some(snapshot) = &snapshot {
                    publisher.tell_prices(snapshot);
                }
                publisher.publish(snapshot);
            },
            lasting.stop.subscribe(),
        ));
        Foundation {
            app: self.app,
            _refresher: Task(refresher),
        }
    }
}

/// Turns readings of the catalogue into routes with terms.
struct Publisher {
    plan: RoutePlan,
    merchant: tollgate_client::Pubkey,
    sender: watch::Sender<Option<Arc<Market>>>,
    second_opinion_above: Option<Amount>,
    cache: Entitlements,
}

impl Publisher {
    fn publish(&self, snapshot: Option<Snapshot>) {
        let market = snapshot
            .and_then(|snapshot| Market::new(&self.plan, Arc::new(snapshot), self.merchant))
            .map(Arc::new);
        self.sender.send_replace(market);
    }

    /// Tells the cache whose grants take a second opinion.
    fn tell_prices(&self, snapshot: &Snapshot) {
        let listings = snapshot.listings.iter();
        let prices = listings.map(|listing| (listing.address, listing.product.price));
        self.cache.dear().learn(self.second_opinion_above, prices);
    }
}

fn catalogue(
    config: &Config,
    plan: &RoutePlan,
    pool: &Arc<Pool>,
    lasting: &Lasting,
) -> Result<Catalogue, StartError> {
    let mut slugs = plan.slugs();
    for name in &config.merchant.products {
        slugs.push(Slug::new(name).map_err(|_| StartError::Slug(name.clone()))?);
    }
    slugs.sort_unstable();
    slugs.dedup();
    Ok(Catalogue {
        pool: Arc::clone(pool),
        health: Arc::clone(&lasting.health),
        merchant: lasting.merchant,
        slugs,
        routed: plan.slugs(),
        mint: config.merchant.mint,
        counts_credits: config.credits.is_some(),
    })
}

pub(crate) fn gate(config: &Config, public_url: &PublicUrl) -> Result<Gate, StartError> {
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
        fee_payer: config.relay.as_ref().map(RelayConfig::address),
    }))
}

fn key_ring(secrets: &Secrets) -> Result<KeyRing, StartError> {
    keys::ring(secrets).map_err(|error| StartError::Secret(error.to_string()))
}
