//! Looking for transactions whose sender is not at hand: by their signatures, and by the
//! addresses that they name.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::stream::{FuturesUnordered, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use solana_hash::Hash;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_status_client_types::TransactionStatus;
use std::sync::Arc;
use tokio::time::timeout;
use tollgate_client::transaction::from_bytes;
use tollgate_client::{Pubkey, UnixSeconds};

use super::asking::Call;
use super::wire::AtSlot;
use super::{Endpoint, Pool, RpcFailure};
use crate::config::Commitment;

/// What the servers know of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It stands at the configured commitment.
    Settled {
        /// The slot that holds it.
        slot: u64,
        /// Whether it did what it says.
        succeeded: bool,
    },
    /// A server has it in a block that is not that certain.
    OnItsWay,
    /// No server that answered has it.
    Nowhere,
}

/// Whether a blockhash is still valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockhashLife {
    /// At the configured commitment.
    pub(crate) valid: bool,
    /// In finalized history. A blockhash that is valid in neither can hold no
    /// transaction any more that is not in finalized history already.
    pub(crate) valid_when_finalized: bool,
}

/// A transaction in the history of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) signature: Signature,
    /// When, by the chain's clock; `None` when the server does not remember.
    pub(crate) time: Option<UnixSeconds>,
    pub(crate) succeeded: bool,
}

/// A transaction that stands on chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Landed {
    pub(crate) transaction: VersionedTransaction,
    /// The slot that holds it.
    pub(crate) slot: u64,
    pub(crate) time: Option<UnixSeconds>,
    pub(crate) succeeded: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTrace {
    signature: String,
    block_time: Option<i64>,
    #[serde(default)]
    err: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLanded {
    slot: u64,
    block_time: Option<i64>,
    transaction: (String, String),
    meta: Option<WireMeta>,
}

#[derive(Deserialize)]
struct WireMeta {
    #[serde(default)]
    err: Value,
}

impl Pool {
    /// Asks every server for a signature: what one has seen, others may not have.
    ///
    /// # Errors
    /// When none answers.
    pub(crate) async fn seen(&self, signature: &Signature) -> Result<Seen, RpcFailure> {
        let params = json!([[signature.to_string()], { "searchTransactionHistory": true }]);
        let mut answers: FuturesUnordered<_> = self
            .in_order()
            .into_iter()
            .map(|endpoint| self.status_of(endpoint, params.clone()))
            .collect();
        let (mut seen, mut worst) = (None, RpcFailure::NoServer);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(settled @ Seen::Settled { .. }) => return Ok(settled),
                Ok(Seen::Nowhere) => seen = seen.or(Some(Seen::Nowhere)),
                Ok(Seen::OnItsWay) => seen = Some(Seen::OnItsWay),
                Err(failure) => worst = failure,
            }
        }
        seen.ok_or(worst)
    }

    async fn status_of(&self, endpoint: Arc<Endpoint>, params: Value) -> Result<Seen, RpcFailure> {
        endpoint.begins();
        let asking =
            endpoint.call::<AtSlot<Vec<Option<TransactionStatus>>>>("getSignatureStatuses", params);
        let answer = timeout(self.limits.deadline, asking)
            .await
            .unwrap_or(Err(RpcFailure::Timeout));
        endpoint.note(answer.as_ref().err());
        let status = answer?
            .value
            .pop()
            .ok_or(RpcFailure::Malformed("another number of statuses"))?;
        let commitment = match self.limits.commitment {
            Commitment::Confirmed => tollgate_client::chain::Commitment::Confirmed,
            Commitment::Finalized => tollgate_client::chain::Commitment::Finalized,
        };
        Ok(match status {
            None => Seen::Nowhere,
            Some(status) if status.satisfies_commitment(commitment.into()) => Seen::Settled {
                slot: status.slot,
                succeeded: status.err.is_none(),
            },
            Some(_) => Seen::OnItsWay,
        })
    }

    /// Whether a blockhash is valid, in a view of `since` or later.
    ///
    /// # Errors
    /// The last server's failure.
    pub(crate) async fn blockhash_life(
        &self,
        blockhash: &Hash,
        since: u64,
    ) -> Result<BlockhashLife, RpcFailure> {
        let valid = self
            .is_valid(blockhash, self.limits.commitment, self.floor().max(since))
            .await?;
        let valid_when_finalized =
            valid || self.is_valid(blockhash, Commitment::Finalized, 0).await?;
        Ok(BlockhashLife {
            valid,
            valid_when_finalized,
        })
    }

    async fn is_valid(
        &self,
        blockhash: &Hash,
        commitment: Commitment,
        floor: u64,
    ) -> Result<bool, RpcFailure> {
        let options = json!({ "commitment": commitment.as_str(), "minContextSlot": floor });
        let params = json!([blockhash.to_string(), options]);
        let call = |endpoint: Arc<Endpoint>| -> Call<'_, AtSlot<bool>> {
            let params = params.clone();
            Box::pin(async move { endpoint.call("isBlockhashValid", params).await })
        };
        self.one(call).await.map(|answer| answer.value)
    }

    /// Transactions that name an address, the newest first, at most `limit`: those
    /// before `before`, if that is given.
    ///
    /// # Errors
    /// The last server's failure.
    pub(crate) async fn traces(
        &self,
        address: &Pubkey,
        before: Option<Signature>,
        limit: usize,
    ) -> Result<Vec<Trace>, RpcFailure> {
        let mut options = json!({
            "commitment": self.limits.commitment.as_str(),
            "limit": limit,
        });
        if let (Some(before), Some(options)) = (before, options.as_object_mut()) {
            options.insert("before".to_owned(), before.to_string().into());
        }
        let params = json!([address.to_string(), options]);
        let call = |endpoint: Arc<Endpoint>| -> Call<'_, Vec<WireTrace>> {
            let params = params.clone();
            Box::pin(async move { endpoint.call("getSignaturesForAddress", params).await })
        };
        self.one(call)
            .await?
            .into_iter()
            .map(|trace| {
                Ok(Trace {
                    signature: trace
                        .signature
                        .parse()
                        .map_err(|_| RpcFailure::Malformed("not a signature"))?,
                    time: trace.block_time.map(UnixSeconds),
                    succeeded: trace.err.is_null(),
                })
            })
            .collect()
    }

    /// A transaction that stands at the configured commitment; `None` when the servers
    /// do not have it.
    ///
    /// # Errors
    /// The last server's failure.
    pub(crate) async fn landed(&self, signature: &Signature) -> Result<Option<Landed>, RpcFailure> {
        let options = json!({
            "encoding": "base64",
            "commitment": self.limits.commitment.as_str(),
            "maxSupportedTransactionVersion": 0,
        });
        let params = json!([signature.to_string(), options]);
        let call = |endpoint: Arc<Endpoint>| -> Call<'_, Option<WireLanded>> {
            let params = params.clone();
            Box::pin(async move { endpoint.call("getTransaction", params).await })
        };
        let Some(found) = self.one(call).await? else {
            return Ok(None);
        };
        let damaged = RpcFailure::Malformed("a transaction is damaged");
        let transaction = STANDARD
            .decode(&found.transaction.0)
            .ok()
            .and_then(|bytes| from_bytes(&bytes))
            .filter(|transaction| transaction.signatures.first() == Some(signature))
            .ok_or_else(|| damaged.clone())?;
        Ok(Some(Landed {
            transaction,
            slot: found.slot,
            time: found.block_time.map(UnixSeconds),
            succeeded: found.meta.ok_or(damaged)?.err.is_null(),
        }))
    }

    /// The first server's answer.
    pub(super) async fn one<'a, T: Send + 'a>(
        &'a self,
        call: impl Fn(Arc<Endpoint>) -> Call<'a, T> + Send,
    ) -> Result<T, RpcFailure> {
        let mut taken = None;
        self.ask(self.in_order(), call, |_, answer| {
            taken = Some(answer);
            Ok(())
        })
        .await?;
        taken.ok_or(RpcFailure::NoServer)
    }
}
