//! What is wrong with a catalog.

use solana_pubkey::Pubkey;
use std::path::PathBuf;
use tollgate_client::amounts::AmountError;

/// Closed list of failures. All of them are found before anything is sent.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The file cannot be read.
    #[error("the catalog {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("the catalog is not valid: {0}")]
    Invalid(String),
    /// Two products have the same name.
    #[error("the catalog names the product {0} twice")]
    SlugTwice(String),
    /// A price that is no amount of its mint.
    #[error("the price of {slug}: {error}")]
    Price {
        /// The product.
        slug: String,
        /// What is wrong with it.
        error: AmountError,
    },
    /// Terms that the program refuses.
    #[error("{slug}: {reason}")]
    Terms {
        /// The product.
        slug: String,
        /// What is wrong with them.
        reason: &'static str,
    },
    /// The mint does not exist on this cluster.
    #[error("there is no mint {0} on this cluster")]
    MintUnknown(Pubkey),
    /// The merchant does not exist, and its owner does not sign.
    #[error("{0} has no merchant yet; only this key itself can create it")]
    NotOwner(Pubkey),
    /// The signing key may not change this merchant.
    #[error("{authority} is the merchant's authority, not the given key {given}")]
    NotAuthority {
        /// Who may.
        authority: Pubkey,
        /// Who signs.
        given: Pubkey,
    },
    /// A product's mint never changes.
    #[error("{slug} is paid with {on_chain}; its mint can never be changed to {wanted}")]
    MintFixed {
        /// The product.
        slug: String,
        /// Its mint.
        on_chain: Pubkey,
        /// The file's.
        wanted: Pubkey,
    },
    /// Whether calls are counted never changes.
    #[error("whether the calls of {slug} are counted can never be changed")]
    MeteringFixed {
        /// The product.
        slug: String,
    },
}

impl CatalogError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "catalog_unreadable",
            Self::Invalid(_) => "catalog_invalid",
            Self::SlugTwice(_) => "catalog_slug_twice",
            Self::Price { .. } => "catalog_price_invalid",
            Self::Terms { .. } => "catalog_terms_invalid",
            Self::MintUnknown(_) => "catalog_mint_unknown",
            Self::NotOwner(_) => "catalog_not_owner",
            Self::NotAuthority { .. } => "catalog_not_authority",
            Self::MintFixed { .. } => "catalog_mint_fixed",
            Self::MeteringFixed { .. } => "catalog_metering_fixed",
        }
    }
}
