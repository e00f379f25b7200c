//! What the handlers share.

use std::sync::Arc;

use bytes::Bytes;
use solana_pubkey::Pubkey;
use tokio::sync::{Semaphore, watch};
use tollgate_gate::{Gate, GateError};
use tracing::debug;

use crate::audit::AuditLog;
use crate::chain::{ChainHealth, Entitlements, Pool, ReadFailure};
use crate::config::PublicUrl;
use crate::credits::CreditService;
use crate::error::ServiceError;
use crate::limits::{Counts, Rate};
use crate::market::Market;
use crate::metrics::Metrics;
use crate::nonces::NonceStore;
use crate::receipts::ReceiptDesk;
use crate::settlement::Settlement;

/// The state of one running verifier.
pub(crate) struct App {
    pub(crate) gate: Gate,
    /// The way to the chain.
    pub(crate) pool: Arc<Pool>,
    pub(crate) cache: Entitlements,
    /// Counts used credits, where that is configured.
    pub(crate) credits: Option<Arc<CreditService>>,
    /// Settles plain transfers, where they are taken.
    pub(crate) settlement: Option<Arc<Settlement>>,
    pub(crate) health: Arc<ChainHealth>,
    /// Which sign-ins were used.
    pub(crate) nonces: Arc<dyn NonceStore>,
    /// Signs receipts; `None` when none are made.
    pub(crate) receipts: Option<ReceiptDesk>,
    /// Records decisions; `None` when none are.
    pub(crate) audit: Option<Arc<AuditLog>>,
    /// Bounds the transaction requests in progress: each reads the chain anew.
    pub(crate) payment_turns: Arc<Semaphore>,
    /// Who asked how often, and who is at the upstream.
    pub(crate) counts: Arc<Counts>,
    pub(crate) metrics: Arc<Metrics>,
    /// How often the holder of one entitlement may ask.
    pub(crate) payer_rate: Option<Rate>,
    /// How many requests may be at the upstream.
    pub(crate) max_upstream_requests: usize,
    /// The routes with their terms; `None` until the chain was read, and again
    /// when it contradicts the configuration.
    pub(crate) market: watch::Receiver<Option<Arc<Market>>>,
    /// True once the service should get no more requests.
    pub(crate) leaving: watch::Receiver<bool>,
    /// True once it stops; WebSockets end then.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) merchant: Pubkey,
    pub(crate) merchant_name: String,
    pub(crate) public_url: PublicUrl,
    /// The OpenAPI document; `None` when a route has its place.
    pub(crate) openapi: Option<Bytes>,
    /// Documents of this service that a route of the configuration stands for.
    pub(crate) yielded: Vec<&'static str>,
    /// How old terms may be to be offered.
    pub(crate) terms_lifetime: std::time::Duration,
}

/// The name only: some of its parts hold secrets.
impl std::fmt::Debug for App {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("App")
    }
}

impl App {
    /// The routes and terms, however old: for what does not depend on prices.
    pub(crate) fn known_market(&self) -> Result<Arc<Market>, ServiceError> {
        self.market
            .borrow()
            .clone()
            .ok_or_else(|| GateError::ChainUnavailable.into())
    }

    /// The routes and terms, if they are recent enough to be offered.
    pub(crate) fn current_market(&self) -> Result<Arc<Market>, ServiceError> {
        let market = self.known_market()?;
        if self.terms_are_current(&market) {
            Ok(market)
        } else {
            Err(GateError::OfferUnavailable.into())
        }
    }

    /// Whether a payment may be asked for on these terms.
    pub(crate) fn terms_are_current(&self, market: &Market) -> bool {
        market.snapshot.read_at.elapsed() <= self.terms_lifetime
    }

    /// Why the service should not get requests now; `None` when it should.
    pub(crate) fn unready(&self) -> Option<&'static str> {
        if *self.leaving.borrow() {
            return Some("shutting_down");
        }
        let Ok(market) = self.known_market() else {
            return Some("catalogue_unknown");
        };
        if !self.health.is_ready() {
            Some("chain_unavailable")
        } else if self.cache.is_stalled() {
            Some("chain_stalled")
        } else if !self.terms_are_current(&market) {
            Some("terms_too_old")
        } else {
            None
        }
    }

    /// The refusal for a reading that could not be had.
    pub(crate) fn unreadable(&self, failure: ReadFailure) -> ServiceError {
        debug!(%failure, "an entitlement could not be read");
        match failure {
            ReadFailure::Overloaded => GateError::Overloaded.into(),
            ReadFailure::Chain(_)
            | ReadFailure::Lagging
            | ReadFailure::Unconfirmed
            | ReadFailure::Contradicted => GateError::ChainUnavailable.into(),
        }
    }
}
