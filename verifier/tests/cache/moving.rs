//! The feed moves with a new configuration: what is pushed comes from where it says.

use std::time::Duration;

use tollgate_verifier::Config;
use tollgate_verifier::config::Push;

use crate::feed::{Protocol, ScriptedFeed};
use crate::feeding::{access, fed, settled};
use crate::support::rpc::{CHAIN_TIME, ScriptedRpc, entitlement};
use crate::support::{Stage, eventually};

const LATER: i64 = CHAIN_TIME + 3600;

/// A verifier whose feed reports, with its configuration.
async fn following(protocol: Protocol) -> (Stage, ScriptedFeed, Config) {
    let mut kept = None;
    let (stage, feed) = fed(ScriptedRpc::start().await, protocol, |config| {
        // Nothing is to fall silent on a busy machine.
        config.chain.heartbeat_timeout = Duration::from_secs(30);
        kept = Some(config.clone());
    })
    .await;
    settled(&stage, 1).await;
    (stage, feed, kept.unwrap())
}

/// Waits until what `feed` tells is known. The RPC server knows nothing of it: only the
/// feed can have told, once it reports.
async fn tells(feed: &ScriptedFeed, stage: &Stage, name: &str) {
    eventually(async || {
        feed.report(&entitlement(name, LATER));
        access(stage, name).await == Some(true)
    })
    .await;
}

async fn moves(from: Protocol, to: Protocol) {
    let (stage, feed, mut wanted) = following(from).await;
    let other = ScriptedFeed::beside(&feed, to).await;
    wanted.chain.push = other.place();
    stage.verifier.reload(wanted.clone()).await.unwrap();
    eventually(async || other.connections() == 1).await;
    tells(&other, &stage, "payer").await;
    assert_eq!(feed.connections(), 1, "the first is not used any more");
    // The same again leaves the connection alone.
    stage.verifier.reload(wanted.clone()).await.unwrap();
    wanted.chain.push = Push::Off;
    stage.verifier.reload(wanted).await.unwrap();
    eventually(async || access(&stage, "payer").await == Some(false)).await;
    assert_eq!(other.connections(), 1);
}

#[tokio::test]
async fn the_feed_moves_with_a_new_configuration() {
    moves(Protocol::WebSocket, Protocol::WebSocket).await;
}

#[cfg(feature = "yellowstone")]
mod yellowstone {
    use tollgate_verifier::config::AccessToken;

    use super::*;

    #[tokio::test]
    async fn the_feed_moves_to_another_server() {
        moves(Protocol::Yellowstone, Protocol::Yellowstone).await;
    }

    #[tokio::test]
    async fn the_feed_moves_from_one_protocol_to_the_other() {
        moves(Protocol::WebSocket, Protocol::Yellowstone).await;
        moves(Protocol::Yellowstone, Protocol::WebSocket).await;
    }

    /// A new token of the same server is shown at once: the connection with the old one
    /// ends.
    #[tokio::test]
    async fn a_new_token_is_shown_at_once() {
        let (stage, feed, mut wanted) = following(Protocol::Yellowstone).await;
        let Push::Yellowstone(place) = &mut wanted.chain.push else {
            panic!("another feed than that of the test");
        };
        place.token = Some(AccessToken::parse("token-of-the-tests").unwrap());
        stage.verifier.reload(wanted).await.unwrap();
        eventually(async || feed.connections() == 2).await;
        tells(&feed, &stage, "payer").await;
    }
}
