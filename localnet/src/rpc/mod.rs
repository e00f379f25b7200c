//! The JSON-RPC methods, one file per group.
//!
//! Answers are built from the same types that Solana's own client crates read, and errors carry
//! the codes of Agave, so that the clients cannot tell this node from one of a cluster.

mod accounts;
mod cluster;
pub(crate) mod encode;
pub(crate) mod error;
pub(crate) mod parse;
mod send;
mod tokens;
mod transactions;

pub(crate) use accounts::passes;

use crate::{
    LocalnetError, SharedChain,
    chain::{Chain, View},
    faults::Faults,
};
use error::{RpcResult, custom};
use jsonrpsee::{RpcModule, types::Params};
use parking_lot::MutexGuard;
use serde::Serialize;
use solana_clock::Slot;
use solana_commitment_config::{CommitmentConfig, CommitmentLevel};
use solana_rpc_client_api::{
    config::RpcContextConfig,
    custom_error::RpcCustomError,
    response::{Response, RpcResponseContext},
};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What the methods work on.
pub(crate) struct Rpc {
    chain: SharedChain,
    pub(crate) faults: Faults,
    /// One permit for each subscription that may exist at the same time.
    pub(crate) subscriptions: Arc<Semaphore>,
}

impl Rpc {
    pub(crate) fn new(chain: SharedChain, faults: Faults, max_subscriptions: usize) -> Self {
        Self {
            chain,
            faults,
            subscriptions: Arc::new(Semaphore::new(max_subscriptions)),
        }
    }

    /// The chain, locked until the guard is dropped.
    pub(crate) fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock()
    }
}

/// The commitment level of a request; a cluster's default is `finalized`.
pub(crate) fn level(commitment: Option<CommitmentConfig>) -> CommitmentLevel {
    commitment.unwrap_or_default().commitment
}

/// The chain at a commitment level, if that has reached the slot that the request demands.
fn view<'a>(
    chain: &'a Chain,
    commitment: Option<CommitmentConfig>,
    min_context_slot: Option<Slot>,
) -> RpcResult<View<'a>> {
    let view = chain.view(level(commitment));
    if min_context_slot.is_some_and(|least| view.slot() < least) {
        return Err(custom(RpcCustomError::MinContextSlotNotReached {
            context_slot: view.slot(),
        }));
    }
    Ok(view)
}

/// The same, for the usual pair of options.
fn view_of<'a>(chain: &'a Chain, config: RpcContextConfig) -> RpcResult<View<'a>> {
    view(chain, config.commitment, config.min_context_slot)
}

/// An answer together with the slot it holds for.
fn with_context<T>(slot: Slot, value: T) -> Response<T> {
    Response {
        context: RpcResponseContext::new(slot),
        value,
    }
}

/// Registers a method.
fn add<T: Serialize + Clone + 'static>(
    module: &mut RpcModule<Rpc>,
    name: &'static str,
    method: fn(&Params<'_>, &Rpc) -> RpcResult<T>,
) -> Result<(), LocalnetError> {
    module
        .register_method(name, move |params, rpc, _| method(&params, rpc))
        .map(drop)
        .map_err(|error| LocalnetError::Methods(error.to_string()))
}

/// All methods and subscriptions.
pub(crate) fn module(rpc: Rpc) -> Result<RpcModule<Rpc>, LocalnetError> {
    let mut module = RpcModule::new(rpc);
    accounts::register(&mut module)?;
    cluster::register(&mut module)?;
    send::register(&mut module)?;
    tokens::register(&mut module)?;
    transactions::register(&mut module)?;
    crate::pubsub::register(&mut module)?;
    Ok(module)
}
