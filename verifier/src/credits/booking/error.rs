//! Why a round of bookings ended early. Nothing is lost by it: what is not booked
//! stays counted and is booked by a later round.

use tollgate_client::Pubkey;
use tollgate_client::transaction::BuildError;

use crate::chain::RpcFailure;
use crate::credits::store::StoreError;

/// Closed list of reasons; [`BookingError::code`] is stable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BookingError {
    /// The store does not say what is used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The chain cannot be read or written.
    #[error(transparent)]
    Chain(#[from] RpcFailure),
    /// A transaction could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// There is no merchant account.
    #[error("there is no merchant account at {0}")]
    MerchantMissing(Pubkey),
    /// The configured key may not book.
    #[error("the merchant's operator is {expected}, the configured key is {actual}")]
    NotOperator {
        /// Whom the merchant account names.
        expected: Pubkey,
        /// Whose key is configured.
        actual: Pubkey,
    },
    /// The cluster refuses the transaction itself, whatever is booked: most often
    /// the operator cannot pay its fee.
    #[error("the cluster refuses the operator's transactions: {0}")]
    Refused(String),
    /// A transaction was sent and its fate is not known. The accounts are read
    /// before anything else is sent.
    #[error("the fate of a booking is not known yet")]
    Unknown,
}

impl BookingError {
    /// Stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Store(_) => "credits_store",
            Self::Chain(error) => error.code(),
            Self::Build(error) => error.code(),
            Self::MerchantMissing(_) => "merchant_missing",
            Self::NotOperator { .. } => "not_operator",
            Self::Refused(_) => "booking_refused",
            Self::Unknown => "booking_unknown",
        }
    }
}
