//! The local chain through Solana's own RPC client.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod support;

use solana_account::Account;
use solana_clock::Clock;
use solana_commitment_config::{CommitmentConfig, CommitmentLevel};
use solana_keypair::Keypair;
use solana_rpc_client::rpc_client::GetConfirmedSignaturesForAddress2Config;
use solana_rpc_client_api::config::RpcAccountInfoConfig;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction_status::{TransactionConfirmationStatus, UiTransactionEncoding};
use std::time::Duration;
use support::{SOL, client, start, start_still};
use tollgate_localnet::{DEVNET_GENESIS_HASH, Localnet, LocalnetError, USDC_MINT};

#[tokio::test(flavor = "multi_thread")]
async fn the_cluster_presents_itself_as_devnet() {
    let localnet = start().await;
    let rpc = client(&localnet);
    assert_eq!(
        rpc.get_genesis_hash().await.unwrap().to_string(),
        DEVNET_GENESIS_HASH
    );
    rpc.get_health().await.unwrap();
    assert_eq!(rpc.get_version().await.unwrap().solana_core, "4.2.2");
    let supply = rpc.get_token_supply(&USDC_MINT).await.unwrap();
    assert_eq!((supply.amount.as_str(), supply.decimals), ("0", 6));
    localnet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocking_client_airdrops_and_reads() {
    let localnet = start().await;
    let url = localnet.rpc_url();
    let balance = tokio::task::spawn_blocking(move || {
        let rpc = solana_rpc_client::rpc_client::RpcClient::new_with_commitment(
            url,
            CommitmentConfig::confirmed(),
        );
        let address = Keypair::new().pubkey();
        let signature = rpc.request_airdrop(&address, SOL).unwrap();
        rpc.poll_for_signature(&signature).unwrap();
        rpc.get_balance(&address).unwrap()
    })
    .await
    .unwrap();
    assert_eq!(balance, SOL);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_level_reads_the_state_of_its_slot() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let (address, program) = (Keypair::new().pubkey(), Keypair::new().pubkey());
    let levels = [
        CommitmentConfig::processed(),
        CommitmentConfig::confirmed(),
        CommitmentConfig::finalized(),
    ];
    let put = |lamports: u64| {
        let account = Account::new(lamports, 8, &program);
        localnet.set_account(address, account).unwrap();
    };
    let lamports = async || {
        let mut seen = Vec::new();
        for level in levels {
            let account = rpc
                .get_account_with_commitment(&address, level)
                .await
                .unwrap();
            let listed = localnet.account_at(&address, level.commitment);
            assert_eq!(account.value, listed);
            let config = RpcAccountInfoConfig {
                commitment: Some(level),
                ..RpcAccountInfoConfig::default()
            };
            let owned = rpc
                .get_program_ui_accounts_with_config(
                    &program,
                    solana_rpc_client_api::config::RpcProgramAccountsConfig {
                        account_config: config,
                        ..Default::default()
                    },
                )
                .await
                .unwrap();
            assert_eq!(owned.len(), usize::from(account.value.is_some()));
            seen.push(account.value.map_or(0, |account| account.lamports));
        }
        seen
    };
    put(1_000_000);
    assert_eq!(lamports().await, [1_000_000, 0, 0]);
    localnet.warp_slots(1).unwrap();
    put(2_000_000);
    assert_eq!(lamports().await, [2_000_000, 1_000_000, 0]);
    localnet.warp_slots(1).unwrap();
    put(0);
    assert_eq!(lamports().await, [0, 2_000_000, 0]);
    localnet.warp_slots(1).unwrap();
    assert_eq!(lamports().await, [0, 0, 1_000_000]);
    localnet.warp_slots(1).unwrap();
    assert_eq!(lamports().await, [0, 0, 2_000_000]);
    localnet.warp_slots(1).unwrap();
    assert_eq!(lamports().await, [0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_names_its_level_and_never_goes_back() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let signature = localnet.airdrop(&Keypair::new().pubkey(), SOL).unwrap();
    let mut seen = Vec::new();
    for _ in 0..5 {
        let status = rpc
            .get_signature_statuses(&[signature])
            .await
            .unwrap()
            .value[0]
            .clone()
            .unwrap();
        seen.push((status.confirmation_status.unwrap(), status.confirmations));
        localnet.warp_slots(1).unwrap();
    }
    use TransactionConfirmationStatus::{Confirmed, Finalized, Processed};
    assert_eq!(
        seen,
        [
            (Processed, Some(0)),
            (Confirmed, Some(1)),
            (Confirmed, Some(2)),
            (Finalized, None),
            (Finalized, None)
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_for_an_address_come_in_pages_newest_first() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let address = Keypair::new().pubkey();
    let mut sent: Vec<_> = (0..5)
        .map(|_| {
            let signature = localnet.airdrop(&address, SOL).unwrap();
            localnet.warp_slots(1).unwrap();
            signature
        })
        .collect();
    sent.reverse();
    let page = async |before, until, limit| -> Vec<Signature> {
        let config = GetConfirmedSignaturesForAddress2Config {
            before,
            until,
            limit,
            commitment: Some(CommitmentConfig::confirmed()),
        };
        rpc.get_signatures_for_address_with_config(&address, config)
            .await
            .unwrap()
            .into_iter()
            .map(|listed| listed.signature.parse().unwrap())
            .collect()
    };
    assert_eq!(page(None, None, None).await, sent);
    assert_eq!(page(None, None, Some(2)).await, sent[..2]);
    assert_eq!(page(Some(sent[1]), None, Some(2)).await, sent[2..4]);
    assert_eq!(page(Some(sent[0]), Some(sent[3]), None).await, sent[1..3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_as_many_transactions_are_remembered_as_asked() {
    let localnet = Localnet::builder()
        .transaction_history(2)
        .start()
        .await
        .unwrap();
    let rpc = client(&localnet);
    let address = Keypair::new().pubkey();
    let signatures: Vec<_> = (0..3)
        .map(|_| localnet.airdrop(&address, SOL).unwrap())
        .collect();
    localnet.finalize();
    let known = rpc.get_signature_statuses(&signatures).await.unwrap().value;
    let known: Vec<_> = known.iter().map(Option::is_some).collect();
    assert_eq!(known, [false, true, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_told_with_its_token_balances() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let owner = Keypair::new().pubkey();
    let account = localnet.mint_test_usdc(&owner, 2_500_000).unwrap();
    let again = localnet.mint_test_usdc(&owner, 500_000).unwrap();
    assert_eq!(account, again);
    localnet.finalize();
    let balance = rpc.get_token_account_balance(&account).await.unwrap();
    assert_eq!(balance.ui_amount_string, "3");
    let listed = rpc.get_signatures_for_address(&account).await.unwrap();
    let signature = listed[0].signature.parse().unwrap();
    let told = rpc
        .get_transaction(&signature, UiTransactionEncoding::Json)
        .await
        .unwrap();
    let meta = serde_json::to_value(told.transaction.meta.unwrap()).unwrap();
    let amounts = |field: &str| meta[field][0]["uiTokenAmount"]["amount"].clone();
    assert_eq!(amounts("preTokenBalances"), "2500000");
    assert_eq!(amounts("postTokenBalances"), "3000000");
    assert_eq!(meta["postTokenBalances"][0]["owner"], owner.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn chain_time_is_real_and_can_be_moved() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let clock = async || -> Clock {
        let account = localnet
            .account(&solana_sdk_ids::sysvar::clock::ID)
            .unwrap();
        wincode::deserialize(&account.data).unwrap()
    };
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
        .try_into()
        .unwrap();
    let real: i64 = now;
    assert!((clock().await.unix_timestamp - real).abs() <= 2);
    localnet.set_time(2_000_000_000);
    assert_eq!(clock().await.unix_timestamp, 2_000_000_000);
    localnet.advance_time(Duration::from_secs(3_600));
    localnet.warp_slots(1).unwrap();
    let moved = clock().await;
    assert!((2_000_003_600..2_000_003_605).contains(&moved.unix_timestamp));
    assert_eq!(moved.slot, localnet.slot());
    let confirmed = localnet.slot_at(CommitmentLevel::Confirmed);
    assert!(rpc.get_block_time(confirmed).await.unwrap() >= 2_000_003_600);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_serves_no_slot_that_it_has_not_reached() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let config = |slot| RpcAccountInfoConfig {
        min_context_slot: Some(slot),
        commitment: Some(CommitmentConfig::confirmed()),
        ..RpcAccountInfoConfig::default()
    };
    let confirmed = localnet.slot_at(CommitmentLevel::Confirmed);
    let read = |slot| rpc.get_ui_account_with_config(&USDC_MINT, config(slot));
    assert!(read(confirmed).await.is_ok());
    let error = read(confirmed + 1).await.unwrap_err().to_string();
    assert!(error.contains("-32016"), "{error}");
    localnet.warp_slots(1).unwrap();
    assert!(read(confirmed + 1).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_make_no_sense_are_refused() {
    let refused = Localnet::builder()
        .slot_duration(Duration::ZERO)
        .start()
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "localnet_settings");
    let localnet = start_still().await;
    let refused = localnet.warp_slots(1_001).unwrap_err();
    assert!(matches!(refused, LocalnetError::TooManySlots { .. }));
    let taken = Localnet::builder()
        .port(localnet.rpc_address().port())
        .start()
        .await
        .unwrap_err();
    assert_eq!(taken.code(), "localnet_listen");
    let port = localnet.rpc_address().port();
    localnet.shutdown().await;
    std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
}
