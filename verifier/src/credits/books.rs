//! The books of a store without a verifier: for `tollgate credits`.

use std::sync::Arc;

use tokio::sync::watch;
use tollgate_client::chain::MAX_ENTITLEMENTS_AT_ONCE;
use tollgate_client::{Credits, Pubkey};

use super::booking::{Booker, BookingError, readings};
use super::ledger::ChainView;
use super::service::{Surroundings, booker, open};
use super::store::{CreditStore, StoreError};
use super::tally::Tally;
use super::wake::Wake;
use crate::chain::{Pool, RpcFailure};
use crate::config::{Config, OperatorKey};
use crate::lasting::{longest_request, merchant_address, owner, servers};
use crate::start_error::StartError;

/// Why the books cannot be read or closed.
#[derive(Debug, thiserror::Error)]
pub enum CreditBooksError {
    /// The configuration has no section `[credits]`.
    #[error("the configuration has no section [credits]: nothing is counted")]
    NotConfigured,
    /// There is no key to book with.
    #[error(
        "expected an operator key: credits.operator_key_file or credits.operator_key_env, or one on the command line"
    )]
    KeyMissing,
    /// The store cannot be opened; a file must not be in use by a verifier.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The chain cannot be read.
    #[error("{message}")]
    Chain {
        /// Stable code.
        code: &'static str,
        /// What happened.
        message: String,
    },
    /// The store does not answer.
    #[error("{0}")]
    Store(String),
    /// Booking ended early. What is not booked stays counted.
    #[error("{message}")]
    Booking {
        /// Stable code.
        code: &'static str,
        /// What happened.
        message: String,
    },
}

impl CreditBooksError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotConfigured => "credits_not_configured",
            Self::KeyMissing => "operator_key_missing",
            Self::Start(error) => error.code(),
            Self::Store(_) => "credits_store",
            Self::Chain { code, .. } | Self::Booking { code, .. } => code,
        }
    }
}

impl From<StoreError> for CreditBooksError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

impl From<RpcFailure> for CreditBooksError {
    fn from(failure: RpcFailure) -> Self {
        Self::Chain {
            code: failure.code(),
            message: failure.to_string(),
        }
    }
}

impl From<BookingError> for CreditBooksError {
    fn from(error: BookingError) -> Self {
        Self::Booking {
            code: error.code(),
            message: error.to_string(),
        }
    }
}

/// An entitlement with used credits that the chain does not know yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnbookedCredits {
    /// The entitlement account.
    pub entitlement: Pubkey,
    /// All credits granted, by the chain.
    pub granted: Credits,
    /// All credits booked as used, by the chain.
    pub booked: Credits,
    /// All credits used, by the store.
    pub used: Credits,
}

/// What was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booked {
    /// Entitlements whose total was booked.
    pub entitlements: usize,
    /// Credits booked.
    pub credits: u64,
    /// Entitlements that the program refused to book.
    pub refused: usize,
}

/// The store of a configuration, opened without serving. A local store must not be
/// in use by a verifier; a shared one may be.
pub struct CreditBooks {
    store: Arc<dyn CreditStore>,
    pool: Arc<Pool>,
    booker: Option<Arc<Booker>>,
}

impl CreditBooks {
    /// Opens the store that `config` names. `operator` books instead of the
    /// configured key, if it is given.
    ///
    /// # Errors
    /// [`CreditBooksError`]; also when the RPC server serves another cluster.
    pub async fn open(
        config: &Config,
        operator: Option<OperatorKey>,
    ) -> Result<Self, CreditBooksError> {
        let section = config
            .credits
            .as_ref()
            .ok_or(CreditBooksError::NotConfigured)?;
        let mut section = section.clone();
        section.operator = operator.or(section.operator);
        // Whoever asks for it wants all of it.
        section.bookings_per_round = usize::MAX;
        let pool = Arc::new(servers(config, None)?);
        // A server of another cluster is found out before anything is opened.
        pool.clock().await?;
        let (_, stopping) = watch::channel(false);
        let around = Surroundings {
            pool: Arc::clone(&pool),
            redis: None,
            owner: owner(config, merchant_address(config, &pool.addresses())),
            longest_request: longest_request(config),
            stopping,
        };
        let store = open(&section, &around).await.map_err(StartError::from)?;
        let shared = (
            Arc::new(Tally::default()),
            Arc::new(Wake::new(Credits(u64::MAX))),
        );
        let booker = booker(&section, &around, &store, shared);
        Ok(Self {
            store,
            pool,
            booker,
        })
    }

    /// What is used and not booked, by a new reading of the chain.
    ///
    /// # Errors
    /// [`CreditBooksError`].
    pub async fn unbooked(&self) -> Result<Vec<UnbookedCredits>, CreditBooksError> {
        let mut all = Vec::new();
        let mut place = None;
        loop {
            let page = self.store.unbooked(place, MAX_ENTITLEMENTS_AT_ONCE).await?;
            let Some(last) = page.last() else {
                return Ok(all);
            };
            place = Some(*last);
            let found = readings(&self.pool, &page).await?;
            for (entitlement, answer) in page.into_iter().zip(found) {
                let Some((account, slot)) =
                    answer.and_then(|answer| Some((answer.entitlement?, answer.slot)))
                else {
                    continue;
                };
                let view = ChainView::of(&account, slot);
                let ledger = self.store.look(entitlement, view).await?;
                if ledger.bookable().is_some() {
                    all.push(UnbookedCredits {
                        entitlement,
                        granted: ledger.chain.granted,
                        booked: ledger.chain.booked,
                        used: ledger.used,
                    });
                }
            }
        }
    }

    /// Books everything that can be booked now.
    ///
    /// # Errors
    /// [`CreditBooksError`]; what was booked until then stays booked.
    pub async fn book(&self) -> Result<Booked, CreditBooksError> {
        let booker = self.booker.as_ref().ok_or(CreditBooksError::KeyMissing)?;
        let round = booker.round().await?;
        Ok(Booked {
            entitlements: round.entitlements,
            credits: round.credits,
            refused: round.refused,
        })
    }
}

impl std::fmt::Debug for CreditBooks {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("CreditBooks")
            .field("booker", &self.booker)
            .finish_non_exhaustive()
    }
}
