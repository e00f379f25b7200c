//! Subscriptions through Solana's own WebSocket client.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod support;

use futures::StreamExt;
use solana_account_decoder::{UiAccount, UiAccountEncoding};
use solana_commitment_config::{CommitmentConfig, CommitmentLevel};
use solana_keypair::Keypair;
use solana_pubsub_client::nonblocking::pubsub_client::PubsubClient;
use solana_rpc_client_api::{
    config::{
        RpcAccountInfoConfig, RpcProgramAccountsConfig, RpcSendTransactionConfig,
        RpcSignatureSubscribeConfig, RpcTransactionLogsConfig, RpcTransactionLogsFilter,
    },
    filter::{Memcmp, RpcFilterType},
    response::{ProcessedSignatureResult, ReceivedSignatureResult, RpcSignatureResult},
};
use solana_signer::Signer;
use std::time::Duration;
use support::{SOL, client, start, start_still, transfer};
use tokio::time::timeout;
use tollgate_localnet::{Localnet, USDC_MINT};

const SUCCESS: RpcSignatureResult =
    RpcSignatureResult::ProcessedSignature(ProcessedSignatureResult { err: None });

async fn connect(localnet: &Localnet) -> PubsubClient {
    PubsubClient::new(localnet.websocket_url()).await.unwrap()
}

/// The next notification, which must come soon.
async fn next<T>(stream: &mut (impl StreamExt<Item = T> + Unpin)) -> T {
    timeout(Duration::from_secs(60), stream.next())
        .await
        .expect("a notification")
        .expect("an open subscription")
}

/// No notification comes.
async fn silent<T: std::fmt::Debug>(stream: &mut (impl StreamExt<Item = T> + Unpin)) {
    if let Ok(unexpected) = timeout(Duration::from_millis(200), stream.next()).await {
        panic!("unexpected: {unexpected:?}");
    }
}

fn at(commitment: CommitmentConfig) -> Option<RpcAccountInfoConfig> {
    Some(RpcAccountInfoConfig {
        encoding: Some(UiAccountEncoding::Base64),
        commitment: Some(commitment),
        ..RpcAccountInfoConfig::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_announced_when_its_slot_reaches_the_level() {
    let localnet = start_still().await;
    let pubsub = connect(&localnet).await;
    let address = Keypair::new().pubkey();
    let (mut processed, _end) = pubsub
        .account_subscribe(&address, at(CommitmentConfig::processed()))
        .await
        .unwrap();
    let (mut confirmed, _end) = pubsub
        .account_subscribe(&address, at(CommitmentConfig::confirmed()))
        .await
        .unwrap();
    let (mut finalized, _end) = pubsub
        .account_subscribe(&address, at(CommitmentConfig::finalized()))
        .await
        .unwrap();
    let slot = localnet.slot();
    localnet.airdrop(&address, SOL).unwrap();
    localnet.airdrop(&address, SOL).unwrap();

    let seen: Vec<UiAccount> = vec![
        next(&mut processed).await.value,
        next(&mut processed).await.value,
    ];
    assert_eq!([seen[0].lamports, seen[1].lamports], [SOL, 2 * SOL]);
    silent(&mut confirmed).await;
    localnet.warp_slots(1).unwrap();
    let news = next(&mut confirmed).await;
    assert_eq!((news.context.slot, news.value.lamports), (slot, 2 * SOL));
    localnet.warp_slots(1).unwrap();
    silent(&mut finalized).await;
    localnet.warp_slots(1).unwrap();
    let news = next(&mut finalized).await;
    assert_eq!((news.context.slot, news.value.lamports), (slot, 2 * SOL));
    silent(&mut confirmed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_announced_at_its_level_and_never_before_the_reply() {
    let localnet = start_still().await;
    let (rpc, pubsub) = (client(&localnet), connect(&localnet).await);
    let payer = Keypair::new();
    localnet.airdrop(&payer.pubkey(), SOL).unwrap();
    localnet.finalize();
    let transaction = transfer(
        &payer,
        &Keypair::new().pubkey(),
        SOL / 10,
        rpc.get_latest_blockhash().await.unwrap(),
    );
    let signature = transaction.signatures[0];
    let config = |commitment| {
        Some(RpcSignatureSubscribeConfig {
            commitment: Some(commitment),
            enable_received_notification: Some(true),
        })
    };
    let (mut confirmed, _end) = pubsub
        .signature_subscribe(&signature, config(CommitmentConfig::confirmed()))
        .await
        .unwrap();
    rpc.send_transaction(&transaction).await.unwrap();
    assert_eq!(
        next(&mut confirmed).await.value,
        RpcSignatureResult::ReceivedSignature(ReceivedSignatureResult::ReceivedSignature)
    );
    silent(&mut confirmed).await;
    localnet.warp_slots(1).unwrap();
    assert_eq!(next(&mut confirmed).await.value, SUCCESS);

    // The client drops notifications for ids that it has not been told yet, so each of these
    // would hang if the notification came first.
    for _ in 0..50 {
        let (mut late, _end) = pubsub
            .signature_subscribe(&signature, config(CommitmentConfig::confirmed()))
            .await
            .unwrap();
        assert_eq!(next(&mut late).await.value, SUCCESS);
    }
    let (mut finalized, _end) = pubsub
        .signature_subscribe(&signature, config(CommitmentConfig::finalized()))
        .await
        .unwrap();
    silent(&mut finalized).await;
    localnet.warp_slots(2).unwrap();
    assert_eq!(next(&mut finalized).await.value, SUCCESS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_transaction_is_announced_with_its_error() {
    let localnet = start_still().await;
    let (rpc, pubsub) = (client(&localnet), connect(&localnet).await);
    let payer = Keypair::new();
    localnet.airdrop(&payer.pubkey(), SOL).unwrap();
    let transaction = transfer(
        &payer,
        &Keypair::new().pubkey(),
        2 * SOL,
        rpc.get_latest_blockhash().await.unwrap(),
    );
    let (mut outcome, _end) = pubsub
        .signature_subscribe(
            &transaction.signatures[0],
            Some(RpcSignatureSubscribeConfig {
                commitment: Some(CommitmentConfig::processed()),
                enable_received_notification: None,
            }),
        )
        .await
        .unwrap();
    rpc.send_transaction_with_config(
        &transaction,
        RpcSendTransactionConfig {
            skip_preflight: true,
            ..RpcSendTransactionConfig::default()
        },
    )
    .await
    .unwrap();
    let RpcSignatureResult::ProcessedSignature(result) = next(&mut outcome).await.value else {
        panic!("not a result");
    };
    assert!(result.err.is_some());
    // The fee was charged all the same.
    let left = localnet.account(&payer.pubkey()).unwrap().lamports;
    assert_eq!(left, SOL - 5_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_and_roots_follow_each_other() {
    let localnet = start().await;
    let pubsub = connect(&localnet).await;
    let (mut slots, _end) = pubsub.slot_subscribe().await.unwrap();
    let (mut roots, _end) = pubsub.root_subscribe().await.unwrap();
    let first = next(&mut slots).await;
    let second = next(&mut slots).await;
    assert_eq!((second.slot, second.parent), (first.slot + 1, first.slot));
    assert_eq!(second.root, second.slot - 4);
    let root = next(&mut roots).await;
    assert_eq!(next(&mut roots).await, root + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn program_accounts_and_logs_are_filtered() {
    let localnet = start_still().await;
    let pubsub = connect(&localnet).await;
    let (owner, other) = (Keypair::new().pubkey(), Keypair::new().pubkey());
    let (mut accounts, _end) = pubsub
        .program_subscribe(
            &spl_token_interface::id(),
            Some(RpcProgramAccountsConfig {
                filters: Some(vec![
                    RpcFilterType::DataSize(165),
                    RpcFilterType::Memcmp(Memcmp::new_base58_encoded(32, owner.as_ref())),
                ]),
                account_config: RpcAccountInfoConfig {
                    encoding: Some(UiAccountEncoding::JsonParsed),
                    commitment: Some(CommitmentConfig {
                        commitment: CommitmentLevel::Confirmed,
                    }),
                    ..RpcAccountInfoConfig::default()
                },
                ..RpcProgramAccountsConfig::default()
            }),
        )
        .await
        .unwrap();
    let (mut logs, _end) = pubsub
        .logs_subscribe(
            RpcTransactionLogsFilter::Mentions(vec![owner.to_string()]),
            RpcTransactionLogsConfig {
                commitment: Some(CommitmentConfig::confirmed()),
            },
        )
        .await
        .unwrap();
    localnet.mint_test_usdc(&other, 1).unwrap();
    let account = localnet.mint_test_usdc(&owner, 1_500_000).unwrap();
    localnet.warp_slots(1).unwrap();

    let news = next(&mut accounts).await.value;
    assert_eq!(news.pubkey, account.to_string());
    let shown = serde_json::to_value(&news.account.data).unwrap();
    let info = &shown["parsed"]["info"];
    assert_eq!(info["mint"], USDC_MINT.to_string());
    assert_eq!(info["tokenAmount"]["uiAmountString"], "1.5");
    silent(&mut accounts).await;

    let news = next(&mut logs).await.value;
    assert!(news.err.is_none());
    assert!(news.logs.iter().any(|line| line.contains("invoke [1]")));
    silent(&mut logs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocking_client_works_on_the_rpc_port_too() {
    let localnet = start().await;
    let url = localnet.rpc_url().replace("http", "ws");
    let slot = tokio::task::spawn_blocking(move || {
        let (mut subscription, receiver) =
            solana_pubsub_client::pubsub_client::PubsubClient::slot_subscribe(url).unwrap();
        let slot = receiver.recv_timeout(Duration::from_secs(60)).unwrap();
        subscription.send_unsubscribe().unwrap();
        let _ = subscription.shutdown();
        slot
    })
    .await
    .unwrap();
    assert!(slot.slot > 0);
}
