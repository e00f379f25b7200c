//! What became of transactions.

use super::{
    Rpc, add,
    error::{RpcResult, custom, invalid_params},
    level, parse, view, with_context,
};
use crate::{
    LocalnetError,
    chain::{CommitmentSlots, LandedTransaction},
};
use jsonrpsee::{RpcModule, types::Params};
use solana_clock::Slot;
use solana_commitment_config::{CommitmentConfig, CommitmentLevel};
use solana_rpc_client_api::{
    config::{
        RpcEncodingConfigWrapper, RpcSignatureStatusConfig, RpcSignaturesForAddressConfig,
        RpcTransactionConfig,
    },
    custom_error::RpcCustomError,
    request::{
        MAX_GET_CONFIRMED_SIGNATURES_FOR_ADDRESS2_LIMIT, MAX_GET_SIGNATURE_STATUSES_QUERY_ITEMS,
    },
    response::{Response, RpcConfirmedTransactionStatusWithSignature},
};
use solana_signature::Signature;
use solana_transaction_status::{
    ConfirmedTransactionWithStatusMeta, EncodedConfirmedTransactionWithStatusMeta,
    TransactionConfirmationStatus, TransactionStatus, TransactionWithStatusMeta,
    UiTransactionEncoding,
};
use std::sync::Arc;

/// For how many finalized slots a node answers `getSignatureStatuses` without searching its
/// history (`MAX_RECENT_BLOCKHASHES`).
const STATUS_CACHE_SLOTS: u64 = 300;

pub(super) fn register(module: &mut RpcModule<Rpc>) -> Result<(), LocalnetError> {
    add(module, "getSignatureStatuses", signature_statuses)?;
    add(module, "getSignaturesForAddress", signatures_for_address)?;
    add(module, "getTransaction", transaction)
}

fn signature_statuses(
    params: &Params<'_>,
    rpc: &Rpc,
) -> RpcResult<Response<Vec<Option<TransactionStatus>>>> {
    let (signatures, config): (Vec<String>, Option<RpcSignatureStatusConfig>) =
        parse::one_and_config(params)?;
    if signatures.len() > MAX_GET_SIGNATURE_STATUSES_QUERY_ITEMS {
        return Err(invalid_params(format!(
            "Too many inputs provided; max {MAX_GET_SIGNATURE_STATUSES_QUERY_ITEMS}"
        )));
    }
    let signatures = signatures
        .iter()
        .map(|signature| parse::signature(signature))
        .collect::<RpcResult<Vec<_>>>()?;
    let chain = rpc.chain();
    let slots = chain.slots();
    let oldest = if config.is_some_and(|config| config.search_transaction_history) {
        0
    } else {
        slots.finalized.saturating_sub(STATUS_CACHE_SLOTS)
    };
    let view = chain.view(CommitmentLevel::Processed);
    let statuses = signatures
        .iter()
        .map(|signature| {
            view.transaction(signature)
                .filter(|landed| landed.slot >= oldest)
                .map(|landed| status(landed, slots))
        })
        .collect();
    Ok(with_context(view.slot(), statuses))
}

fn status(landed: &LandedTransaction, slots: CommitmentSlots) -> TransactionStatus {
    let confirmation = confirmation(landed.slot, slots);
    let finalized = confirmation == TransactionConfirmationStatus::Finalized;
    let confirmations = slots.processed.saturating_sub(landed.slot);
    TransactionStatus {
        slot: landed.slot,
        confirmations: (!finalized).then(|| usize::try_from(confirmations).unwrap_or(usize::MAX)),
        status: landed.status().clone(),
        err: landed.status().clone().err(),
        confirmation_status: Some(confirmation),
    }
}

fn confirmation(slot: Slot, slots: CommitmentSlots) -> TransactionConfirmationStatus {
    if slot <= slots.finalized {
        TransactionConfirmationStatus::Finalized
    } else if slot <= slots.confirmed {
        TransactionConfirmationStatus::Confirmed
    } else {
        TransactionConfirmationStatus::Processed
    }
}

fn at_least_confirmed(commitment: Option<CommitmentConfig>) -> RpcResult<()> {
    if level(commitment) == CommitmentLevel::Processed {
        return Err(invalid_params(
            "Method does not support commitment below `confirmed`",
        ));
    }
    Ok(())
}

fn transaction(
    params: &Params<'_>,
    rpc: &Rpc,
) -> RpcResult<Option<EncodedConfirmedTransactionWithStatusMeta>> {
    let mut sequence = params.sequence();
    let signature: String = sequence.next()?;
    let config = sequence
        .optional_next::<RpcEncodingConfigWrapper<RpcTransactionConfig>>()?
        .map(|config| config.convert_to_current())
        .unwrap_or_default();
    let signature = parse::signature(&signature)?;
    at_least_confirmed(config.commitment)?;
    let landed = {
        let chain = rpc.chain();
        let found = view(&chain, config.commitment, None)?.transaction(&signature);
        found.map(Arc::clone)
    };
    let Some(landed) = landed else {
        return Ok(None);
    };
    ConfirmedTransactionWithStatusMeta {
        slot: landed.slot,
        tx_with_meta: TransactionWithStatusMeta::Complete(landed.transaction.clone()),
        block_time: Some(landed.block_time),
        index: landed.index,
    }
    .encode(
        config.encoding.unwrap_or(UiTransactionEncoding::Json),
        config.max_supported_transaction_version,
    )
    .map(Some)
    .map_err(|error| custom(RpcCustomError::from(error)))
}

fn signatures_for_address(
    params: &Params<'_>,
    rpc: &Rpc,
) -> RpcResult<Vec<RpcConfirmedTransactionStatusWithSignature>> {
    let (address, config): (String, RpcSignaturesForAddressConfig) = parse::one_and_config(params)?;
    let address = parse::address(&address)?;
    let limit = config
        .limit
        .unwrap_or(MAX_GET_CONFIRMED_SIGNATURES_FOR_ADDRESS2_LIMIT);
    if limit == 0 || limit > MAX_GET_CONFIRMED_SIGNATURES_FOR_ADDRESS2_LIMIT {
        return Err(invalid_params(format!(
            "Invalid limit; max {MAX_GET_CONFIRMED_SIGNATURES_FOR_ADDRESS2_LIMIT}"
        )));
    }
    let bound = |text: Option<String>| text.map(|text| parse::signature(&text)).transpose();
    let (before, until) = (bound(config.before)?, bound(config.until)?);
    at_least_confirmed(config.commitment)?;
    let chain = rpc.chain();
    let view = view(&chain, config.commitment, config.min_context_slot)?;
    for signature in [before, until].into_iter().flatten() {
        if view.transaction(&signature).is_none() {
            return Err(custom(RpcCustomError::FilterTransactionNotFound {
                signature: signature.to_string(),
            }));
        }
    }
    let slots = chain.slots();
    let is = |bound: Option<Signature>, landed: &LandedTransaction| bound == Some(landed.signature);
    // From `before` (excluded), or from the newest, down to `until` (excluded).
    let mut newest_first = chain.transactions().skip_while(|landed| {
        landed.slot > view.slot() || (before.is_some() && !is(before, landed))
    });
    if before.is_some() {
        newest_first.next();
    }
    Ok(newest_first
        .take_while(|landed| !is(until, landed))
        .filter(|landed| landed.account_keys.contains(&address))
        .take(limit)
        .map(|landed| RpcConfirmedTransactionStatusWithSignature {
            signature: landed.signature.to_string(),
            slot: landed.slot,
            err: landed.status().clone().err().map(Into::into),
            memo: landed.memo.clone(),
            block_time: Some(landed.block_time),
            confirmation_status: Some(confirmation(landed.slot, slots)),
            transaction_index: Some(landed.index),
        })
        .collect())
}
