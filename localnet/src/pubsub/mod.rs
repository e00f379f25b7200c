//! Subscriptions over WebSocket.
//!
//! Each subscription is a task that reads the chain's events and sends those that concern it.
//! It joins the events before its reply goes out and sends nothing before, so that no change is
//! missed and no notification precedes the subscription's id. Whoever reads too slowly is
//! disconnected, as by a cluster's node: a gap would go unnoticed.

mod subscribe;
mod subscription;

use crate::{
    LocalnetError,
    connections::Connection,
    rpc::{Rpc, error::RpcResult},
};
use jsonrpsee::{
    Extensions, PendingSubscriptionSink, RpcModule, SubscriptionSink,
    types::{ErrorObjectOwned, Params, error::INTERNAL_ERROR_CODE},
};
use serde_json::value::RawValue;
use std::sync::Arc;
use subscription::Subscription;
use tokio::sync::broadcast::error::RecvError;

/// How long a message may be, times the number of those that wait before it. The k-th in the
/// queue is at most 1/k of this, so that a full queue holds less than nine times as much.
const MAX_WAITING_BYTES: usize = 16 * 1_024 * 1_024;

/// Registers all subscriptions.
pub(crate) fn register(module: &mut RpcModule<Rpc>) -> Result<(), LocalnetError> {
    type Parse = fn(&Params<'_>) -> RpcResult<Subscription>;
    let subscriptions: [(_, _, _, Parse); 6] = [
        (
            "accountSubscribe",
            "accountNotification",
            "accountUnsubscribe",
            subscribe::account,
        ),
        (
            "programSubscribe",
            "programNotification",
            "programUnsubscribe",
            subscribe::program,
        ),
        (
            "signatureSubscribe",
            "signatureNotification",
            "signatureUnsubscribe",
            subscribe::signature,
        ),
        (
            "logsSubscribe",
            "logsNotification",
            "logsUnsubscribe",
            subscribe::logs,
        ),
        (
            "slotSubscribe",
            "slotNotification",
            "slotUnsubscribe",
            |_| Ok(Subscription::Slot),
        ),
        (
            "rootSubscribe",
            "rootNotification",
            "rootUnsubscribe",
            |_| Ok(Subscription::Root),
        ),
    ];
    for (subscribe, notification, unsubscribe, parse) in subscriptions {
        module
            .register_subscription(
                subscribe,
                notification,
                unsubscribe,
                move |params, pending, rpc, extensions| {
                    serve(parse(&params), pending, rpc, extensions)
                },
            )
            .map_err(|error| LocalnetError::Methods(error.to_string()))?;
    }
    Ok(())
}

async fn serve(
    subscription: RpcResult<Subscription>,
    pending: PendingSubscriptionSink,
    rpc: Arc<Rpc>,
    extensions: Extensions,
) {
    let subscription = match subscription {
        Ok(subscription) => subscription,
        Err(error) => return pending.reject(error).await,
    };
    let Ok(_permit) = Arc::clone(&rpc.subscriptions).try_acquire_owned() else {
        return pending
            .reject(ErrorObjectOwned::owned(
                INTERNAL_ERROR_CODE,
                "Internal Error: Subscription refused. Node subscription limit reached",
                None::<()>,
            ))
            .await;
    };
    let (mut events, first) = {
        let chain = rpc.chain();
        (chain.subscribe(), subscription.at_start(&chain))
    };
    // It fails only when the client is gone.
    let Ok(mut sink) = pending.accept().await else {
        return;
    };
    let connection = extensions.get::<Arc<Connection>>();
    let mut outgoing = first;
    loop {
        if !send(&mut sink, outgoing.messages, &rpc, connection) || outgoing.last {
            return;
        }
        let event = tokio::select! {
            () = sink.closed() => return,
            event = events.recv() => event,
        };
        outgoing = match event {
            Ok(event) => subscription.on_event(&event, &rpc),
            Err(RecvError::Closed) => return,
            Err(RecvError::Lagged(_)) => return cut(connection),
        };
    }
}

/// Queues messages for a client; false when it is gone or has to go because it does not read.
fn send(
    sink: &mut SubscriptionSink,
    messages: Vec<Box<RawValue>>,
    rpc: &Rpc,
    connection: Option<&Arc<Connection>>,
) -> bool {
    if rpc.faults.holds_notifications() {
        return true;
    }
    for message in messages {
        let waiting = sink.max_capacity().saturating_sub(sink.capacity());
        let too_much = waiting.saturating_mul(message.get().len()) > MAX_WAITING_BYTES;
        if too_much || sink.try_send(message).is_err() {
            if !sink.is_closed() {
                cut(connection);
            }
            return false;
        }
    }
    true
}

fn cut(connection: Option<&Arc<Connection>>) {
    tracing::debug!("a subscriber reads too slowly and is disconnected");
    if let Some(connection) = connection {
        connection.cut();
    }
}
