//! Simulation.

use serde_json::{Value, json};
use solana_commitment_config::CommitmentConfig;
use solana_hash::Hash;
use solana_rpc_client_api::{
    config::{
        RpcSimulateTransactionAccountsConfig, RpcSimulateTransactionConfig, UiAccountEncoding,
    },
    response::TransactionError,
};
use solana_signature::Signature;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use solana_transaction::Transaction;
use spl_associated_token_account_interface::instruction::create_associated_token_account;

use super::{INVALID_PARAMS, LAMPORTS_PER_SIGNATURE};
use crate::{
    chain::{Chain, fresh_address},
    failure::{OrFail, Outcome, custom_error, ensure, ensure_eq, error_code},
    token::Token,
};

pub(super) async fn simulation_reports_units_and_logs_and_changes_nothing(
    chain: &Chain,
) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let receiver = fresh_address();
    let transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &receiver, 2_000_000)],
            &[&payer],
        )
        .await?;
    let rpc = chain.rpc();
    let result = rpc.simulate_transaction(&transaction).await?.value;
    ensure_eq!(result.err, None, "the error of a good simulation");
    // The system program charges 150 units for every instruction.
    ensure_eq!(result.units_consumed, Some(150), "the units of a transfer");
    ensure_eq!(
        result.logs.or_fail("the logs")?,
        vec![
            "Program 11111111111111111111111111111111 invoke [1]".to_owned(),
            "Program 11111111111111111111111111111111 success".to_owned(),
        ],
        "the logs of a transfer"
    );
    ensure_eq!(
        rpc.get_balance(&payer.pubkey()).await?,
        100_000_000,
        "the payer's balance after a simulation"
    );
    // The very same transaction can still be sent.
    let signature = rpc.send_transaction(&transaction).await?;
    chain.landed(&signature, rpc.commitment()).await?;
    Ok(())
}

pub(super) async fn simulation_replaces_the_blockhash_on_request(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let transaction = Transaction::new_signed_with_payer(
        &[transfer(&payer.pubkey(), &fresh_address(), 2_000_000)],
        Some(&payer.pubkey()),
        &[&payer],
        Hash::new_unique(),
    );
    let rpc = chain.rpc();
    let refused = rpc.simulate_transaction(&transaction).await?.value;
    ensure_eq!(
        refused.err.map(TransactionError::from),
        Some(TransactionError::BlockhashNotFound),
        "a simulation with an unknown blockhash"
    );

    let config = RpcSimulateTransactionConfig {
        replace_recent_blockhash: true,
        ..at_confirmed()
    };
    let result = rpc
        .simulate_transaction_with_config(&transaction, config)
        .await?
        .value;
    ensure_eq!(result.err, None, "the error with a replaced blockhash");
    let replacement = result
        .replacement_blockhash
        .or_fail("the replacement blockhash")?;
    let hash: Hash = replacement
        .blockhash
        .parse()
        .map_err(crate::failure::Failure::preparation)?;
    ensure!(
        rpc.is_blockhash_valid(&hash, rpc.commitment()).await?,
        "the replacement blockhash is not valid"
    );
    ensure!(
        replacement.last_valid_block_height > rpc.get_block_height().await?,
        "the replacement blockhash is about to expire"
    );
    Ok(())
}

pub(super) async fn simulation_verifies_signatures_on_request_only(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let mut transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &fresh_address(), 2_000_000)],
            &[&payer],
        )
        .await?;
    transaction.signatures = vec![Signature::default()];
    let rpc = chain.rpc();
    let unverified = rpc.simulate_transaction(&transaction).await?.value;
    ensure_eq!(unverified.err, None, "a simulation without a signature");

    let verify = RpcSimulateTransactionConfig {
        sig_verify: true,
        ..at_confirmed()
    };
    let verified = rpc
        .simulate_transaction_with_config(&transaction, verify.clone())
        .await?
        .value;
    ensure_eq!(
        verified.err.map(TransactionError::from),
        Some(TransactionError::SignatureFailure),
        "a verified simulation without a signature"
    );

    let contradiction = RpcSimulateTransactionConfig {
        replace_recent_blockhash: true,
        ..verify
    };
    ensure_eq!(
        error_code(
            rpc.simulate_transaction_with_config(&transaction, contradiction)
                .await,
            "sigVerify with replaceRecentBlockhash"
        )?,
        INVALID_PARAMS,
        "the refusal of sigVerify with replaceRecentBlockhash"
    );
    Ok(())
}

pub(super) async fn simulation_of_a_failure_says_why(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &fresh_address(), 200_000_000)],
            &[&payer],
        )
        .await?;
    let result = chain.rpc().simulate_transaction(&transaction).await?.value;
    ensure_eq!(
        result.err.map(TransactionError::from),
        Some(custom_error(0, 1)),
        "the error of a transfer above the balance"
    );
    let logs = result.logs.or_fail("the logs")?;
    ensure_eq!(
        logs.last().map(String::as_str),
        Some("Program 11111111111111111111111111111111 failed: custom program error: 0x1"),
        "the last log line"
    );
    ensure_eq!(
        result.fee,
        Some(LAMPORTS_PER_SIGNATURE),
        "the fee of a failure"
    );
    ensure_eq!(
        result.post_balances,
        Some(vec![100_000_000 - LAMPORTS_PER_SIGNATURE, 0, 1]),
        "the balances after a failure"
    );
    Ok(())
}

pub(super) async fn simulation_returns_the_accounts_asked_for(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let receiver = fresh_address();
    let transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &receiver, 2_000_000)],
            &[&payer],
        )
        .await?;
    let config = RpcSimulateTransactionConfig {
        accounts: Some(RpcSimulateTransactionAccountsConfig {
            encoding: Some(UiAccountEncoding::Base64),
            addresses: vec![receiver.to_string()],
        }),
        ..at_confirmed()
    };
    let rpc = chain.rpc();
    let result = rpc
        .simulate_transaction_with_config(&transaction, config)
        .await?
        .value;
    let balances: Vec<Option<u64>> = result
        .accounts
        .or_fail("the accounts")?
        .into_iter()
        .map(|account| account.map(|account| account.lamports))
        .collect();
    ensure_eq!(balances, vec![Some(2_000_000)], "the simulated balances");
    ensure_eq!(
        rpc.get_balance(&receiver).await?,
        0,
        "the real balance after a simulation"
    );
    Ok(())
}

pub(super) async fn simulation_shows_inner_instructions_on_request(chain: &Chain) -> Outcome {
    let token = Token::create(chain).await?;
    let owner = fresh_address();
    let transaction = chain
        .sign(
            &[create_associated_token_account(
                &token.authority.pubkey(),
                &owner,
                &token.mint,
                &spl_token_interface::id(),
            )],
            &[&token.authority],
        )
        .await?;
    let rpc = chain.rpc();
    let without = rpc.simulate_transaction(&transaction).await?.value;
    ensure!(
        without.inner_instructions.is_none(),
        "inner instructions came unasked"
    );
    let config = RpcSimulateTransactionConfig {
        inner_instructions: true,
        ..at_confirmed()
    };
    let with = rpc
        .simulate_transaction_with_config(&transaction, config)
        .await?
        .value;
    ensure_eq!(with.err, None, "the error of a good simulation");
    let inner = with.inner_instructions.or_fail("the inner instructions")?;
    let first = inner
        .first()
        .or_fail("the first instruction's inner ones")?;
    ensure_eq!(first.index, 0, "the outer instruction's index");
    ensure!(
        first.instructions.len() >= 3,
        "creating a token account calls other programs {} times",
        first.instructions.len()
    );
    Ok(())
}

pub(super) async fn simulation_refuses_garbage(chain: &Chain) -> Outcome {
    let answer = chain
        .rpc()
        .send::<Value>(
            solana_rpc_client_api::request::RpcRequest::SimulateTransaction,
            json!(["AAAA", { "encoding": "base64" }]),
        )
        .await;
    ensure_eq!(
        error_code(answer, "garbage")?,
        INVALID_PARAMS,
        "the refusal of garbage"
    );
    Ok(())
}

/// Simulates in the confirmed bank; what is not said means the finalized one.
fn at_confirmed() -> RpcSimulateTransactionConfig {
    RpcSimulateTransactionConfig {
        commitment: Some(CommitmentConfig::confirmed()),
        ..RpcSimulateTransactionConfig::default()
    }
}
