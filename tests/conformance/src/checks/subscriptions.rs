//! What the checks of subscriptions share.

use std::{future::Future, pin::Pin, time::Duration};

use futures::{Stream, StreamExt};
use solana_commitment_config::CommitmentConfig;
use solana_pubsub_client::pubsub_client::PubsubClientError;

use crate::{
    chain::Chain,
    failure::{OrFail, Outcome},
    waiting::within,
};

/// How long the answer to a subscription request may take.
const SUBSCRIBE_LIMIT: Duration = Duration::from_secs(20);

/// Waits for the answer to a request of the WebSocket client.
pub(super) async fn answered<T>(
    request: impl Future<Output = Result<T, PubsubClientError>>,
) -> Outcome<T> {
    Ok(within(SUBSCRIBE_LIMIT, "an answer over the WebSocket", request).await??)
}

/// Waits for the next notification.
pub(super) async fn next<T>(
    chain: &Chain,
    commitment: CommitmentConfig,
    notices: &mut Pin<Box<dyn Stream<Item = T> + Send + '_>>,
) -> Outcome<T> {
    within(chain.until(commitment), "a notification", notices.next())
        .await?
        .or_fail("the notification of an open subscription")
}
