//! One RPC server: identified before it is believed, left alone while it fails.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use solana_account::Account;
use solana_hash::Hash;
use tokio::time::Instant;
use tollgate_client::Pubkey;

use super::breaker::Breaker;
use super::failure::RpcFailure;
use super::transport::Transport;
use super::wire::{AtSlot, WireAccount};
use crate::chain::cache::Provider;
use crate::chain::counters::{EndpointCounters, EndpointSnapshot};
use crate::config::{Commitment, SecretUrl};

/// The most bytes of an answer to `getMultipleAccounts`: a hundred accounts of the
/// program, many times over.
const MAX_ANSWER: usize = 1 << 20;

/// No connection has been identified.
const NOT_PINNED: u64 = u64::MAX;

/// One server.
pub(crate) struct Endpoint {
    url: SecretUrl,
    /// Scheme and host; the rest of the URL is secret.
    shown: String,
    provider: Provider,
    transport: Transport,
    genesis_hash: Hash,
    breaker: Mutex<Breaker>,
    /// How many connections had been made when the cluster was last identified.
    pinned: AtomicU64,
    pinning: tokio::sync::Mutex<()>,
    counters: EndpointCounters,
}

impl Endpoint {
    /// Prepares the way; connects on the first call.
    ///
    /// # Errors
    /// As [`Transport::new`].
    pub(crate) fn new(url: &SecretUrl, genesis_hash: Hash) -> std::io::Result<Self> {
        Ok(Self {
            url: url.clone(),
            shown: url.to_string(),
            provider: Provider::of(url),
            transport: Transport::new(url)?,
            genesis_hash,
            breaker: Mutex::default(),
            pinned: AtomicU64::new(NOT_PINNED),
            pinning: tokio::sync::Mutex::default(),
            counters: EndpointCounters::default(),
        })
    }

    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Who runs it.
    pub(crate) fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Whether this is the server of `url`.
    pub(crate) fn is_at(&self, url: &SecretUrl) -> bool {
        self.url == *url
    }

    /// Whether a call may be made now ([`Breaker::admits`]).
    pub(crate) fn admits(&self) -> bool {
        self.breaker().admits(Instant::now())
    }

    /// A call begins ([`Breaker::begins`]).
    pub(crate) fn begins(&self) {
        self.breaker().begins(Instant::now());
    }

    /// The next call identifies the cluster again.
    pub(crate) fn unpin(&self) {
        self.pinned.store(NOT_PINNED, Ordering::SeqCst);
    }

    /// Notes the outcome of a call. Every call that began has to be noted.
    pub(crate) fn note(&self, failure: Option<&RpcFailure>) {
        let Some(failure) = failure else {
            self.counters.successes.one();
            return self.breaker().succeeded();
        };
        match failure {
            RpcFailure::Timeout => self.counters.timeouts.one(),
            RpcFailure::Throttled(_) => self.counters.throttled.one(),
            RpcFailure::Behind => self.counters.lagging.one(),
            RpcFailure::WrongCluster { .. } => self.counters.wrong_cluster.one(),
            _ => self.counters.failures.one(),
        }
        if !failure.blames_server() {
            return self.breaker().succeeded();
        }
        let rest = match failure {
            RpcFailure::Throttled(rest) => Some(rest.unwrap_or_default()),
            RpcFailure::WrongCluster { .. } => Some(Duration::ZERO),
            _ => None,
        };
        self.breaker().failed(Instant::now(), rest);
    }

    pub(crate) fn snapshot(&self) -> EndpointSnapshot {
        self.counters.snapshot(self.breaker().number())
    }

    /// Accounts at a commitment, in order, with the slot of the answer, which is at
    /// least `min_slot`.
    pub(crate) async fn accounts(
        &self,
        addresses: &[Pubkey],
        commitment: Commitment,
        min_slot: u64,
    ) -> Result<(u64, Vec<Option<Account>>), RpcFailure> {
        let names: Vec<String> = addresses.iter().map(Pubkey::to_string).collect();
        let options = json!({
            "encoding": "base64",
            "commitment": commitment.as_str(),
            "minContextSlot": min_slot,
        });
        let answer: AtSlot<Vec<Option<WireAccount>>> = self
            .call("getMultipleAccounts", json!([names, options]))
            .await?;
        if answer.context.slot < min_slot {
            return Err(RpcFailure::Behind);
        }
        if answer.value.len() != addresses.len() {
            return Err(RpcFailure::Malformed("another number of accounts"));
        }
        let accounts = answer
            .value
            .iter()
            .map(|account| match account {
                Some(account) => account.account(),
                None => Ok(None),
            })
            .collect::<Result<_, _>>()?;
        Ok((answer.context.slot, accounts))
    }

    /// An answer that is read piece by piece.
    pub(crate) async fn open(&self, method: &str, params: Value) -> Result<Incoming, RpcFailure> {
        self.pin().await?;
        let body = self.transport.open(method, params).await?;
        self.pin().await?;
        Ok(body)
    }

    /// One call. Not bounded in time.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<T, RpcFailure> {
        self.pin().await?;
        let result = self.transport.call(method, params, MAX_ANSWER).await?;
        // It may have come over a connection made since.
        self.pin().await?;
        Ok(result)
    }

    /// Makes sure that the server is of the configured cluster, unless that is known
    /// of all its connections.
    async fn pin(&self) -> Result<(), RpcFailure> {
        if self.is_pinned() {
            return Ok(());
        }
        let _one_at_a_time = self.pinning.lock().await;
        if self.is_pinned() {
            return Ok(());
        }
        let actual: String = self
            .transport
            .call("getGenesisHash", json!([]), MAX_ANSWER)
            .await?;
        if actual.parse() != Ok(self.genesis_hash) {
            self.unpin();
            return Err(RpcFailure::WrongCluster {
                expected: self.genesis_hash.to_string(),
                actual: actual.chars().take(64).collect(),
            });
        }
        self.pinned
            .store(self.transport.connections(), Ordering::SeqCst);
        Ok(())
    }

    fn is_pinned(&self) -> bool {
        self.pinned.load(Ordering::SeqCst) == self.transport.connections()
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
