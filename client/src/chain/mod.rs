//! Reading and writing a cluster through its JSON-RPC.
//!
//! An answer that could not be had is a [`ChainError`], never an absent account:
//! "not there" is said only on the word of a server that answered.

mod bulk;
mod error;
mod raw;
mod read;
mod submit;

pub use bulk::{BulkLimits, BulkOutcome};
pub use error::{ChainError, program_error};
pub use read::{
    CLOCK, EntitlementReading, EntitlementsReading, MAX_ENTITLEMENTS_AT_ONCE, chain_time,
};
pub use submit::{Relay, Sighting, Submission, SubmitLimits, follow};

use crate::{Addresses, Pubkey};
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_rpc_client_api::client_error::Result as RpcResult;
use std::future::Future;
use std::time::Duration;

/// How certain a reading has to be before it counts. `processed` is not offered:
/// one node's opinion never grants anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commitment {
    /// Voted for by a supermajority.
    Confirmed,
    /// Rooted; never rolled back.
    Finalized,
}

impl From<Commitment> for CommitmentConfig {
    fn from(commitment: Commitment) -> Self {
        match commitment {
            Commitment::Confirmed => Self::confirmed(),
            Commitment::Finalized => Self::finalized(),
        }
    }
}

/// How to talk to a cluster.
#[derive(Clone, Copy, Debug)]
pub struct ChainOptions {
    /// The deployed program.
    pub program_id: Pubkey,
    /// What a reading has to reach.
    pub commitment: Commitment,
    /// Longest time for one call, retries of the RPC library included.
    pub timeout: Duration,
}

impl Default for ChainOptions {
    fn default() -> Self {
        Self {
            program_id: crate::PROGRAM_ID,
            commitment: Commitment::Confirmed,
            timeout: Duration::from_secs(5),
        }
    }
}

/// One deployment of the program on one cluster.
pub struct Chain {
    rpc: RpcClient,
    options: ChainOptions,
}

impl Chain {
    /// Connects lazily to the JSON-RPC server at `url`.
    pub fn new(url: impl Into<String>, options: ChainOptions) -> Self {
        let rpc = RpcClient::new_with_timeout_and_commitment(
            url.into(),
            options.timeout,
            options.commitment.into(),
        );
        Self { rpc, options }
    }

    /// The addresses of the deployment.
    pub fn addresses(&self) -> Addresses {
        Addresses::new(self.options.program_id)
    }

    /// The options that it was made with.
    pub fn options(&self) -> &ChainOptions {
        &self.options
    }

    /// The RPC client, for calls that this type does not offer. Its calls are not
    /// bounded by [`ChainOptions::timeout`] when the server asks it to slow down.
    pub fn rpc(&self) -> &RpcClient {
        &self.rpc
    }

    fn commitment(&self) -> CommitmentConfig {
        self.options.commitment.into()
    }

    /// Bounds a call in time. The library sleeps inside a call when the server
    /// answers 429, up to minutes; the outer limit is what a caller can rely on.
    async fn bounded<T>(&self, call: impl Future<Output = RpcResult<T>>) -> Result<T, ChainError> {
        match tokio::time::timeout(self.options.timeout, call).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(ChainError::from(*error.kind)),
            Err(_) => Err(ChainError::Timeout),
        }
    }
}

impl std::fmt::Debug for Chain {
    // The URL may carry a key, so it is not shown.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Chain")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
