//! Transactions that reach a block, successful or not.

use solana_commitment_config::CommitmentConfig;
use solana_message::{VersionedMessage, v0};
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use solana_transaction::versioned::VersionedTransaction;

use super::LAMPORTS_PER_SIGNATURE;
use crate::{
    chain::{Chain, fresh_address},
    failure::{Failure, Outcome, custom_error, ensure_eq},
};

pub(super) async fn transfer_moves_lamports_and_costs_the_fee(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let receiver = fresh_address();
    chain
        .send(
            &[transfer(&payer.pubkey(), &receiver, 30_000_000)],
            &[&payer],
        )
        .await?;
    let rpc = chain.rpc();
    ensure_eq!(
        rpc.get_balance(&receiver).await?,
        30_000_000,
        "what the receiver got"
    );
    ensure_eq!(
        rpc.get_balance(&payer.pubkey()).await?,
        70_000_000 - LAMPORTS_PER_SIGNATURE,
        "what the payer keeps"
    );
    Ok(())
}

pub(super) async fn versioned_transaction_lands(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let receiver = fresh_address();
    let rpc = chain.rpc();
    let message = v0::Message::try_compile(
        &payer.pubkey(),
        &[transfer(&payer.pubkey(), &receiver, 2_000_000)],
        &[],
        rpc.get_latest_blockhash().await?,
    )
    .map_err(Failure::preparation)?;
    let transaction = VersionedTransaction::try_new(VersionedMessage::V0(message), &[&payer])
        .map_err(Failure::preparation)?;
    let signature = rpc.send_transaction(&transaction).await?;
    let landed = chain
        .landed(&signature, CommitmentConfig::confirmed())
        .await?;
    ensure_eq!(landed.status.err, None, "the error of a v0 transaction");
    ensure_eq!(
        rpc.get_balance(&receiver).await?,
        2_000_000,
        "what the receiver got"
    );
    Ok(())
}

pub(super) async fn client_confirms_its_own_transaction(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &fresh_address(), 2_000_000)],
            &[&payer],
        )
        .await?;
    let signature = crate::waiting::within(
        chain.until(CommitmentConfig::confirmed()),
        "the client's own confirmation",
        chain.rpc().send_and_confirm_transaction(&transaction),
    )
    .await??;
    ensure_eq!(
        Some(&signature),
        transaction.signatures.first(),
        "the signature that the chain answered"
    );
    Ok(())
}

pub(super) async fn failure_without_preflight_lands_and_costs_the_fee(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let receiver = fresh_address();
    let transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &receiver, 200_000_000)],
            &[&payer],
        )
        .await?;
    let landed = chain.send_unchecked(&transaction).await?;
    ensure_eq!(
        landed.status.err,
        Some(custom_error(0, 1)),
        "the status of a failed transaction"
    );
    let rpc = chain.rpc();
    ensure_eq!(
        rpc.get_balance(&payer.pubkey()).await?,
        100_000_000 - LAMPORTS_PER_SIGNATURE,
        "what the payer keeps after a failure"
    );
    ensure_eq!(
        rpc.get_balance(&receiver).await?,
        0,
        "what a failed transfer moved"
    );
    Ok(())
}

pub(super) async fn failure_is_atomic(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let receiver = fresh_address();
    let transaction = chain
        .sign(
            &[
                transfer(&payer.pubkey(), &receiver, 20_000_000),
                transfer(&payer.pubkey(), &receiver, 200_000_000),
            ],
            &[&payer],
        )
        .await?;
    let landed = chain.send_unchecked(&transaction).await?;
    ensure_eq!(
        landed.status.err,
        Some(custom_error(1, 1)),
        "the status names the failing instruction"
    );
    ensure_eq!(
        chain.rpc().get_balance(&receiver).await?,
        0,
        "what the first instruction of a failed transaction moved"
    );
    Ok(())
}
