//! Faults on demand: what an RPC provider does on a bad day.

use crate::{
    SharedChain,
    connections::{Connection, Connections},
    rpc::error::custom,
};
use jsonrpsee::{
    MethodResponse,
    core::middleware::{Batch, Notification, RpcServiceT},
    types::Request,
};
use parking_lot::Mutex;
use solana_rpc_client_api::custom_error::RpcCustomError;
use std::{sync::Arc, time::Duration};

/// The faults of a running [`Localnet`](crate::Localnet). Each stays until it is taken back or
/// [`Faults::clear`] is called; counted ones until they are used up. Clones control the same
/// chain.
#[derive(Clone)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    chain: SharedChain,
    connections: Arc<Connections>,
}

#[derive(Debug, Default)]
struct State {
    delay: Duration,
    unhealthy: Option<Option<u64>>,
    refuse_connections: bool,
    hold_notifications: bool,
    halt_slots: bool,
    lost_replies: u32,
    lost_transactions: u32,
}

impl Faults {
    pub(crate) fn new(chain: SharedChain, connections: Arc<Connections>) -> Self {
        Self {
            state: Arc::default(),
            chain,
            connections,
        }
    }

    /// Every response comes this much later (the request takes effect at once). Replies to
    /// subscriptions are not delayed.
    pub fn delay_responses(&self, delay: Duration) {
        self.state.lock().delay = delay;
    }

    /// Every request is answered with error -32005, "Node is unhealthy", or "Node is behind by
    /// n slots" when a number is given.
    pub fn reply_node_unhealthy(&self, slots_behind: Option<u64>) {
        self.state.lock().unhealthy = Some(slots_behind);
    }

    /// New connections are closed as soon as they are made, and the open ones are cut.
    pub fn refuse_connections(&self, refuse: bool) {
        self.state.lock().refuse_connections = refuse;
        if refuse {
            self.connections.cut_all();
        }
    }

    /// Cuts all open connections once.
    pub fn cut_connections(&self) {
        self.connections.cut_all();
    }

    /// Subscriptions stay open but nothing is sent on them.
    pub fn hold_notifications(&self, hold: bool) {
        self.state.lock().hold_notifications = hold;
    }

    /// The next `count` transactions that are sent and accepted land, but the connection breaks
    /// instead of the response.
    pub fn drop_send_transaction_replies(&self, count: u32) {
        self.state.lock().lost_replies = count;
    }

    /// The next `count` transactions that are sent and accepted are answered with their
    /// signature, but never land.
    pub fn lose_transactions(&self, count: u32) {
        self.state.lock().lost_transactions = count;
    }

    /// Slots go on, but no more of them is confirmed or finalized. When it ends, those waiting
    /// catch up with the next slot.
    pub fn freeze_commitment(&self, freeze: bool) {
        self.chain.lock().freeze_commitment(freeze);
    }

    /// The timer makes no more slots; [`Localnet::warp_slots`](crate::Localnet::warp_slots)
    /// still does.
    pub fn halt_slots(&self, halt: bool) {
        self.state.lock().halt_slots = halt;
    }

    /// Takes back all faults.
    pub fn clear(&self) {
        *self.state.lock() = State::default();
        self.chain.lock().freeze_commitment(false);
    }

    pub(crate) fn refuses_connections(&self) -> bool {
        self.state.lock().refuse_connections
    }

    pub(crate) fn holds_notifications(&self) -> bool {
        self.state.lock().hold_notifications
    }

    pub(crate) fn halts_slots(&self) -> bool {
        self.state.lock().halt_slots
    }

    /// Whether the transaction at hand is to be lost.
    pub(crate) fn takes_transaction(&self) -> bool {
        take(&mut self.state.lock().lost_transactions)
    }

    /// Whether the reply at hand is to be lost.
    fn takes_reply(&self) -> bool {
        take(&mut self.state.lock().lost_replies)
    }

    fn unhealthy(&self) -> Option<RpcCustomError> {
        let num_slots_behind = self.state.lock().unhealthy?;
        Some(RpcCustomError::NodeUnhealthy { num_slots_behind })
    }

    /// What `GET /health` answers.
    pub(crate) fn health(&self) -> &'static str {
        match self.state.lock().unhealthy {
            None => "ok",
            Some(None) => "unknown",
            Some(Some(_)) => "behind",
        }
    }

    fn delay(&self) -> Duration {
        self.state.lock().delay
    }
}

fn take(count: &mut u32) -> bool {
    let some = *count > 0;
    *count = count.saturating_sub(1);
    some
}

/// Puts the faults between the connections and the methods. Calls in a batch are delayed, but
/// otherwise answered.
#[derive(Clone)]
pub(crate) struct FaultyService<S> {
    pub(crate) inner: S,
    pub(crate) faults: Faults,
}

impl<S> RpcServiceT for FaultyService<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let Self { inner, faults } = self.clone();
        async move {
            if let Some(error) = faults.unhealthy() {
                return MethodResponse::error(request.id, custom(error));
            }
            let connection = request.extensions.get::<Arc<Connection>>().map(Arc::clone);
            let sends = request.method == "sendTransaction";
            let response = inner.call(request).await;
            let loses_reply = sends && response.is_success() && faults.takes_reply();
            tokio::time::sleep(faults.delay()).await;
            if let Some(connection) = connection.filter(|_| loses_reply) {
                connection.cut();
            }
            response
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let Self { inner, faults } = self.clone();
        async move {
            let response = inner.batch(batch).await;
            tokio::time::sleep(faults.delay()).await;
            response
        }
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.inner.notification(notification)
    }
}
