//! What the tests share.
#![allow(dead_code, reason = "each test binary uses its own part")]

use solana_address::Address;
use solana_commitment_config::CommitmentConfig;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_rpc_client_api::config::RpcSendTransactionConfig;
use solana_signer::Signer;
use solana_transaction::Transaction;
use std::time::Duration;
use tollgate_localnet::{CommitmentDepths, Localnet};

/// Lamports in one SOL.
pub const SOL: u64 = 1_000_000_000;

/// A chain with short slots, whose levels are apart as far as by default.
pub async fn start() -> Localnet {
    Localnet::builder()
        .slot_duration(Duration::from_millis(50))
        .start()
        .await
        .unwrap()
}

/// A chain that makes slots only when it is told to, three of them until finality.
pub async fn start_still() -> Localnet {
    let localnet = Localnet::builder()
        .slot_duration(Duration::from_secs(3_600))
        .commitment_depths(CommitmentDepths {
            confirmed: 1,
            finalized: 3,
        })
        .start()
        .await
        .unwrap();
    localnet.warp_slots(3).unwrap();
    localnet
}

/// A client at commitment `confirmed`.
pub fn client(localnet: &Localnet) -> RpcClient {
    RpcClient::new_with_commitment(localnet.rpc_url(), CommitmentConfig::confirmed())
}

/// A signed transaction of these instructions, paid by the first signer.
pub fn signed(instructions: &[Instruction], signers: &[&Keypair], blockhash: Hash) -> Transaction {
    let payer = signers[0].pubkey();
    Transaction::new_signed_with_payer(instructions, Some(&payer), &signers.to_vec(), blockhash)
}

/// A signed transfer of lamports.
pub fn transfer(from: &Keypair, to: &Address, lamports: u64, blockhash: Hash) -> Transaction {
    let instruction = solana_system_interface::instruction::transfer(&from.pubkey(), to, lamports);
    signed(&[instruction], &[from], blockhash)
}

/// A key with lamports that are finalized.
pub fn funded(localnet: &Localnet, lamports: u64) -> Keypair {
    let key = Keypair::new();
    localnet.airdrop(&key.pubkey(), lamports).unwrap();
    localnet.finalize();
    key
}

/// Sends without asking the node whether the transaction would succeed.
pub fn skip_preflight() -> RpcSendTransactionConfig {
    RpcSendTransactionConfig {
        skip_preflight: true,
        ..RpcSendTransactionConfig::default()
    }
}

/// Sends after a check on the state at a commitment level.
pub fn preflight_at(commitment: CommitmentConfig) -> RpcSendTransactionConfig {
    RpcSendTransactionConfig {
        preflight_commitment: Some(commitment.commitment),
        ..RpcSendTransactionConfig::default()
    }
}
