//! The same short history on every chain: the keys are derived, so the addresses are the same.

use std::time::Duration;

use serde_json::Value;
use solana_commitment_config::CommitmentConfig;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{VersionedMessage, v0};
use solana_program_pack::Pack;
use solana_pubkey::Pubkey;
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_rpc_client_api::config::RpcSendTransactionConfig;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_system_interface::instruction::{create_account, transfer};
use solana_transaction::{Transaction, versioned::VersionedTransaction};
use spl_associated_token_account_interface::{
    address::get_associated_token_address, instruction::create_associated_token_account,
};
use spl_token_interface::{instruction as token, state::Mint};
use tokio::time::{Instant, sleep};
use tollgate_localnet::test_keypair;

/// How long one transaction may take to be finalized.
const LIMIT: Duration = Duration::from_secs(90);

/// The accounts and transactions that the questions are about.
pub struct Scene {
    pub payer: Keypair,
    pub mint: Pubkey,
    pub source: Pubkey,
    pub destination: Pubkey,
    pub owner: Keypair,
    pub transferred: Signature,
    pub tokens_moved: Signature,
    pub account_created: Signature,
    pub versioned: Signature,
    pub failed: Signature,
    /// A good transaction that is never sent.
    pub unsent: Transaction,
}

impl Scene {
    /// Plays the history and waits until all of it is finalized.
    pub async fn play(rpc: &RpcClient, treasury: &Keypair) -> Self {
        let payer = test_keypair("answers payer");
        let owner = test_keypair("answers owner");
        let mint = test_keypair("answers mint");
        let receiver = test_keypair("answers receiver").pubkey();
        let program = spl_token_interface::id();
        let fund = [
            transfer(&treasury.pubkey(), &payer.pubkey(), 1_000_000_000),
            transfer(&treasury.pubkey(), &owner.pubkey(), 1_000_000_000),
        ];
        send(rpc, &fund, &[treasury]).await;

        let transferred = send(
            rpc,
            &[transfer(&payer.pubkey(), &receiver, 2_000_000)],
            &[&payer],
        )
        .await;
        send(rpc, &[memo("answers")], &[&payer]).await;
        let rent = rpc
            .get_minimum_balance_for_rent_exemption(Mint::LEN)
            .await
            .unwrap();
        let create_mint = [
            create_account(
                &payer.pubkey(),
                &mint.pubkey(),
                rent,
                Mint::LEN as u64,
                &program,
            ),
            token::initialize_mint2(&program, &mint.pubkey(), &payer.pubkey(), None, 6).unwrap(),
        ];
        send(rpc, &create_mint, &[&payer, &mint]).await;
        let mint = mint.pubkey();
        let source = get_associated_token_address(&owner.pubkey(), &mint);
        let destination = get_associated_token_address(&payer.pubkey(), &mint);
        let create = [
            create_associated_token_account(&payer.pubkey(), &owner.pubkey(), &mint, &program),
            create_associated_token_account(&payer.pubkey(), &payer.pubkey(), &mint, &program),
            token::mint_to(&program, &mint, &source, &payer.pubkey(), &[], 5_000_000).unwrap(),
        ];
        let account_created = send(rpc, &create, &[&payer]).await;
        let moved = token::transfer_checked(
            &program,
            &source,
            &mint,
            &destination,
            &owner.pubkey(),
            &[],
            1_250_000,
            6,
        )
        .unwrap();
        let tokens_moved = send(
            rpc,
            &[
                ComputeBudgetInstruction::set_compute_unit_limit(100_000),
                ComputeBudgetInstruction::set_compute_unit_price(1_000),
                moved,
            ],
            &[&owner],
        )
        .await;
        let versioned = send_versioned(
            rpc,
            &transfer(&payer.pubkey(), &receiver, 3_000_000),
            &payer,
        )
        .await;
        let failed = send_failing(
            rpc,
            &transfer(&payer.pubkey(), &receiver, 90_000_000_000),
            &payer,
        )
        .await;
        wait(rpc, &failed, CommitmentConfig::finalized()).await;
        let unsent = sign(
            rpc,
            &[transfer(&payer.pubkey(), &receiver, 4_000_000)],
            &[&payer],
        )
        .await;
        Self {
            payer,
            mint,
            source,
            destination,
            owner,
            transferred,
            tokens_moved,
            account_created,
            versioned,
            failed,
            unsent,
        }
    }
}

/// A memo, version 3.
fn memo(text: &str) -> Instruction {
    Instruction {
        program_id: Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"),
        accounts: Vec::new(),
        data: text.as_bytes().to_vec(),
    }
}

/// Signs with the newest blockhash.
pub async fn sign(
    rpc: &RpcClient,
    instructions: &[Instruction],
    signers: &[&Keypair],
) -> Transaction {
    Transaction::new_signed_with_payer(
        instructions,
        Some(&signers[0].pubkey()),
        &signers.to_vec(),
        rpc.get_latest_blockhash().await.unwrap(),
    )
}

async fn send(rpc: &RpcClient, instructions: &[Instruction], signers: &[&Keypair]) -> Signature {
    let transaction = sign(rpc, instructions, signers).await;
    let signature = rpc.send_transaction(&transaction).await.unwrap();
    wait(rpc, &signature, CommitmentConfig::confirmed()).await;
    signature
}

async fn send_versioned(rpc: &RpcClient, instruction: &Instruction, payer: &Keypair) -> Signature {
    let message = v0::Message::try_compile(
        &payer.pubkey(),
        std::slice::from_ref(instruction),
        &[],
        rpc.get_latest_blockhash().await.unwrap(),
    )
    .unwrap();
    let transaction =
        VersionedTransaction::try_new(VersionedMessage::V0(message), &[payer]).unwrap();
    let signature = rpc.send_transaction(&transaction).await.unwrap();
    wait(rpc, &signature, CommitmentConfig::confirmed()).await;
    signature
}

async fn send_failing(rpc: &RpcClient, instruction: &Instruction, payer: &Keypair) -> Signature {
    let transaction = sign(rpc, std::slice::from_ref(instruction), &[payer]).await;
    let config = RpcSendTransactionConfig {
        skip_preflight: true,
        ..RpcSendTransactionConfig::default()
    };
    let signature = rpc
        .send_transaction_with_config(&transaction, config)
        .await
        .unwrap();
    wait(rpc, &signature, CommitmentConfig::confirmed()).await;
    signature
}

async fn wait(rpc: &RpcClient, signature: &Signature, commitment: CommitmentConfig) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let statuses = rpc.get_signature_statuses(&[*signature]).await.unwrap();
        if let Some(Some(status)) = statuses.value.first()
            && status.satisfies_commitment(commitment)
        {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{signature} did not land within {LIMIT:?}"
        );
        sleep(Duration::from_millis(100)).await;
    }
}

impl Scene {
    /// Hides what signatures make different although the history is the same.
    pub fn mask(&self, answer: &mut Value) {
        let names = [
            (self.transferred, "transferred"),
            (self.tokens_moved, "tokens moved"),
            (self.account_created, "account created"),
            (self.versioned, "versioned"),
            (self.failed, "failed"),
        ];
        if let Value::String(text) = answer {
            for (signature, name) in names {
                if *text == signature.to_string() {
                    *text = format!("the signature of {name}");
                }
            }
        }
        match answer {
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.mask(member)),
            _ => {}
        }
    }
}
