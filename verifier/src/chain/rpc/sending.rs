//! Sending transactions, over all servers at once.
//!
//! The same signed bytes may go to every server: they land once at most. What became of
//! them is said by any server that has seen them; that they can never land, only by
//! servers that looked past the life of their blockhash and saw nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use solana_hash::Hash;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use solana_transaction_status_client_types::{TransactionStatus, UiTransactionError};
use std::sync::Arc;
use tokio::time::timeout;
use tollgate_client::TollgateError;
use tollgate_client::chain::{Commitment as ChainCommitment, Relay, Sighting, program_error};
use tollgate_client::transaction::to_bytes;

use super::asking::Call;
use super::wire::AtSlot;
use super::{Endpoint, Pool, RpcFailure};
use crate::config::Commitment;

/// A recent blockhash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blockhash {
    pub(crate) hash: Hash,
    /// The last block height at which it is valid.
    pub(crate) last_valid_block_height: u64,
    /// The slot of the answer: a server that has not reached it does not know it.
    slot: u64,
}

impl Blockhash {
    /// The same, for simulations that must see what happened up to `slot`.
    pub(crate) fn seeing(self, slot: u64) -> Self {
        Self {
            slot: self.slot.max(slot),
            ..self
        }
    }
}

/// Why a transaction was not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SimulationFailure {
    /// It would fail.
    #[error("the transaction was refused before it was sent: {error}")]
    Refused {
        error: TransactionError,
        /// The program's own error, if it was one.
        program_error: Option<TollgateError>,
    },
    /// No server could say.
    #[error(transparent)]
    Chain(#[from] RpcFailure),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireBlockhash {
    blockhash: String,
    last_valid_block_height: u64,
}

#[derive(Deserialize)]
struct Simulated {
    err: Option<UiTransactionError>,
}

impl Pool {
    /// A recent blockhash at the configured commitment.
    ///
    /// # Errors
    /// The last server's failure.
    pub(crate) async fn latest_blockhash(&self) -> Result<Blockhash, RpcFailure> {
        let (floor, commitment) = (self.floor(), self.limits.commitment.as_str());
        let call = |endpoint: Arc<Endpoint>| -> Call<'_, AtSlot<WireBlockhash>> {
            let options = json!({ "commitment": commitment, "minContextSlot": floor });
            Box::pin(async move { endpoint.call("getLatestBlockhash", json!([options])).await })
        };
        let mut blockhash = None;
        self.ask(self.in_order(), call, |_, answer| {
            let slot = answer.context.slot;
            if slot < floor {
                return Err(RpcFailure::Behind);
            }
            let hash = answer.value.blockhash.parse();
            self.saw_slot(slot);
            blockhash = Some(Blockhash {
                hash: hash.map_err(|_| RpcFailure::Malformed("not a blockhash"))?,
                last_valid_block_height: answer.value.last_valid_block_height,
                slot,
            });
            Ok(())
        })
        .await?;
        blockhash.ok_or(RpcFailure::NoServer)
    }

    /// Refuses what would fail, at the price of no fee. `blockhash` is the transaction's.
    ///
    /// # Errors
    /// [`SimulationFailure`].
    pub(crate) async fn simulate(
        &self,
        transaction: &VersionedTransaction,
        blockhash: &Blockhash,
    ) -> Result<(), SimulationFailure> {
        let options = json!({
            "encoding": "base64",
            "commitment": self.limits.commitment.as_str(),
            "minContextSlot": blockhash.slot,
        });
        let params = json!([encoded(transaction)?, options]);
        let call = |endpoint: Arc<Endpoint>| -> Call<'_, AtSlot<Simulated>> {
            let params = params.clone();
            Box::pin(async move { endpoint.call("simulateTransaction", params).await })
        };
        let mut refusal = None;
        self.ask(self.in_order(), call, |_, answer| {
            match answer.value.err.map(TransactionError::from) {
                // Not of this server yet.
                Some(TransactionError::BlockhashNotFound) => return Err(RpcFailure::Behind),
                said => refusal = said,
            }
            Ok(())
        })
        .await?;
        refusal.map_or(Ok(()), |error| {
            Err(SimulationFailure::Refused {
                program_error: program_error(&error),
                error,
            })
        })
    }

    /// What one server knows of a signature.
    async fn look(
        &self,
        endpoint: Arc<Endpoint>,
        signature: &Signature,
        last_valid_block_height: u64,
    ) -> Option<Sighting> {
        let asking = async {
            // The height is read before the status: a transaction that is absent from
            // a later view than the expiry of its blockhash cannot land. At finalized,
            // so that no block which could still hold it is left out.
            let finalized = json!([{ "commitment": Commitment::Finalized.as_str() }]);
            let height: u64 = endpoint.call("getBlockHeight", finalized).await?;
            let params = json!([[signature.to_string()], { "searchTransactionHistory": true }]);
            let mut answer: AtSlot<Vec<Option<TransactionStatus>>> =
                endpoint.call("getSignatureStatuses", params).await?;
            let status = answer.value.pop();
            let status = status.ok_or(RpcFailure::Malformed("another number of statuses"))?;
            Ok((status, height > last_valid_block_height))
        };
        endpoint.begins();
        let answer = timeout(self.limits.deadline, asking)
            .await
            .unwrap_or(Err(RpcFailure::Timeout));
        endpoint.note(answer.as_ref().err());
        let (status, past) = answer.ok()?;
        let commitment = match self.limits.commitment {
            Commitment::Confirmed => ChainCommitment::Confirmed,
            Commitment::Finalized => ChainCommitment::Finalized,
        };
        Some(Sighting::of(status.as_ref(), commitment, past))
    }
}

impl Relay for Pool {
    /// To every server that is not being left alone: one that takes it and loses it does
    /// not keep it from landing.
    async fn broadcast(&self, transaction: &VersionedTransaction) {
        let Ok(encoded) = encoded(transaction) else {
            return;
        };
        let options = json!({ "encoding": "base64", "skipPreflight": true, "maxRetries": 0 });
        let params = json!([encoded, options]);
        join_all(self.in_order().into_iter().map(|endpoint| {
            let params = params.clone();
            async move {
                endpoint.begins();
                let sending = endpoint.call::<Value>("sendTransaction", params);
                let answer = timeout(self.limits.deadline, sending)
                    .await
                    .unwrap_or(Err(RpcFailure::Timeout));
                let failure = answer.err();
                // It may have landed already, or this server takes none: no fault.
                let fault = failure.filter(|failure| !matches!(failure, RpcFailure::Refused(_)));
                endpoint.note(fault.as_ref());
            }
        }))
        .await;
    }

    /// As soon as one server has it at the commitment. That it can never land takes the
    /// word of all that answer: each by a view of its own, past its blockhash's life.
    async fn sighting(&self, signature: &Signature, last_valid_block_height: u64) -> Sighting {
        let mut looks: FuturesUnordered<_> = self
            .in_order()
            .into_iter()
            .map(|endpoint| self.look(endpoint, signature, last_valid_block_height))
            .collect();
        let (mut expired, mut open) = (false, false);
        while let Some(look) = looks.next().await {
            match look {
                Some(settled @ Sighting::Settled { .. }) => return settled,
                Some(Sighting::Expired) => expired = true,
                Some(Sighting::Open) => open = true,
                None => {}
            }
        }
        if expired && !open {
            Sighting::Expired
        } else {
            Sighting::Open
        }
    }
}

fn encoded(transaction: &VersionedTransaction) -> Result<String, RpcFailure> {
    let bytes = to_bytes(transaction)
        .map_err(|_| RpcFailure::Malformed("the transaction cannot be encoded"))?;
    Ok(STANDARD.encode(bytes))
}
