//! The chain under test, as a client sees it.

use std::time::Duration;

use solana_clock::Slot;
use solana_commitment_config::CommitmentConfig;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_pubsub_client::nonblocking::pubsub_client::PubsubClient;
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_rpc_client_api::config::RpcSendTransactionConfig;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use solana_transaction::Transaction;
use solana_transaction_status_client_types::TransactionStatus;

use crate::{
    failure::{Failure, Outcome, ensure_eq},
    waiting::{eventually, within},
};

/// How long one HTTP request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// How long one WebSocket handshake may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// Added to every wait that is counted in slots: a loaded machine is late, not wrong.
const GRACE: Duration = Duration::from_secs(30);

/// A chain under test: where it listens, and a key that holds lamports there.
pub struct Chain {
    rpc_url: String,
    websocket_url: String,
    treasury: Keypair,
    slot_duration: Duration,
}

impl Chain {
    /// Describes a running chain.
    ///
    /// `treasury` must own at least 1,000 SOL and pays for every check; `slot_duration` is how
    /// long the chain takes for one slot and only bounds the waits.
    pub const fn new(
        rpc_url: String,
        websocket_url: String,
        treasury: Keypair,
        slot_duration: Duration,
    ) -> Self {
        Self {
            rpc_url,
            websocket_url,
            treasury,
            slot_duration,
        }
    }

    /// A client that asks at `confirmed`, as payments do.
    pub(crate) fn rpc(&self) -> RpcClient {
        self.rpc_at(CommitmentConfig::confirmed())
    }

    /// A client that asks at the given commitment.
    pub(crate) fn rpc_at(&self, commitment: CommitmentConfig) -> RpcClient {
        RpcClient::new_with_timeout_and_commitment(self.rpc_url.clone(), REQUEST_LIMIT, commitment)
    }

    /// Opens a WebSocket to the chain.
    pub(crate) async fn pubsub(&self) -> Outcome<PubsubClient> {
        self.pubsub_through(&self.websocket_url).await
    }

    /// Opens a WebSocket at another address that leads to the chain.
    pub(crate) async fn pubsub_through(&self, url: &str) -> Outcome<PubsubClient> {
        Ok(within(
            CONNECT_LIMIT,
            "a WebSocket connection",
            PubsubClient::new(url),
        )
        .await??)
    }

    /// Where the chain's WebSocket listens, as `host:port`.
    pub(crate) fn websocket_address(&self) -> Outcome<&str> {
        self.websocket_url
            .strip_prefix("ws://")
            .map(|rest| rest.trim_end_matches('/'))
            .ok_or_else(|| Failure::preparation("the WebSocket URL is not a plain ws:// address"))
    }

    /// The time that `slots` slots may take.
    pub(crate) fn slots(&self, slots: u32) -> Duration {
        self.slot_duration * slots + GRACE
    }

    /// The time after which a transaction must be at the given commitment.
    pub(crate) fn until(&self, commitment: CommitmentConfig) -> Duration {
        // Finality comes with the 32nd vote on top of a block.
        self.slots(if commitment.is_finalized() { 64 } else { 16 })
    }

    /// A new key that owns `lamports` at `confirmed`.
    pub(crate) async fn wallet(&self, lamports: u64) -> Outcome<Keypair> {
        let wallet = Keypair::new();
        self.send(
            &[transfer(
                &self.treasury.pubkey(),
                &wallet.pubkey(),
                lamports,
            )],
            &[&self.treasury],
        )
        .await?;
        Ok(wallet)
    }

    /// A signed transaction with the newest confirmed blockhash; the first signer pays the fee.
    pub(crate) async fn sign(
        &self,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Outcome<Transaction> {
        let blockhash = self.rpc().get_latest_blockhash().await?;
        let payer = signers
            .first()
            .ok_or_else(|| Failure::preparation("a transaction needs a signer"))?;
        Ok(Transaction::new_signed_with_payer(
            instructions,
            Some(&payer.pubkey()),
            &signers.to_vec(),
            blockhash,
        ))
    }

    /// Sends a transaction that must succeed and waits until it is confirmed.
    pub(crate) async fn send(
        &self,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Outcome<Landed> {
        let transaction = self.sign(instructions, signers).await?;
        let signature = self.rpc().send_transaction(&transaction).await?;
        let landed = self
            .landed(&signature, CommitmentConfig::confirmed())
            .await?;
        ensure_eq!(
            landed.status.err,
            None,
            "the error of a transaction that succeeds"
        );
        Ok(landed)
    }

    /// Sends 2,000,000 lamports to a fresh address.
    pub(crate) async fn small_transfer(&self, payer: &Keypair) -> Outcome<Landed> {
        let instruction = transfer(&payer.pubkey(), &fresh_address(), 2_000_000);
        self.send(&[instruction], &[payer]).await
    }

    /// Sends without preflight, so that a failing transaction reaches a block too, and waits
    /// until it is confirmed.
    pub(crate) async fn send_unchecked(&self, transaction: &Transaction) -> Outcome<Landed> {
        let signature = self
            .rpc()
            .send_transaction_with_config(transaction, without_preflight())
            .await?;
        self.landed(&signature, CommitmentConfig::confirmed()).await
    }

    /// Waits until a transaction, successful or not, has reached the given commitment.
    pub(crate) async fn landed(
        &self,
        signature: &Signature,
        commitment: CommitmentConfig,
    ) -> Outcome<Landed> {
        let rpc = self.rpc();
        let rpc = &rpc;
        let status = eventually(
            self.until(commitment),
            "a transaction's landing",
            || async {
                let statuses = rpc.get_signature_statuses(&[*signature]).await?.value;
                Ok(statuses
                    .into_iter()
                    .flatten()
                    .find(|status| status.satisfies_commitment(commitment)))
            },
        )
        .await?;
        Ok(Landed {
            signature: *signature,
            slot: status.slot,
            status,
        })
    }
}

/// A transaction in a block.
pub(crate) struct Landed {
    /// Its first signature.
    pub signature: Signature,
    /// The block's slot.
    pub slot: Slot,
    /// The status that the chain reported.
    pub status: TransactionStatus,
}

/// Sending without preflight.
pub(crate) fn without_preflight() -> RpcSendTransactionConfig {
    RpcSendTransactionConfig {
        skip_preflight: true,
        ..RpcSendTransactionConfig::default()
    }
}

/// An address that no account has.
pub(crate) fn fresh_address() -> Pubkey {
    Keypair::new().pubkey()
}

/// A signature that no transaction has.
pub(crate) fn fresh_signature() -> Signature {
    Keypair::new().sign_message(b"never sent")
}
