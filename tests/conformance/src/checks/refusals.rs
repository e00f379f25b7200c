//! Transactions that a node refuses.

use serde_json::{Value, json};
use solana_commitment_config::{CommitmentConfig, CommitmentLevel};
use solana_hash::Hash;
use solana_keypair::Keypair;
use solana_rpc_client_api::{
    config::RpcSendTransactionConfig,
    custom_error::JSON_RPC_SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE as PREFLIGHT_FAILURE,
    request::RpcRequest,
};
use solana_signature::Signature;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use solana_transaction::Transaction;
use solana_transaction_error::TransactionError;

use super::{INVALID_PARAMS, LAMPORTS_PER_SIGNATURE};
use crate::{
    chain::{Chain, fresh_address, without_preflight},
    failure::{OrFail, Outcome, custom_error, ensure, ensure_eq, error_code, refusal},
    token::Token,
};

pub(super) async fn wrong_signature_is_refused(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let mut transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &fresh_address(), 2_000_000)],
            &[&payer],
        )
        .await?;
    transaction.signatures = vec![Signature::from([7; 64])];
    let refused = refusal(
        chain.rpc().send_transaction(&transaction).await,
        "a wrong signature",
    )?;
    ensure_eq!(refused.code, PREFLIGHT_FAILURE, "the code of the refusal");
    ensure_eq!(
        refused.error,
        TransactionError::SignatureFailure,
        "the refusal of a wrong signature"
    );
    Ok(())
}

pub(super) async fn wrong_signature_never_lands_without_preflight(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let receiver = fresh_address();
    let mut forged = chain
        .sign(
            &[transfer(&payer.pubkey(), &receiver, 2_000_000)],
            &[&payer],
        )
        .await?;
    forged.signatures = vec![Signature::from([9; 64])];
    let rpc = chain.rpc();
    // A node may refuse it or drop it silently; it must not execute it.
    let _ = rpc
        .send_transaction_with_config(&forged, without_preflight())
        .await;
    // A later transaction of the same payer passes while the forged one stays out.
    chain
        .send(
            &[transfer(&payer.pubkey(), &fresh_address(), 3_000_000)],
            &[&payer],
        )
        .await?;
    ensure_eq!(
        rpc.get_balance(&receiver).await?,
        0,
        "what a forged transfer moved"
    );
    ensure_eq!(
        rpc.get_balance(&payer.pubkey()).await?,
        97_000_000 - LAMPORTS_PER_SIGNATURE,
        "what the payer keeps"
    );
    Ok(())
}

pub(super) async fn missing_signature_is_refused(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let mut transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &fresh_address(), 2_000_000)],
            &[&payer],
        )
        .await?;
    transaction.signatures.clear();
    ensure_eq!(
        error_code(
            chain.rpc().send_transaction(&transaction).await,
            "a transaction without signatures"
        )?,
        INVALID_PARAMS,
        "the refusal of too few signatures"
    );
    Ok(())
}

pub(super) async fn unknown_blockhash_is_refused(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let transaction = Transaction::new_signed_with_payer(
        &[transfer(&payer.pubkey(), &fresh_address(), 2_000_000)],
        Some(&payer.pubkey()),
        &[&payer],
        Hash::new_unique(),
    );
    let refused = refusal(
        chain.rpc().send_transaction(&transaction).await,
        "an unknown blockhash",
    )?;
    ensure_eq!(refused.code, PREFLIGHT_FAILURE, "the code of the refusal");
    ensure_eq!(
        refused.error,
        TransactionError::BlockhashNotFound,
        "the refusal of an unknown blockhash"
    );
    Ok(())
}

pub(super) async fn preflight_knows_only_what_its_commitment_knows(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let at_finalized = RpcSendTransactionConfig {
        preflight_commitment: Some(CommitmentLevel::Finalized),
        ..RpcSendTransactionConfig::default()
    };
    let instruction = transfer(&payer.pubkey(), &fresh_address(), 2_000_000);

    // The newest blockhash is not finalized yet.
    let hasty = chain
        .sign(std::slice::from_ref(&instruction), &[&payer])
        .await?;
    let rpc = chain.rpc();
    let refused = refusal(
        rpc.send_transaction_with_config(&hasty, at_finalized).await,
        "a blockhash that is not finalized",
    )?;
    ensure_eq!(
        refused.error,
        TransactionError::BlockhashNotFound,
        "the refusal of a blockhash that is not finalized"
    );

    // Neither is the payer.
    let (blockhash, _) = rpc
        .get_latest_blockhash_with_commitment(CommitmentConfig::finalized())
        .await?;
    let unfunded = Transaction::new_signed_with_payer(
        &[instruction],
        Some(&payer.pubkey()),
        &[&payer],
        blockhash,
    );
    let refused = refusal(
        rpc.send_transaction_with_config(&unfunded, at_finalized)
            .await,
        "a payer that is not finalized",
    )?;
    ensure_eq!(
        refused.error,
        TransactionError::AccountNotFound,
        "the refusal of a payer that is not finalized"
    );
    Ok(())
}

pub(super) async fn duplicate_is_refused(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let receiver = fresh_address();
    let transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &receiver, 2_000_000)],
            &[&payer],
        )
        .await?;
    let rpc = chain.rpc();
    let signature = rpc.send_transaction(&transaction).await?;
    chain
        .landed(&signature, CommitmentConfig::confirmed())
        .await?;

    let refused = refusal(rpc.send_transaction(&transaction).await, "a duplicate")?;
    ensure_eq!(refused.code, PREFLIGHT_FAILURE, "the code of the refusal");
    ensure_eq!(
        refused.error,
        TransactionError::AlreadyProcessed,
        "the refusal of a duplicate"
    );

    // Without preflight the duplicate is taken, as by any node that has not seen it, and ignored.
    let again = chain.send_unchecked(&transaction).await?;
    ensure_eq!(again.signature, signature, "the duplicate's signature");
    ensure_eq!(
        rpc.get_balance(&receiver).await?,
        2_000_000,
        "what the receiver got from two identical transactions"
    );
    Ok(())
}

pub(super) async fn payer_without_account_is_refused(chain: &Chain) -> Outcome {
    let payer = Keypair::new();
    let transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &fresh_address(), 2_000_000)],
            &[&payer],
        )
        .await?;
    let refused = refusal(
        chain.rpc().send_transaction(&transaction).await,
        "a payer without account",
    )?;
    ensure_eq!(
        refused.error,
        TransactionError::AccountNotFound,
        "the refusal of a payer without account"
    );
    ensure_eq!(
        refused.simulation.fee,
        None,
        "the fee of what cannot be part of a block"
    );
    Ok(())
}

pub(super) async fn payer_below_the_rent_minimum_is_refused(chain: &Chain) -> Outcome {
    let rpc = chain.rpc();
    let minimum = rpc.get_minimum_balance_for_rent_exemption(0).await?;
    let payer = chain.wallet(minimum).await?;
    let transaction = chain
        .sign(&[transfer(&payer.pubkey(), &payer.pubkey(), 1)], &[&payer])
        .await?;
    let refused = refusal(
        rpc.send_transaction(&transaction).await,
        "a fee that leaves less than the minimum balance",
    )?;
    ensure_eq!(
        refused.error,
        TransactionError::InsufficientFundsForRent { account_index: 0 },
        "the refusal of a fee that leaves less than the minimum balance"
    );
    Ok(())
}

pub(super) async fn dust_to_a_new_account_is_refused(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let transaction = chain
        .sign(&[transfer(&payer.pubkey(), &fresh_address(), 1)], &[&payer])
        .await?;
    let refused = refusal(
        chain.rpc().send_transaction(&transaction).await,
        "an account below its minimum balance",
    )?;
    ensure_eq!(
        refused.error,
        TransactionError::InsufficientFundsForRent { account_index: 1 },
        "the refusal of an account below its minimum balance"
    );
    Ok(())
}

pub(super) async fn insufficient_lamports_are_refused_with_logs(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &fresh_address(), 200_000_000)],
            &[&payer],
        )
        .await?;
    let refused = refusal(
        chain.rpc().send_transaction(&transaction).await,
        "a transfer above the balance",
    )?;
    ensure_eq!(refused.code, PREFLIGHT_FAILURE, "the code of the refusal");
    // SystemError::ResultWithNegativeLamports
    ensure_eq!(
        refused.error,
        custom_error(0, 1),
        "the refusal of a transfer above the balance"
    );
    ensure_eq!(
        refused.simulation.fee,
        Some(LAMPORTS_PER_SIGNATURE),
        "the fee that it would have cost"
    );
    let logs = refused.simulation.logs.or_fail("the refusal's logs")?;
    ensure!(
        logs.iter()
            .any(|line| line.contains("insufficient lamports")),
        "the logs do not say why: {logs:?}"
    );
    Ok(())
}

pub(super) async fn program_error_is_refused_with_logs(chain: &Chain) -> Outcome {
    let token = Token::create(chain).await?;
    let owner = chain.wallet(50_000_000).await?;
    let from = token.give(chain, &owner.pubkey(), 10).await?;
    let to = token.give(chain, &token.authority.pubkey(), 1).await?;
    let transaction = chain
        .sign(
            &[token.transfer(&from, &to, &owner.pubkey(), 11)?],
            &[&owner],
        )
        .await?;
    let refused = refusal(
        chain.rpc().send_transaction(&transaction).await,
        "a token transfer above the balance",
    )?;
    ensure_eq!(refused.code, PREFLIGHT_FAILURE, "the code of the refusal");
    // TokenError::InsufficientFunds
    ensure_eq!(
        refused.error,
        custom_error(0, 1),
        "the token program's error"
    );
    let logs = refused.simulation.logs.or_fail("the refusal's logs")?;
    let failed = format!(
        "Program {} failed: custom program error: 0x1",
        spl_token_interface::id()
    );
    ensure_eq!(logs.last(), Some(&failed), "the last log line");
    ensure!(
        refused
            .simulation
            .units_consumed
            .is_some_and(|units| units > 0),
        "the refusal does not say how many units were used"
    );
    Ok(())
}

pub(super) async fn garbage_is_refused(chain: &Chain) -> Outcome {
    let rpc = chain.rpc();
    // The largest transaction is 1,232 bytes; 1,644 characters are the longest base64 of that.
    let oversized = "A".repeat(1_648);
    for data in ["", "not base64!", "AAAA", oversized.as_str()] {
        let answer = rpc
            .send::<Value>(
                RpcRequest::SendTransaction,
                json!([data, { "encoding": "base64" }]),
            )
            .await;
        ensure_eq!(
            error_code(answer, "garbage")?,
            INVALID_PARAMS,
            format!("the refusal of {} bytes of garbage", data.len())
        );
    }
    Ok(())
}
