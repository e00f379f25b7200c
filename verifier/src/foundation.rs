//! What every way in stands on: the state of one configuration, and the task that
//! keeps it true.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tollgate_client::{Addresses, DurationSeconds, Slug};
use tollgate_gate::limits::MAX_SESSION_LIFETIME;
use tollgate_gate::{Gate, GateSettings, KeyRing, Network, Origin};

use crate::api;
use crate::app::App;
use crate::chain::{Catalogue, Snapshot};
use crate::config::{Config, PublicUrl, Secrets};
use crate::keys;
use crate::lasting::Lasting;
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
    pub(crate) fn offline(config: &Config, lasting: &Lasting) -> Result<Self, StartError> {
        let plan = RoutePlan::new(&config.routes).map_err(StartError::routes)?;
        let gate = gate(config, &lasting.public_url)?;
        let catalogue = catalogue(config, &plan, lasting)?;
        let publisher = Publisher {
            plan,
            merchant: lasting.merchant,
            sender: watch::Sender::new(None),
        };
        let app = Arc::new(App {
            gate,
            cache: lasting.cache.clone(),
            chain: Arc::clone(&lasting.chain),
            health: Arc::clone(&lasting.health),
            credits: lasting.credits.clone(),
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
            terms_lifetime: config.chain.ready_within,
        });
        Ok(Self {
            app,
            catalogue,
            publisher,
            refresh_interval: config.chain.refresh_interval,
            known: false,
        })
    }

    /// Begins to follow the chain for it.
    pub(crate) fn enter(self, lasting: &Lasting) -> Foundation {
        let publisher = self.publisher;
        let refresher = tokio::spawn(self.catalogue.refresh(
            self.refresh_interval,
            self.known,
            move |snapshot| publisher.publish(snapshot),
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
}

impl Publisher {
    fn publish(&self, snapshot: Option<Snapshot>) {
        let market = snapshot
            .and_then(|snapshot| Market::new(&self.plan, Arc::new(snapshot), self.merchant))
            .map(Arc::new);
        self.sender.send_replace(market);
    }
}

fn catalogue(
    config: &Config,
    plan: &RoutePlan,
    lasting: &Lasting,
) -> Result<Catalogue, StartError> {
    let mut slugs = plan.slugs();
    for name in &config.merchant.products {
        slugs.push(Slug::new(name).map_err(|_| StartError::Slug(name.clone()))?);
    }
    slugs.sort_unstable();
    slugs.dedup();
    Ok(Catalogue {
        pool: Arc::clone(&lasting.pool),
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
    }))
}

fn key_ring(secrets: &Secrets) -> Result<KeyRing, StartError> {
    keys::ring(secrets).map_err(|error| StartError::Secret(error.to_string()))
}
