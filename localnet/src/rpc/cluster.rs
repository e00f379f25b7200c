//! Slots, blocks and blockhashes, and what the node says about itself.

use super::{
    Rpc, add,
    error::{RpcResult, custom, invalid_params},
    parse, view_of, with_context,
};
use crate::{LocalnetError, devnet};
use jsonrpsee::{RpcModule, types::Params};
use solana_clock::{Slot, UnixTimestamp};
use solana_commitment_config::CommitmentLevel;
use solana_epoch_schedule::EpochSchedule;
use solana_hash::Hash;
use solana_rpc_client_api::{
    config::{RpcBlocksConfigWrapper, RpcContextConfig},
    custom_error::RpcCustomError,
    request::MAX_GET_CONFIRMED_BLOCKS_RANGE,
    response::{
        Response, RpcApiVersion, RpcBlockhash, RpcIdentity, RpcPrioritizationFee, RpcVersionInfo,
    },
};
use std::str::FromStr;

/// The most accounts that `getRecentPrioritizationFees` takes (`MAX_TX_ACCOUNT_LOCKS`).
const MAX_FEE_ACCOUNTS: usize = 128;

pub(super) fn register(module: &mut RpcModule<Rpc>) -> Result<(), LocalnetError> {
    add(module, "getLatestBlockhash", latest_blockhash)?;
    add(module, "isBlockhashValid", is_blockhash_valid)?;
    add(module, "getSlot", slot)?;
    add(module, "getBlockHeight", block_height)?;
    add(module, "getBlockTime", block_time)?;
    add(module, "getBlocks", blocks)?;
    add(module, "getFirstAvailableBlock", first_available_block)?;
    add(module, "minimumLedgerSlot", first_available_block)?;
    add(module, "getEpochInfo", epoch_info)?;
    add(module, "getEpochSchedule", epoch_schedule)?;
    add(module, "getTransactionCount", transaction_count)?;
    add(module, "getRecentPrioritizationFees", prioritization_fees)?;
    add(module, "getHealth", health)?;
    add(module, "getVersion", version)?;
    add(module, "getIdentity", identity)?;
    add(module, "getGenesisHash", genesis_hash)
}

fn latest_blockhash(params: &Params<'_>, rpc: &Rpc) -> RpcResult<Response<RpcBlockhash>> {
    let config: RpcContextConfig = parse::only_config(params)?;
    let chain = rpc.chain();
    let view = view_of(&chain, config)?;
    let (blockhash, last_valid_block_height) = view.latest_blockhash();
    Ok(with_context(
        view.slot(),
        RpcBlockhash {
            blockhash: blockhash.to_string(),
            last_valid_block_height,
        },
    ))
}

fn is_blockhash_valid(params: &Params<'_>, rpc: &Rpc) -> RpcResult<Response<bool>> {
    let (blockhash, config): (String, RpcContextConfig) = parse::one_and_config(params)?;
    let blockhash =
        Hash::from_str(&blockhash).map_err(|error| invalid_params(format!("{error:?}")))?;
    let chain = rpc.chain();
    let view = view_of(&chain, config)?;
    Ok(with_context(
        view.slot(),
        view.is_blockhash_valid(&blockhash),
    ))
}

fn slot(params: &Params<'_>, rpc: &Rpc) -> RpcResult<Slot> {
    let config: RpcContextConfig = parse::only_config(params)?;
    let chain = rpc.chain();
    Ok(view_of(&chain, config)?.slot())
}

fn block_height(params: &Params<'_>, rpc: &Rpc) -> RpcResult<u64> {
    let config: RpcContextConfig = parse::only_config(params)?;
    let chain = rpc.chain();
    Ok(view_of(&chain, config)?.block_height())
}

fn block_time(params: &Params<'_>, rpc: &Rpc) -> RpcResult<Option<UnixTimestamp>> {
    let (slot, ()): (Slot, ()) = parse::one_and_config(params)?;
    let chain = rpc.chain();
    let first_available_block = chain.first_block();
    if slot < first_available_block {
        return Err(custom(RpcCustomError::BlockCleanedUp {
            slot,
            first_available_block,
        }));
    }
    chain
        .block_time(slot)
        .map(Some)
        .ok_or_else(|| custom(RpcCustomError::BlockNotAvailable { slot }))
}

fn blocks(params: &Params<'_>, rpc: &Rpc) -> RpcResult<Vec<Slot>> {
    let mut sequence = params.sequence();
    let start: Slot = sequence.next()?;
    let (end, config) = sequence
        .optional_next::<RpcBlocksConfigWrapper>()?
        .map(|wrapper| wrapper.unzip())
        .unwrap_or_default();
    let config = sequence
        .optional_next::<RpcContextConfig>()?
        .or(config)
        .unwrap_or_default();
    if super::level(config.commitment) == CommitmentLevel::Processed {
        return Err(invalid_params(
            "Method does not support commitment below `confirmed`",
        ));
    }
    let chain = rpc.chain();
    let newest = view_of(&chain, config)?.slot();
    let end = end
        .unwrap_or_else(|| start.saturating_add(MAX_GET_CONFIRMED_BLOCKS_RANGE))
        .min(newest);
    if end.saturating_sub(start) > MAX_GET_CONFIRMED_BLOCKS_RANGE {
        return Err(invalid_params(format!(
            "Slot range too large; max {MAX_GET_CONFIRMED_BLOCKS_RANGE}"
        )));
    }
    Ok((start.max(chain.first_block())..=end).collect())
}

fn first_available_block(_: &Params<'_>, rpc: &Rpc) -> RpcResult<Slot> {
    Ok(rpc.chain().first_block())
}

/// `getEpochInfo`'s answer. The type of the client crates is in a crate of its own.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct EpochInfo {
    epoch: u64,
    slot_index: u64,
    slots_in_epoch: u64,
    absolute_slot: Slot,
    block_height: u64,
    transaction_count: Option<u64>,
}

fn epoch_info(params: &Params<'_>, rpc: &Rpc) -> RpcResult<EpochInfo> {
    let config: RpcContextConfig = parse::only_config(params)?;
    let chain = rpc.chain();
    let view = view_of(&chain, config)?;
    let schedule = view.epoch_schedule();
    let (epoch, slot_index) = schedule.get_epoch_and_slot_index(view.slot());
    Ok(EpochInfo {
        epoch,
        slot_index,
        slots_in_epoch: schedule.get_slots_in_epoch(epoch),
        absolute_slot: view.slot(),
        block_height: view.block_height(),
        transaction_count: Some(view.transaction_count()),
    })
}

fn epoch_schedule(_: &Params<'_>, rpc: &Rpc) -> RpcResult<EpochSchedule> {
    Ok(rpc
        .chain()
        .view(CommitmentLevel::Finalized)
        .epoch_schedule())
}

fn transaction_count(params: &Params<'_>, rpc: &Rpc) -> RpcResult<u64> {
    let config: RpcContextConfig = parse::only_config(params)?;
    let chain = rpc.chain();
    Ok(view_of(&chain, config)?.transaction_count())
}

/// The lowest prices that got a transaction into each of the last 150 blocks; blocks without
/// transactions have none. Blocks of the local chain are never full, so paying nothing does.
fn prioritization_fees(params: &Params<'_>, rpc: &Rpc) -> RpcResult<Vec<RpcPrioritizationFee>> {
    let accounts: Vec<String> = parse::only_config(params)?;
    if accounts.len() > MAX_FEE_ACCOUNTS {
        return Err(invalid_params(format!(
            "Too many inputs provided; max {MAX_FEE_ACCOUNTS}"
        )));
    }
    let accounts = accounts
        .iter()
        .map(|account| parse::address(account))
        .collect::<RpcResult<Vec<_>>>()?;
    let chain = rpc.chain();
    let prices = chain
        .view(CommitmentLevel::Confirmed)
        .compute_unit_prices(&accounts);
    Ok(prices
        .into_iter()
        .map(|(slot, prioritization_fee)| RpcPrioritizationFee {
            slot,
            prioritization_fee,
        })
        .collect())
}

fn health(_: &Params<'_>, _: &Rpc) -> RpcResult<&'static str> {
    Ok("ok")
}

fn version(_: &Params<'_>, _: &Rpc) -> RpcResult<RpcVersionInfo> {
    Ok(RpcVersionInfo {
        solana_core: RpcApiVersion::default().to_string(),
        feature_set: Some(solana_version::Version::default().feature_set()),
    })
}

fn identity(_: &Params<'_>, _: &Rpc) -> RpcResult<RpcIdentity> {
    Ok(RpcIdentity {
        identity: devnet::validator_identity().to_string(),
    })
}

fn genesis_hash(_: &Params<'_>, rpc: &Rpc) -> RpcResult<String> {
    Ok(rpc.chain().genesis_hash().to_string())
}
