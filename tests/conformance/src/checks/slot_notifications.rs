//! Subscriptions to slots, and the end of subscriptions.

use futures::StreamExt;
use solana_commitment_config::CommitmentConfig;

use super::subscriptions::{answered, next};
use crate::{
    chain::Chain,
    failure::{Outcome, ensure},
    relay::Relay,
    waiting::within,
};

pub(super) async fn slot_notifications_increase(chain: &Chain) -> Outcome {
    let pubsub = chain.pubsub().await?;
    let (mut notices, _) = answered(pubsub.slot_subscribe()).await?;
    let mut previous = None;
    for _ in 0..6 {
        let notice = next(chain, CommitmentConfig::processed(), &mut notices).await?;
        ensure!(
            notice.parent < notice.slot && notice.root <= notice.parent,
            "slot {} has the parent {} and the root {}",
            notice.slot,
            notice.parent,
            notice.root
        );
        ensure!(
            previous.is_none_or(|slot| notice.slot > slot),
            "slot {} came after slot {previous:?}",
            notice.slot
        );
        previous = Some(notice.slot);
    }
    Ok(())
}

pub(super) async fn root_notifications_increase(chain: &Chain) -> Outcome {
    let pubsub = chain.pubsub().await?;
    let (mut notices, _) = answered(pubsub.root_subscribe()).await?;
    let first = next(chain, CommitmentConfig::finalized(), &mut notices).await?;
    let second = next(chain, CommitmentConfig::finalized(), &mut notices).await?;
    ensure!(second > first, "root {second} came after root {first}");
    Ok(())
}

pub(super) async fn unsubscribe_stops_the_notifications(chain: &Chain) -> Outcome {
    // The client itself hides what comes after it unsubscribed, so the bytes are counted on
    // their way.
    let relay = Relay::start(chain.websocket_address()?).await?;
    let pubsub = chain.pubsub_through(&relay.websocket_url()).await?;
    let (mut notices, unsubscribe) = answered(pubsub.slot_subscribe()).await?;
    for _ in 0..2 {
        next(chain, CommitmentConfig::processed(), &mut notices).await?;
    }
    within(chain.slots(16), "the end of a subscription", unsubscribe()).await?;
    within(chain.slots(16), "the end of the stream", async {
        while notices.next().await.is_some() {}
    })
    .await?;
    let quiet_from = relay.bytes_from_chain();
    let start = chain.rpc().get_slot().await?;
    let rpc = chain.rpc();
    let rpc = &rpc;
    crate::waiting::eventually(chain.slots(16), "eight more slots", || async {
        Ok((rpc.get_slot().await? >= start + 8).then_some(()))
    })
    .await?;
    // One notification may have been on its way, and a WebSocket may ping; eight slots would
    // be more than 600 bytes.
    let late = relay.bytes_from_chain() - quiet_from;
    ensure!(
        late < 200,
        "{late} bytes arrived during eight slots after unsubscribing"
    );
    Ok(())
}
