//! `minContextSlot`: a node that is behind says so instead of answering from the past.

use serde_json::{Value, json};
use solana_rpc_client_api::{
    custom_error::JSON_RPC_SERVER_ERROR_MIN_CONTEXT_SLOT_NOT_REACHED as NOT_REACHED,
    request::RpcRequest,
};
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;

use crate::{
    chain::{Chain, fresh_address, without_preflight},
    failure::{Outcome, ensure, ensure_eq, error_code},
};

/// Far enough in the future that no check can take as long.
const FUTURE_SLOTS: u64 = 1_000_000;

pub(super) async fn future_context_slot_is_refused(chain: &Chain) -> Outcome {
    let rpc = chain.rpc();
    let future = rpc.get_slot().await? + FUTURE_SLOTS;
    for (request, parameters) in requests(future) {
        ensure_eq!(
            error_code(
                rpc.send::<Value>(request, parameters).await,
                &format!("{request} in the future")
            )?,
            NOT_REACHED,
            format!("the refusal of {request} in the future")
        );
    }
    Ok(())
}

pub(super) async fn reached_context_slot_is_served(chain: &Chain) -> Outcome {
    let rpc = chain.rpc();
    let reached = rpc.get_slot().await?;
    for (request, parameters) in requests(reached) {
        let answer = rpc.send::<Value>(request, parameters).await?;
        if let Some(slot) = answer.pointer("/context/slot").and_then(Value::as_u64) {
            ensure!(
                slot >= reached,
                "{request} answered from slot {slot}, {reached} was asked for"
            );
        }
    }
    Ok(())
}

pub(super) async fn sending_in_the_future_is_refused(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    let receiver = fresh_address();
    let transaction = chain
        .sign(
            &[transfer(&payer.pubkey(), &receiver, 2_000_000)],
            &[&payer],
        )
        .await?;
    let rpc = chain.rpc();
    let future = rpc.get_slot().await? + FUTURE_SLOTS;
    for skip_preflight in [false, true] {
        let config = solana_rpc_client_api::config::RpcSendTransactionConfig {
            skip_preflight,
            min_context_slot: Some(future),
            ..without_preflight()
        };
        ensure_eq!(
            error_code(
                rpc.send_transaction_with_config(&transaction, config).await,
                "sending in the future"
            )?,
            NOT_REACHED,
            format!("the refusal of sending in the future (skip_preflight {skip_preflight})")
        );
    }
    Ok(())
}

/// Every request of the clients that takes `minContextSlot`, at `confirmed`.
fn requests(slot: u64) -> Vec<(RpcRequest, Value)> {
    let address = fresh_address().to_string();
    let token = spl_token_interface::id().to_string();
    let config = json!({ "commitment": "confirmed", "minContextSlot": slot });
    let mut filtered = config.clone();
    if let Some(object) = filtered.as_object_mut() {
        object.insert("encoding".to_owned(), json!("base64"));
        object.insert("filters".to_owned(), json!([{ "dataSize": 1 }]));
        object.insert("withContext".to_owned(), json!(true));
    }
    vec![
        (RpcRequest::GetAccountInfo, json!([address, config])),
        (RpcRequest::GetBalance, json!([address, config])),
        (RpcRequest::GetMultipleAccounts, json!([[address], config])),
        (RpcRequest::GetProgramAccounts, json!([token, filtered])),
        (RpcRequest::GetLatestBlockhash, json!([config])),
        (RpcRequest::GetSlot, json!([config])),
        (RpcRequest::GetBlockHeight, json!([config])),
        (RpcRequest::GetEpochInfo, json!([config])),
        (
            RpcRequest::GetSignaturesForAddress,
            json!([address, config]),
        ),
    ]
}
