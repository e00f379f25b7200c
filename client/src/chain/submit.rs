//! Sending a signed transaction until its fate is known.
//!
//! The same bytes are sent again until they land or their blockhash has expired;
//! nothing is ever signed again here. The one dangerous mistake, paying twice
//! because the first answer was lost, is thereby impossible at this level.

use super::error::program_error;
use super::{Chain, ChainError};
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
    /// by this process or by an earlier one: nothing is simulated, because a
    /// simulation of what has landed fails.
    pub async fn resume(
        &self,
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
                self.broadcast(transaction).await;
                next_send = Instant::now() + limits.resend_every;
            }
            // The height is read before the status: a transaction that is absent
            // from a later view than the expiry of its blockhash cannot land.
            let expired = self.is_past(last_valid_block_height).await;
            match self.status(&signature).await {
                Ok(Some(status)) => {
                    if let Some(fate) = self.fate(signature, &status) {
                        return fate;
                    }
                }
                Ok(None) if expired => return Submission::Expired,
                Ok(None) | Err(_) => {}
            }
            tokio::time::sleep(limits.poll_every).await;
        }
        Submission::Unknown
    }

    /// What became of a signature, if its status has reached the configured
    /// commitment.
    fn fate(&self, signature: Signature, status: &TransactionStatus) -> Option<Submission> {
        if !status.satisfies_commitment(self.commitment()) {
            return None;
        }
        Some(match &status.err {
            None => Submission::Landed {
                signature,
                slot: status.slot,
            },
            Some(error) => Submission::Failed {
                signature,
                program_error: program_error(error),
                error: error.clone(),
            },
        })
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

    /// One broadcast. What it answers says nothing about earlier broadcasts, so
    /// only the status counts.
    pub(super) async fn broadcast(&self, transaction: &VersionedTransaction) {
        let config = RpcSendTransactionConfig {
            skip_preflight: true,
            max_retries: Some(0),
            ..RpcSendTransactionConfig::default()
        };
        let _ = self
            .bounded(self.rpc.send_transaction_with_config(transaction, config))
            .await;
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
