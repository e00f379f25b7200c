//! Sending a signed transaction until its fate is known.
//!
//! The same bytes are sent again until they land or their blockhash has expired;
//! nothing is ever signed again here. The one dangerous mistake, paying twice
//! because the first answer was lost, is thereby impossible at this level.

use super::error::program_error;
use super::{Chain, ChainError, Commitment};
use crate::TollgateError;
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client_api::client_error::TransactionError;
use solana_rpc_client_api::config::RpcSendTransactionConfig;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_status_client_types::TransactionStatus;
use std::time::Duration;
use tokio::time::Instant;

/// How long and how often to try.
#[derive(Clone, Copy, Debug)]
pub struct SubmitLimits {
    /// After this the fate is [`Submission::Unknown`].
    pub deadline: Duration,
    /// Pause between two looks at the status.
    pub poll_every: Duration,
    /// Pause between two broadcasts of the same bytes.
    pub resend_every: Duration,
}

impl Default for SubmitLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(90),
            poll_every: Duration::from_millis(250),
            resend_every: Duration::from_secs(2),
        }
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
    /// It succeeded at the configured commitment.
    Landed {
        /// Its signature.
        signature: Signature,
        /// The slot that holds it.
        slot: u64,
    },
    /// It is on chain and failed: only its fee was spent.
    Failed {
        /// Its signature.
        signature: Signature,
        /// Why.
        error: TransactionError,
        /// The program's own error, if it was one.
        program_error: Option<TollgateError>,
    },
    /// Its blockhash expired without it: it can never land.
    Expired,
    /// Nobody could say in time. It may have landed or may still land.
    Unknown,
}

/// What is known of a transaction that may have been sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// It stands at the commitment that counts.
    Settled {
        /// The slot that holds it.
        slot: u64,
        /// Why it failed, if it did.
        error: Option<TransactionError>,
    },
    /// Finalized history has passed its last valid block height without it.
    Expired,
    /// Neither: it may have landed or may still land.
    Open,
}

impl Sighting {
    /// What one server's `status` of a transaction means at `commitment`. `past`: a view
    /// of that server, asked for before the status, is past the transaction's last valid
    /// block height.
    pub fn of(status: Option<&TransactionStatus>, commitment: Commitment, past: bool) -> Self {
        match status {
            Some(status) if status.satisfies_commitment(commitment.into()) => Self::Settled {
                slot: status.slot,
                error: status.err.clone(),
            },
            None if past => Self::Expired,
            Some(_) | None => Self::Open,
        }
    }
}

/// The way of a signed transaction to a cluster, over one server or several.
pub trait Relay {
    /// Sends the bytes on. What a server answers says nothing about earlier
    /// broadcasts, so only a [`Sighting`] counts. The same bytes may be sent any number of
    /// times to any number of servers: they land once at most.
    fn broadcast(&self, transaction: &VersionedTransaction) -> impl Future<Output = ()> + Send;

    /// Looks for a transaction whose blockhash is valid up to `last_valid_block_height`.
    /// What cannot be found out is [`Sighting::Open`].
    fn sighting(
        &self,
        signature: &Signature,
        last_valid_block_height: u64,
    ) -> impl Future<Output = Sighting> + Send;
}

/// Broadcasts `transaction` again and again until its fate is known.
/// `last_valid_block_height` is that of its blockhash. Nothing is simulated: a
/// simulation of what has landed fails.
pub async fn follow(
    relay: &impl Relay,
    transaction: &VersionedTransaction,
    last_valid_block_height: u64,
    limits: SubmitLimits,
) -> Submission {
    let Some(signature) = transaction.signatures.first().copied() else {
        return Submission::Unknown;
    };
    let started = Instant::now();
    let mut next_send = started;
    while started.elapsed() < limits.deadline {
        if Instant::now() >= next_send {
            relay.broadcast(transaction).await;
            next_send = Instant::now() + limits.resend_every;
        }
        match relay.sighting(&signature, last_valid_block_height).await {
            Sighting::Settled { slot, error: None } => {
                return Submission::Landed { signature, slot };
            }
            Sighting::Settled {
                error: Some(error), ..
            } => {
                return Submission::Failed {
                    signature,
                    program_error: program_error(&error),
                    error,
                };
            }
            Sighting::Expired => return Submission::Expired,
            Sighting::Open => {}
        }
        tokio::time::sleep(limits.poll_every).await;
    }
    Submission::Unknown
}

impl Relay for Chain {
    async fn broadcast(&self, transaction: &VersionedTransaction) {
        let config = RpcSendTransactionConfig {
            skip_preflight: true,
            max_retries: Some(0),
            ..RpcSendTransactionConfig::default()
        };
        let _ = self
            .bounded(self.rpc.send_transaction_with_config(transaction, config))
            .await;
    }

    async fn sighting(&self, signature: &Signature, last_valid_block_height: u64) -> Sighting {
        // The height is read before the status: a transaction that is absent from a
        // later view than the expiry of its blockhash cannot land.
        let past = self.is_past(last_valid_block_height).await;
        self.status(signature)
            .await
            .map_or(Sighting::Open, |status| {
                Sighting::of(status.as_ref(), self.options.commitment, past)
            })
    }
}

impl Chain {
    /// Broadcasts `transaction` and waits for its fate. `last_valid_block_height`
    /// is that of its blockhash.
    ///
    /// # Errors
    /// Only before anything was broadcast: [`ChainError::Refused`] when the
    /// simulation fails, another [`ChainError`] when the server cannot be asked for
    /// the simulation. After that every doubt is [`Submission::Unknown`].
    pub async fn submit(
        &self,
        transaction: &VersionedTransaction,
        last_valid_block_height: u64,
        limits: SubmitLimits,
    ) -> Result<Submission, ChainError> {
        self.simulate(transaction).await?;
        Ok(self
            .resume(transaction, last_valid_block_height, limits)
            .await)
    }

    /// Like [`Chain::submit`] for a transaction that may have been sent before,
    /// by this process or by an earlier one ([`follow`]).
    pub async fn resume(
        &self,
        transaction: &VersionedTransaction,
        last_valid_block_height: u64,
        limits: SubmitLimits,
    ) -> Submission {
        follow(self, transaction, last_valid_block_height, limits).await
    }

    async fn status(&self, signature: &Signature) -> Result<Option<TransactionStatus>, ChainError> {
        let signatures = [*signature];
        let answer = self
            .bounded(self.rpc.get_signature_statuses_with_history(&signatures))
            .await?;
        Ok(answer.value.into_iter().next().flatten())
    }

    /// Whether finalized history has passed `height`. Asked at `finalized`, so
    /// that no block which could still hold the transaction is left out.
    async fn is_past(&self, height: u64) -> bool {
        let call = self
            .rpc
            .get_block_height_with_commitment(CommitmentConfig::finalized());
        self.bounded(call)
            .await
            .is_ok_and(|current| current > height)
    }

    /// Refuses what would fail, at the price of no fee.
    ///
    /// # Errors
    /// [`ChainError::Refused`], or what kept the server from answering.
    pub async fn simulate(&self, transaction: &VersionedTransaction) -> Result<(), ChainError> {
        let answer = self
            .bounded(self.rpc.simulate_transaction(transaction))
            .await?;
        match answer.value.err {
            None => Ok(()),
            Some(error) => {
                let error = TransactionError::from(error);
                Err(ChainError::Refused {
                    program_error: program_error(&error),
                    error,
                    logs: answer.value.logs.unwrap_or_default(),
                })
            }
        }
    }
}
