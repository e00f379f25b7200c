//! Transactions of the past.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use solana_commitment_config::CommitmentConfig;
use solana_message::{VersionedMessage, v0};
use solana_pubkey::Pubkey;
use solana_rpc_client::rpc_client::GetConfirmedSignaturesForAddress2Config;
use solana_rpc_client_api::{
    config::{RpcTransactionConfig, UiTransactionEncoding},
    custom_error::JSON_RPC_SERVER_ERROR_UNSUPPORTED_TRANSACTION_VERSION as UNSUPPORTED_VERSION,
    request::RpcRequest,
    response::{OptionSerializer, TransactionError},
};
use solana_signature::Signature;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_status_client_types::{
    EncodedConfirmedTransactionWithStatusMeta, EncodedTransaction, UiTransactionStatusMeta,
    UiTransactionTokenBalance,
};

use super::{INVALID_PARAMS, LAMPORTS_PER_SIGNATURE};
use crate::{
    chain::{Chain, fresh_address, fresh_signature},
    failure::{Failure, OrFail, Outcome, custom_error, ensure, ensure_eq, error_code},
    token::Token,
    waiting::eventually,
};

pub(super) async fn transaction_reports_fee_balances_and_logs(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let receiver = fresh_address();
    let landed = chain
        .send(
            &[transfer(&payer.pubkey(), &receiver, 2_000_000)],
            &[&payer],
        )
        .await?;
    let found = transaction(chain, &landed.signature, UiTransactionEncoding::Base64).await?;
    ensure_eq!(found.slot, landed.slot, "the slot");
    ensure!(
        found.block_time.is_some_and(|time| time > 0),
        "the block time is {:?}",
        found.block_time
    );
    let decoded = found
        .transaction
        .transaction
        .decode()
        .or_fail("the transaction itself")?;
    ensure_eq!(
        decoded.signatures,
        vec![landed.signature],
        "the transaction's signatures"
    );
    let meta = found.transaction.meta.or_fail("the meta data")?;
    ensure_eq!(meta.err, None, "the error");
    ensure_eq!(meta.status, Ok(()), "the older form of the status");
    ensure_eq!(meta.fee, LAMPORTS_PER_SIGNATURE, "the fee");
    ensure_eq!(
        meta.pre_balances,
        vec![100_000_000, 0, 1],
        "the balances before"
    );
    ensure_eq!(
        meta.post_balances,
        vec![98_000_000 - LAMPORTS_PER_SIGNATURE, 2_000_000, 1],
        "the balances after"
    );
    ensure_eq!(
        meta.log_messages,
        OptionSerializer::Some(vec![
            "Program 11111111111111111111111111111111 invoke [1]".to_owned(),
            "Program 11111111111111111111111111111111 success".to_owned(),
        ]),
        "the logs"
    );
    ensure_eq!(
        meta.compute_units_consumed,
        OptionSerializer::Some(150),
        "the compute units"
    );
    Ok(())
}

pub(super) async fn transaction_reports_token_balances(chain: &Chain) -> Outcome {
    let token = Token::create(chain).await?;
    let owner = chain.wallet(50_000_000).await?;
    let from = token.give(chain, &owner.pubkey(), 1_000).await?;
    let to = token.give(chain, &token.authority.pubkey(), 1).await?;
    let landed = token.send(chain, &owner, &from, &to, 400).await?;
    let meta = meta(chain, &landed.signature).await?;
    ensure_eq!(
        amounts(&meta.pre_token_balances, &token.mint)?,
        BTreeMap::from([
            (owner.pubkey().to_string(), "1000".to_owned()),
            (token.authority.pubkey().to_string(), "1".to_owned())
        ]),
        "the token balances before"
    );
    ensure_eq!(
        amounts(&meta.post_token_balances, &token.mint)?,
        BTreeMap::from([
            (owner.pubkey().to_string(), "600".to_owned()),
            (token.authority.pubkey().to_string(), "401".to_owned())
        ]),
        "the token balances after"
    );
    Ok(())
}

pub(super) async fn transaction_reports_inner_instructions(chain: &Chain) -> Outcome {
    let token = Token::create(chain).await?;
    let account = token.give(chain, &fresh_address(), 1).await?;
    let signatures = chain
        .rpc()
        .get_signatures_for_address_with_config(
            &account,
            GetConfirmedSignaturesForAddress2Config {
                commitment: Some(CommitmentConfig::confirmed()),
                ..GetConfirmedSignaturesForAddress2Config::default()
            },
        )
        .await?;
    let signature: Signature = signatures
        .first()
        .or_fail("the signature that created the account")?
        .signature
        .parse()
        .map_err(Failure::preparation)?;
    let meta = meta(chain, &signature).await?;
    let OptionSerializer::Some(inner) = meta.inner_instructions else {
        return Err(Failure::expectation("the inner instructions are missing"));
    };
    let first = inner
        .iter()
        .find(|group| group.index == 0)
        .or_fail("the inner instructions of the first instruction")?;
    ensure!(
        first.instructions.len() >= 3,
        "creating a token account calls other programs {} times",
        first.instructions.len()
    );
    Ok(())
}

pub(super) async fn transaction_of_a_failure_reports_its_error(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let failing = chain
        .sign(
            &[transfer(&payer.pubkey(), &fresh_address(), 200_000_000)],
            &[&payer],
        )
        .await?;
    let landed = chain.send_unchecked(&failing).await?;
    let meta = meta(chain, &landed.signature).await?;
    ensure_eq!(
        meta.err.map(TransactionError::from),
        Some(custom_error(0, 1)),
        "the error"
    );
    ensure_eq!(meta.fee, LAMPORTS_PER_SIGNATURE, "the fee of a failure");
    ensure_eq!(
        meta.post_balances.first(),
        Some(&(100_000_000 - LAMPORTS_PER_SIGNATURE)),
        "the payer's balance after a failure"
    );
    Ok(())
}

pub(super) async fn transaction_comes_in_every_encoding(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let landed = chain.small_transfer(&payer).await?;
    for encoding in [
        UiTransactionEncoding::Json,
        UiTransactionEncoding::JsonParsed,
        UiTransactionEncoding::Base64,
        UiTransactionEncoding::Base58,
    ] {
        let found = transaction(chain, &landed.signature, encoding).await?;
        let fits = match (&found.transaction.transaction, encoding) {
            (
                EncodedTransaction::Json(json),
                UiTransactionEncoding::Json | UiTransactionEncoding::JsonParsed,
            ) => json.signatures == vec![landed.signature.to_string()],
            (
                EncodedTransaction::Binary(..),
                UiTransactionEncoding::Base64 | UiTransactionEncoding::Base58,
            ) => found.transaction.transaction.decode().is_some(),
            _ => false,
        };
        ensure!(
            fits,
            "{encoding:?} was answered with {:?}",
            found.transaction.transaction
        );
    }
    // The parsed form names the program and its instruction.
    let parsed = chain
        .rpc()
        .send::<Value>(
            RpcRequest::GetTransaction,
            json!([landed.signature.to_string(), { "encoding": "jsonParsed", "commitment": "confirmed" }]),
        )
        .await?;
    let instruction = parsed
        .pointer("/transaction/message/instructions/0")
        .or_fail("the parsed instruction")?;
    ensure_eq!(
        instruction.pointer("/program"),
        Some(&json!("system")),
        "the parsed program"
    );
    ensure_eq!(
        instruction.pointer("/parsed/type"),
        Some(&json!("transfer")),
        "the parsed instruction"
    );
    ensure_eq!(
        instruction.pointer("/parsed/info/lamports"),
        Some(&json!(2_000_000)),
        "the parsed lamports"
    );
    Ok(())
}

pub(super) async fn versioned_transaction_is_told_only_to_who_understands_it(
    chain: &Chain,
) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let rpc = chain.rpc();
    let message = v0::Message::try_compile(
        &payer.pubkey(),
        &[transfer(&payer.pubkey(), &fresh_address(), 2_000_000)],
        &[],
        rpc.get_latest_blockhash().await?,
    )
    .map_err(Failure::preparation)?;
    let versioned = VersionedTransaction::try_new(VersionedMessage::V0(message), &[&payer])
        .map_err(Failure::preparation)?;
    let signature = rpc.send_transaction(&versioned).await?;
    chain
        .landed(&signature, CommitmentConfig::confirmed())
        .await?;

    let ignorant = RpcTransactionConfig {
        max_supported_transaction_version: None,
        ..config(UiTransactionEncoding::Base64)
    };
    let answer = rpc.get_transaction_with_config(&signature, ignorant).await;
    ensure_eq!(
        error_code(answer, "a v0 transaction for a reader of legacy ones")?,
        UNSUPPORTED_VERSION,
        "the refusal of a version that the reader does not know"
    );
    let found = transaction(chain, &signature, UiTransactionEncoding::Base64).await?;
    ensure_eq!(
        found.transaction.version,
        Some(solana_transaction::versioned::TransactionVersion::Number(0)),
        "the version"
    );
    Ok(())
}

pub(super) async fn unknown_transaction_is_null(chain: &Chain) -> Outcome {
    let answer = chain
        .rpc()
        .send::<Option<EncodedConfirmedTransactionWithStatusMeta>>(
            RpcRequest::GetTransaction,
            json!([
                fresh_signature().to_string(),
                config(UiTransactionEncoding::Base64)
            ]),
        )
        .await?;
    ensure!(answer.is_none(), "an unknown transaction was found");
    Ok(())
}

pub(super) async fn transactions_start_at_confirmed(chain: &Chain) -> Outcome {
    let at_processed = RpcTransactionConfig {
        commitment: Some(CommitmentConfig::processed()),
        ..config(UiTransactionEncoding::Base64)
    };
    let answer = chain
        .rpc()
        .get_transaction_with_config(&fresh_signature(), at_processed)
        .await;
    ensure_eq!(
        error_code(answer, "a transaction at processed")?,
        INVALID_PARAMS,
        "the refusal of a transaction at processed"
    );
    Ok(())
}

/// Reads a confirmed transaction. A node indexes it shortly after it confirms it.
async fn transaction(
    chain: &Chain,
    signature: &Signature,
    encoding: UiTransactionEncoding,
) -> Outcome<EncodedConfirmedTransactionWithStatusMeta> {
    let rpc = chain.rpc();
    let rpc = &rpc;
    eventually(chain.slots(16), "a transaction in the history", || async {
        Ok(rpc
            .send::<Option<EncodedConfirmedTransactionWithStatusMeta>>(
                RpcRequest::GetTransaction,
                json!([signature.to_string(), config(encoding)]),
            )
            .await?)
    })
    .await
}

/// Reads the meta data of a confirmed transaction.
async fn meta(chain: &Chain, signature: &Signature) -> Outcome<UiTransactionStatusMeta> {
    transaction(chain, signature, UiTransactionEncoding::Base64)
        .await?
        .transaction
        .meta
        .or_fail("the meta data")
}

/// Asks at `confirmed` for any version.
fn config(encoding: UiTransactionEncoding) -> RpcTransactionConfig {
    RpcTransactionConfig {
        encoding: Some(encoding),
        commitment: Some(CommitmentConfig::confirmed()),
        max_supported_transaction_version: Some(0),
    }
}

/// Owners and amounts in base units of one mint's token balances.
fn amounts(
    balances: &OptionSerializer<Vec<UiTransactionTokenBalance>>,
    mint: &Pubkey,
) -> Outcome<BTreeMap<String, String>> {
    let OptionSerializer::Some(balances) = balances else {
        return Err(Failure::expectation("the token balances are missing"));
    };
    let mut found = BTreeMap::new();
    for balance in balances {
        ensure_eq!(balance.mint, mint.to_string(), "the balance's mint");
        let OptionSerializer::Some(owner) = &balance.owner else {
            return Err(Failure::expectation("a token balance has no owner"));
        };
        found.insert(owner.clone(), balance.ui_token_amount.amount.clone());
    }
    Ok(found)
}
