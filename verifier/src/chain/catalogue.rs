//! What the merchant sells, as the chain says it: read at the start, and again at
//! a fixed interval.
//!
//! A price that changes on chain is offered wrongly for at most that interval,
//! which costs nobody anything: a purchase states the terms that it expects, and
//! the program refuses it when they changed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tollgate_client::{Merchant, Product, Pubkey, Slug};
use tracing::{error, info, warn};

use super::rpc::{Pool, RpcFailure};
use super::{ChainHealth, KEYS_PER_CALL};
use crate::start_error::StartCode;

/// How soon to try again while nothing could be read yet.
const FIRST_READ_PAUSE: Duration = Duration::from_secs(1);

/// What is not as the configuration says. None of these passes by waiting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CatalogueError {
    #[error(
        "the RPC server serves the cluster with genesis hash {actual}, the configuration names {expected}"
    )]
    WrongCluster { expected: String, actual: String },
    #[error("there is no merchant account at {0}")]
    MerchantMissing(Pubkey),
    #[error("there is no product {slug:?} of this merchant: expected an account at {address}")]
    ProductMissing { slug: String, address: Pubkey },
    #[error("product {slug:?} is paid in {actual}, the configuration names {expected}")]
    WrongMint {
        slug: String,
        expected: Pubkey,
        actual: Pubkey,
    },
    #[error(
        "product {slug:?} counts calls, and nothing is configured to count them: expected a section [credits] with path (one verifier) or redis_url (several)"
    )]
    RouteMetered { slug: String },
    #[error("an account is not what its address promises: {0}")]
    Account(String),
}

impl CatalogueError {
    pub(crate) fn code(&self) -> StartCode {
        match self {
            Self::WrongCluster { .. } => StartCode::WrongCluster,
            Self::MerchantMissing(_) => StartCode::MerchantMissing,
            Self::ProductMissing { .. } => StartCode::ProductMissing,
            Self::WrongMint { .. } => StartCode::ProductWrongMint,
            Self::RouteMetered { .. } => StartCode::RouteMetered,
            Self::Account(_) => StartCode::AccountMismatch,
        }
    }
}

/// Why reading the catalogue failed.
#[derive(Debug)]
enum ReadError {
    /// Passes by itself, perhaps.
    Chain(RpcFailure),
    /// Does not.
    Catalogue(CatalogueError),
}

impl From<RpcFailure> for ReadError {
    fn from(failure: RpcFailure) -> Self {
        match failure {
            RpcFailure::WrongCluster { expected, actual } => {
                Self::Catalogue(CatalogueError::WrongCluster { expected, actual })
            }
            RpcFailure::Account(error) => {
                Self::Catalogue(CatalogueError::Account(error.to_string()))
            }
            other => Self::Chain(other),
        }
    }
}

/// A product and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) slug: Slug,
    pub(crate) address: Pubkey,
    pub(crate) product: Product,
}

/// One reading of everything.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) merchant: Merchant,
    pub(crate) listings: Vec<Listing>,
    pub(crate) read_at: Instant,
}

impl Snapshot {
    /// The product with this slug.
    pub(crate) fn listing(&self, slug: &Slug) -> Option<&Listing> {
        self.listings.iter().find(|listing| listing.slug == *slug)
    }

    /// Whether `listing` can be bought now.
    pub(crate) fn is_for_sale(&self, listing: &Listing) -> bool {
        listing.product.active && !self.merchant.paused
    }
}

/// What to read.
pub(crate) struct Catalogue {
    pub(crate) pool: Arc<Pool>,
    pub(crate) health: Arc<ChainHealth>,
    pub(crate) merchant: Pubkey,
    pub(crate) slugs: Vec<Slug>,
    /// Those of them that a route sells.
    pub(crate) routed: Vec<Slug>,
    pub(crate) mint: Option<Pubkey>,
    /// Whether used credits are counted.
    pub(crate) counts_credits: bool,
}

impl Catalogue {
    /// The first reading. `Ok(None)` when the RPC server cannot be asked now: the
    /// service then starts without being ready.
    ///
    /// # Errors
    /// When what was read contradicts the configuration.
    pub(crate) async fn first(&self) -> Result<Option<Snapshot>, CatalogueError> {
        match self.read().await {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(ReadError::Chain(error)) => {
                warn!(code = error.code(), %error, "starting without the chain: not ready yet");
                Ok(None)
            }
            Err(ReadError::Catalogue(error)) => Err(error),
        }
    }

    /// Reads again and again until `stop`, and hands out what was read. A reading
    /// that contradicts the configuration withdraws what was handed out (`None`):
    /// nothing is sold on the word of a server of another cluster.
    pub(crate) async fn refresh(
        self,
        every: Duration,
        mut known: bool,
        publish: impl Fn(Option<Snapshot>),
        mut stop: watch::Receiver<bool>,
    ) {
        loop {
            let pause = if known {
                every
            } else {
                FIRST_READ_PAUSE.min(every)
            };
            tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => return,
                () = tokio::time::sleep(pause) => {}
            }
            match self.read().await {
                Ok(snapshot) => {
                    if !known {
                        info!(products = snapshot.listings.len(), "the catalogue is known");
                    }
                    known = true;
                    publish(Some(snapshot));
                }
                Err(ReadError::Chain(error)) => {
                    warn!(code = error.code(), %error, "reading the catalogue failed");
                }
                Err(ReadError::Catalogue(error)) => {
                    error!(code = error.code().code(), %error, "the chain contradicts the configuration");
                    known = false;
                    publish(None);
                }
            }
        }
    }

    async fn read(&self) -> Result<Snapshot, ReadError> {
        let read_at = Instant::now();
        // Every reading asks the servers anew which cluster they serve.
        self.pool.unpin();
        let merchant = self
            .pool
            .decoded(&[self.merchant])
            .await?
            .pop()
            .flatten()
            .ok_or(ReadError::Catalogue(CatalogueError::MerchantMissing(
                self.merchant,
            )))?;
        let mut listings = Vec::with_capacity(self.slugs.len());
        for slugs in self.slugs.chunks(KEYS_PER_CALL) {
            let addresses: Vec<Pubkey> = slugs
                .iter()
                .map(|slug| self.pool.addresses().product(&self.merchant, slug))
                .collect();
            let products: Vec<Option<Product>> = self.pool.decoded(&addresses).await?;
            for ((slug, address), product) in slugs.iter().zip(addresses).zip(products) {
                listings.push(self.listing(*slug, address, product)?);
            }
        }
        self.health.succeeded();
        Ok(Snapshot {
            merchant,
            listings,
            read_at,
        })
    }

    fn listing(
        &self,
        slug: Slug,
        address: Pubkey,
        product: Option<Product>,
    ) -> Result<Listing, ReadError> {
        let product = product.ok_or_else(|| {
            ReadError::Catalogue(CatalogueError::ProductMissing {
                slug: slug.to_string(),
                address,
            })
        })?;
        if let Some(expected) = self.mint
            && product.mint != expected
        {
            return Err(ReadError::Catalogue(CatalogueError::WrongMint {
                slug: slug.to_string(),
                expected,
                actual: product.mint,
            }));
        }
        if product.is_metered() && !self.counts_credits && self.routed.contains(&slug) {
            return Err(ReadError::Catalogue(CatalogueError::RouteMetered {
                slug: slug.to_string(),
            }));
        }
        Ok(Listing {
            slug,
            address,
            product,
        })
    }
}
