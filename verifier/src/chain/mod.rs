//! What is known of the chain, how old it may be, and what happens when it
//! cannot be read.
//!
//! * Entitlements are read when a request needs them and remembered for a short,
//!   published time ([`cache`]).
//! * Merchant, products and genesis hash are read at the start and again at a
//!   fixed interval ([`catalogue`]).
//! * A failed, slow or contradictory answer is an error that becomes 503; it is
//!   never taken for "nobody paid".

mod cache;
mod catalogue;
mod health;

pub(crate) use self::cache::{
    CacheLimits, EntitlementCache, Freshness, Key, Observed, ReadFailure,
};
pub(crate) use self::catalogue::{Catalogue, CatalogueError, Listing, Snapshot};
pub(crate) use self::health::ChainHealth;

use tollgate_client::{Chain, ChainError, EntitlementReading};

impl cache::ReadEntitlement for Chain {
    async fn read(&self, key: Key) -> Result<EntitlementReading, ChainError> {
        self.entitlement(&key.product, &key.beneficiary).await
    }
}
