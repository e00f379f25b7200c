//! The settlement's way to the chain.
//!
//! Every answer is as fresh as the caller asks: a view of `since` or later. A failure
//! to get one is [`Silence`], which is never taken for an absence.

use std::sync::Arc;
use std::time::Duration;

use solana_account::Account;
use solana_hash::Hash;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use tollgate_client::chain::{Submission, SubmitLimits};
use tollgate_client::{Addresses, Chain, ChainError, IntentSearch, PaymentIntent, Pubkey};

use super::facts::{Fate, Life};

/// The chain did not say. Holds a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chain could not be asked: {0}")]
pub(crate) struct Silence(pub(crate) &'static str);

impl From<ChainError> for Silence {
    fn from(error: ChainError) -> Self {
        Self(error.code())
    }
}

/// A transaction that landed, as a server remembers it.
#[derive(Clone, Debug)]
pub(crate) struct Landed {
    pub(crate) transaction: VersionedTransaction,
    /// When, by the chain's clock; `None` when the server does not remember.
    pub(crate) time: Option<i64>,
    /// Whether it did what it says.
    pub(crate) succeeded: bool,
}

/// One signature of an address's history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trace {
    pub(crate) signature: Signature,
    pub(crate) time: Option<i64>,
    pub(crate) succeeded: bool,
}

/// The RPC servers, for settlements.
pub(crate) struct Ledger {
    chain: Arc<Chain>,
}
