//! Faults on demand, as Solana's own clients meet them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod support;

use futures::{SinkExt, StreamExt};
use solana_account::Account;
use solana_commitment_config::CommitmentLevel;
use solana_keypair::Keypair;
use solana_pubsub_client::nonblocking::pubsub_client::PubsubClient;
use solana_rpc_client_api::{client_error::ErrorKind, request::RpcError};
use solana_signer::Signer;
use std::time::{Duration, Instant};
use support::{SOL, client, funded, skip_preflight, start, start_still, transfer};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tollgate_localnet::Localnet;

/// How long a test waits for what has to come, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn responses_are_delayed() {
    let localnet = start().await;
    let rpc = client(&localnet);
    let delay = Duration::from_millis(800);
    localnet.faults().delay_responses(delay);
    let start = Instant::now();
    rpc.get_slot().await.unwrap();
    assert!(start.elapsed() >= delay);
    localnet
        .faults()
        .delay_responses(Duration::from_secs(3_600));
    localnet.faults().clear();
    timeout(PATIENCE, rpc.get_slot()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unhealthy_node_says_so() {
    let localnet = start().await;
    let rpc = client(&localnet);
    localnet.faults().reply_node_unhealthy(Some(42));
    let error = rpc.get_slot().await.unwrap_err();
    let ErrorKind::RpcError(RpcError::RpcResponseError { code, message, .. }) = error.kind() else {
        panic!("{error:?}");
    };
    assert_eq!(*code, -32005);
    assert_eq!(message, "Node is behind by 42 slots");
    localnet.faults().clear();
    rpc.get_slot().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_connections_end_subscriptions_too() {
    let localnet = start().await;
    let rpc = client(&localnet);
    rpc.get_slot().await.unwrap();
    let pubsub = PubsubClient::new(localnet.websocket_url()).await.unwrap();
    let (mut slots, _end) = pubsub.slot_subscribe().await.unwrap();
    slots.next().await.unwrap();
    localnet.faults().refuse_connections(true);
    assert!(rpc.get_slot().await.is_err());
    let ended = timeout(PATIENCE, async { while slots.next().await.is_some() {} });
    ended.await.expect("the subscription ends");
    localnet.faults().refuse_connections(false);
    rpc.get_slot().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_lands_though_its_reply_is_lost() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let payer = funded(&localnet, SOL);
    let receiver = Keypair::new().pubkey();
    let blockhash = rpc.get_latest_blockhash().await.unwrap();
    let transaction = transfer(&payer, &receiver, SOL / 10, blockhash);
    localnet.faults().drop_send_transaction_replies(1);
    assert!(rpc.send_transaction(&transaction).await.is_err());
    assert_eq!(localnet.account(&receiver).unwrap().lamports, SOL / 10);
    // Only one reply was lost: the next answer arrives, and says that it has landed before.
    localnet.warp_slots(1).unwrap();
    let error = rpc.send_transaction(&transaction).await.unwrap_err();
    assert!(
        error.to_string().contains("already been processed"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_transaction_can_be_sent_again() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let payer = funded(&localnet, SOL);
    let receiver = Keypair::new().pubkey();
    let blockhash = rpc.get_latest_blockhash().await.unwrap();
    let transaction = transfer(&payer, &receiver, SOL / 10, blockhash);
    localnet.faults().lose_transactions(1);
    rpc.send_transaction(&transaction).await.unwrap();
    assert!(localnet.account(&receiver).is_none());
    rpc.send_transaction(&transaction).await.unwrap();
    assert_eq!(localnet.account(&receiver).unwrap().lamports, SOL / 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_commitment_catches_up_with_everything_announced() {
    let localnet = start_still().await;
    let (rpc, pubsub) = (
        client(&localnet),
        PubsubClient::new(localnet.websocket_url()).await.unwrap(),
    );
    let (mut roots, _end) = pubsub.root_subscribe().await.unwrap();
    let finalized = localnet.slot_at(CommitmentLevel::Finalized);
    localnet.faults().freeze_commitment(true);
    let address = Keypair::new().pubkey();
    localnet.airdrop(&address, SOL).unwrap();
    localnet.warp_slots(10).unwrap();
    assert_eq!(rpc.get_balance(&address).await.unwrap(), 0);
    assert_eq!(localnet.slot_at(CommitmentLevel::Finalized), finalized);
    localnet.faults().freeze_commitment(false);
    localnet.warp_slots(1).unwrap();
    assert_eq!(rpc.get_balance(&address).await.unwrap(), SOL);
    let next = localnet.slot_at(CommitmentLevel::Finalized);
    for slot in finalized + 1..=next {
        assert_eq!(roots.next().await, Some(slot));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_can_be_halted_and_notifications_held() {
    let localnet = start().await;
    let pubsub = PubsubClient::new(localnet.websocket_url()).await.unwrap();
    let (mut slots, _end) = pubsub.slot_subscribe().await.unwrap();
    slots.next().await.unwrap();
    localnet.faults().hold_notifications(true);
    let held_from = localnet.slot();
    until("slots go on", || localnet.slot() > held_from + 3).await;
    localnet.faults().halt_slots(true);
    let halted = localnet.slot();
    // What may still come is what was on its way when the fault began.
    while let Ok(Some(news)) = timeout(Duration::from_millis(300), slots.next()).await {
        assert!(news.slot <= held_from, "{} was held", news.slot);
    }
    assert_eq!(localnet.slot(), halted);
    localnet.faults().clear();
    let next = async {
        loop {
            let slot = slots.next().await.unwrap().slot;
            if slot > halted {
                break slot;
            }
        }
    };
    assert_eq!(timeout(PATIENCE, next).await, Ok(halted + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_who_does_not_read_is_disconnected() {
    // Room for this subscriber only, so that its end can be seen from outside.
    let localnet = Localnet::builder()
        .slot_duration(Duration::from_secs(3_600))
        .max_connections(1)
        .start()
        .await
        .unwrap();
    let (mut socket, _) = tokio_tungstenite::connect_async(localnet.websocket_url())
        .await
        .unwrap();
    let address = Keypair::new().pubkey();
    let subscribe = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"accountSubscribe","params":["{address}",{{"encoding":"base64","commitment":"processed"}}]}}"#
    );
    socket.send(Message::text(subscribe)).await.unwrap();
    let reply = socket.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(reply.contains(r#""result":"#), "{reply}");
    let url = localnet.websocket_url();
    assert!(tokio_tungstenite::connect_async(&url).await.is_err());
    let owner = Keypair::new().pubkey();
    for lamports in 1..=200 {
        let account = Account::new(lamports, 1_000_000, &owner);
        localnet.set_account(address, account).unwrap();
    }
    let next_subscriber = timeout(PATIENCE, async {
        while tokio_tungstenite::connect_async(&url).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    next_subscriber.await.expect("the connection ends");
    let read = timeout(PATIENCE, async {
        let mut notifications = 0;
        while let Some(Ok(Message::Text(_))) = socket.next().await {
            notifications += 1;
        }
        notifications
    });
    let notifications = read.await.expect("the client learns of it");
    assert!(notifications < 200, "{notifications}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpreflighted_transaction_survives_a_cut_connection() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let payer = funded(&localnet, SOL);
    let receiver = Keypair::new().pubkey();
    let blockhash = rpc.get_latest_blockhash().await.unwrap();
    let transaction = transfer(&payer, &receiver, SOL / 10, blockhash);
    localnet.faults().cut_connections();
    let mut sent = rpc
        .send_transaction_with_config(&transaction, skip_preflight())
        .await;
    // The client may learn of the cut only when it uses the old connection, and says so. Then
    // nothing has reached the chain, and the next request makes a new connection.
    if matches!(&sent, Err(error) if matches!(error.kind(), ErrorKind::Reqwest(_))) {
        assert!(localnet.account(&receiver).is_none());
        sent = rpc
            .send_transaction_with_config(&transaction, skip_preflight())
            .await;
    }
    sent.unwrap();
    assert_eq!(localnet.account(&receiver).unwrap().lamports, SOL / 10);
}

/// Waits until something holds.
async fn until(what: &str, holds: impl Fn() -> bool) {
    timeout(PATIENCE, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("in vain: {what}"));
}
