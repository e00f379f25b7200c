//! Transactions that land, that do not, and that are only simulated.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod support;

use solana_address::Address;
use solana_address_lookup_table_interface::instruction::{
    create_lookup_table, extend_lookup_table,
};
use solana_commitment_config::CommitmentConfig;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{AddressLookupTableAccount, VersionedMessage, v0};
use solana_rpc_client_api::{
    config::RpcSimulateTransactionConfig,
    request::{RpcError, RpcResponseErrorData},
    response::RpcSimulateTransactionResult,
};
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use support::{SOL, client, funded, signed, skip_preflight, start, start_still, transfer};

const MEMO: Address = Address::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");

/// The result of the preflight check that refused a transaction.
fn preflight(error: &solana_rpc_client_api::client_error::Error) -> RpcSimulateTransactionResult {
    match error.kind() {
        solana_rpc_client_api::client_error::ErrorKind::RpcError(RpcError::RpcResponseError {
            code: -32002,
            data: RpcResponseErrorData::SendTransactionPreflightFailure(result),
            ..
        }) => result.clone(),
        other => panic!("not a preflight failure: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_confirmed_by_the_clients_own_loop() {
    let localnet = start().await;
    let rpc = client(&localnet);
    let payer = funded(&localnet, SOL);
    let receiver = Keypair::new().pubkey();
    let blockhash = rpc.get_latest_blockhash().await.unwrap();
    let transaction = transfer(&payer, &receiver, SOL / 10, blockhash);
    rpc.send_and_confirm_transaction(&transaction)
        .await
        .unwrap();
    assert_eq!(rpc.get_balance(&receiver).await.unwrap(), SOL / 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blockhash_lives_for_150_blocks() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let payer = funded(&localnet, SOL);
    let (blockhash, last) = rpc
        .get_latest_blockhash_with_commitment(CommitmentConfig::processed())
        .await
        .unwrap();
    assert_eq!(last, localnet.slot() + 150);
    localnet.warp_slots(150).unwrap();
    let processed = CommitmentConfig::processed();
    let in_time = transfer(&payer, &Keypair::new().pubkey(), SOL / 10, blockhash);
    rpc.send_transaction_with_config(&in_time, support::preflight_at(processed))
        .await
        .unwrap();
    localnet.warp_slots(1).unwrap();
    assert!(localnet.slot() > last);
    let late = transfer(&payer, &Keypair::new().pubkey(), SOL / 10, blockhash);
    let error = rpc
        .send_transaction_with_config(&late, support::preflight_at(processed))
        .await
        .unwrap_err();
    assert_eq!(
        preflight(&error).err.unwrap(),
        TransactionError::BlockhashNotFound.into()
    );
    // Without the check, it is accepted and never lands.
    rpc.send_transaction_with_config(&late, skip_preflight())
        .await
        .unwrap();
    assert!(
        rpc.get_signature_status(&late.signatures[0])
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_lands_once() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let payer = funded(&localnet, SOL);
    let receiver = Keypair::new().pubkey();
    let blockhash = rpc.get_latest_blockhash().await.unwrap();
    let transaction = transfer(&payer, &receiver, SOL / 10, blockhash);
    for _ in 0..2 {
        // The second is dropped without a word.
        rpc.send_transaction_with_config(&transaction, skip_preflight())
            .await
            .unwrap();
    }
    assert_eq!(localnet.account(&receiver).unwrap().lamports, SOL / 10);
    localnet.warp_slots(1).unwrap();
    let error = rpc.send_transaction(&transaction).await.unwrap_err();
    assert_eq!(
        preflight(&error).err.unwrap(),
        TransactionError::AlreadyProcessed.into()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn preflight_sees_the_state_of_its_level_and_disturbs_nothing() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let payer = Keypair::new();
    let blockhash = rpc
        .get_latest_blockhash_with_commitment(CommitmentConfig::finalized())
        .await
        .unwrap()
        .0;
    localnet.airdrop(&payer.pubkey(), SOL).unwrap();
    let transaction = transfer(&payer, &Keypair::new().pubkey(), SOL / 10, blockhash);
    let error = rpc
        .send_transaction_with_config(
            &transaction,
            support::preflight_at(CommitmentConfig::finalized()),
        )
        .await
        .unwrap_err();
    assert_eq!(
        preflight(&error).err.unwrap(),
        TransactionError::AccountNotFound.into()
    );
    assert_eq!(localnet.account(&payer.pubkey()).unwrap().lamports, SOL);
    rpc.send_transaction_with_config(
        &transaction,
        support::preflight_at(CommitmentConfig::processed()),
    )
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_shows_accounts_and_changes_none() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let payer = funded(&localnet, SOL);
    let receiver = Keypair::new().pubkey();
    let stale = solana_hash::Hash::new_from_array([9; 32]);
    let unsigned = {
        let mut transaction = transfer(&payer, &receiver, SOL / 10, stale);
        transaction.signatures[0] = Signature::default();
        transaction
    };
    let result = rpc
        .simulate_transaction_with_config(
            &unsigned,
            RpcSimulateTransactionConfig {
                replace_recent_blockhash: true,
                accounts: Some(
                    solana_rpc_client_api::config::RpcSimulateTransactionAccountsConfig {
                        encoding: None,
                        addresses: vec![receiver.to_string()],
                    },
                ),
                ..RpcSimulateTransactionConfig::default()
            },
        )
        .await
        .unwrap()
        .value;
    assert!(result.err.is_none(), "{result:?}");
    assert_eq!(result.units_consumed, Some(150));
    assert_eq!(result.fee, Some(5_000));
    assert_eq!(
        result.accounts.unwrap()[0].as_ref().unwrap().lamports,
        SOL / 10
    );
    assert_eq!(result.pre_balances.unwrap()[..2], [SOL, 0]);
    assert_eq!(
        result.post_balances.unwrap()[..2],
        [SOL - SOL / 10 - 5_000, SOL / 10]
    );
    assert!(result.replacement_blockhash.is_some());
    assert!(localnet.account(&receiver).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_program_costs_the_fee() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let payer = funded(&localnet, SOL);
    let call = Instruction::new_with_bytes(Keypair::new().pubkey(), &[], Vec::new());
    let blockhash = rpc.get_latest_blockhash().await.unwrap();
    let transaction = signed(&[call], &[&payer], blockhash);
    let error = rpc.send_transaction(&transaction).await.unwrap_err();
    assert_eq!(
        preflight(&error).err.unwrap(),
        TransactionError::ProgramAccountNotFound.into()
    );
    rpc.send_transaction_with_config(&transaction, skip_preflight())
        .await
        .unwrap();
    localnet.warp_slots(1).unwrap();
    let status = rpc
        .get_signature_status(&transaction.signatures[0])
        .await
        .unwrap();
    assert_eq!(status, Some(Err(TransactionError::ProgramAccountNotFound)));
    let left = localnet.account(&payer.pubkey()).unwrap().lamports;
    assert_eq!(left, SOL - 5_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_table_works_from_the_next_slot_on() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let payer = funded(&localnet, SOL);
    let receiver = Keypair::new().pubkey();
    let recent = localnet.slot() - 1;
    let (create, table) = create_lookup_table(payer.pubkey(), payer.pubkey(), recent);
    let extend = extend_lookup_table(table, payer.pubkey(), Some(payer.pubkey()), vec![receiver]);
    let blockhash = rpc.get_latest_blockhash().await.unwrap();
    let make = signed(&[create, extend], &[&payer], blockhash);
    rpc.send_transaction(&make).await.unwrap();
    localnet.warp_slots(1).unwrap();
    let message = v0::Message::try_compile(
        &payer.pubkey(),
        &[solana_system_interface::instruction::transfer(
            &payer.pubkey(),
            &receiver,
            SOL / 10,
        )],
        &[AddressLookupTableAccount {
            key: table,
            addresses: vec![receiver],
        }],
        blockhash,
    )
    .unwrap();
    let transaction =
        VersionedTransaction::try_new(VersionedMessage::V0(message), &[&payer]).unwrap();
    // The slot that extended the table is the confirmed one.
    let error = rpc.send_transaction(&transaction).await.unwrap_err();
    assert!(error.to_string().contains("-32602"), "{error}");
    localnet.warp_slots(1).unwrap();
    let signature = rpc.send_transaction(&transaction).await.unwrap();
    assert_eq!(localnet.account(&receiver).unwrap().lamports, SOL / 10);
    localnet.finalize();
    let listed = rpc.get_signatures_for_address(&receiver).await.unwrap();
    assert_eq!(listed[0].signature, signature.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_can_be_added_and_called_at_any_time() {
    let localnet = start_still().await;
    let rpc = client(&localnet);
    let payer = funded(&localnet, SOL);
    // The memo program's account holds its ELF file as it is.
    let elf = localnet.account(&MEMO).unwrap().data;
    let program = Keypair::new().pubkey();
    localnet.add_program(program, &elf).unwrap();
    let account = localnet.account(&program).unwrap();
    assert!(account.executable);
    assert_eq!(account.owner, solana_sdk_ids::bpf_loader_upgradeable::ID);
    let blockhash = rpc.get_latest_blockhash().await.unwrap();
    let memo = Instruction::new_with_bytes(program, b"to be read", Vec::new());
    let transaction = signed(&[memo], &[&payer], blockhash);
    rpc.send_transaction_with_config(
        &transaction,
        support::preflight_at(CommitmentConfig::processed()),
    )
    .await
    .unwrap();
    let refused = localnet
        .add_program(program, b"not an ELF file")
        .unwrap_err();
    assert_eq!(refused.code(), "localnet_program");
    // The program is as it was.
    assert_eq!(localnet.account(&program).unwrap(), account);
    localnet.warp_slots(1).unwrap();
    let blockhash = rpc.get_latest_blockhash().await.unwrap();
    let memo = Instruction::new_with_bytes(program, b"to be read again", Vec::new());
    rpc.send_transaction(&signed(&[memo], &[&payer], blockhash))
        .await
        .unwrap();
}
