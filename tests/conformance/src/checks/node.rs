//! What a node says about itself.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use solana_clock::Clock;
use solana_commitment_config::CommitmentConfig;
use solana_hash::Hash;
use solana_pubkey::Pubkey;
use solana_rent::Rent;
use solana_rpc_client_api::request::RpcRequest;
use solana_sdk_ids::sysvar;

use super::METHOD_NOT_FOUND;
use crate::{
    chain::Chain,
    failure::{Failure, OrFail, Outcome, ensure, ensure_eq, error_code},
};

/// How far chain time may be from this machine's time. A cluster corrects its clock by at most
/// 25 % (fast) or 150 % (slow) of the time since the epoch's start; a fresh chain stays close.
const CLOCK_TOLERANCE_SECONDS: u64 = 60;

pub(super) async fn health_is_ok(chain: &Chain) -> Outcome {
    chain.rpc().get_health().await?;
    Ok(())
}

pub(super) async fn version_names_core_and_feature_set(chain: &Chain) -> Outcome {
    let version = chain.rpc().get_version().await?;
    let mut parts = version.solana_core.split('.');
    let major: u32 = parts
        .next()
        .and_then(|part| part.parse().ok())
        .or_fail("the major version number")?;
    ensure!(
        major >= 1,
        "solana-core {} is no release",
        version.solana_core
    );
    ensure_eq!(parts.count(), 2, "the numbers after the major version");
    version.feature_set.or_fail("the feature set")?;
    Ok(())
}

pub(super) async fn genesis_hash_never_changes(chain: &Chain) -> Outcome {
    let first = chain.rpc().get_genesis_hash().await?;
    let second = chain.rpc().get_genesis_hash().await?;
    ensure!(first != Hash::default(), "the genesis hash is all zeros");
    ensure_eq!(second, first, "the genesis hash, asked a second time");
    Ok(())
}

pub(super) async fn identity_is_an_address(chain: &Chain) -> Outcome {
    let identity = chain.rpc().get_identity().await?;
    ensure!(
        identity != Pubkey::default(),
        "the identity is the system program"
    );
    ensure_eq!(
        chain.rpc().get_identity().await?,
        identity,
        "the identity, asked a second time"
    );
    Ok(())
}

pub(super) async fn unknown_method_is_refused(chain: &Chain) -> Outcome {
    let request = RpcRequest::Custom {
        method: "getNothingAtAll",
    };
    let answer = chain.rpc().send::<Value>(request, json!([])).await;
    ensure_eq!(
        error_code(answer, "an unknown method")?,
        METHOD_NOT_FOUND,
        "the refusal of an unknown method"
    );
    Ok(())
}

pub(super) async fn epoch_info_is_consistent(chain: &Chain) -> Outcome {
    let rpc = chain.rpc();
    let before = rpc.get_slot().await?;
    let info = rpc.get_epoch_info().await?;
    let after = rpc.get_slot().await?;
    ensure!(
        (before..=after).contains(&info.absolute_slot),
        "the epoch's slot {} is not within {before}..={after}",
        info.absolute_slot
    );
    ensure!(
        info.slot_index < info.slots_in_epoch,
        "slot index {} in an epoch of {} slots",
        info.slot_index,
        info.slots_in_epoch
    );
    ensure!(
        info.block_height <= info.absolute_slot,
        "block height {} above slot {}",
        info.block_height,
        info.absolute_slot
    );
    Ok(())
}

pub(super) async fn minimum_rent_is_the_clusters(chain: &Chain) -> Outcome {
    let rpc = chain.rpc();
    // The program asks for the same numbers through the Rent sysvar.
    for bytes in [0, 1, 82, 165, 10_240] {
        ensure_eq!(
            rpc.get_minimum_balance_for_rent_exemption(bytes).await?,
            Rent::default().minimum_balance(bytes),
            format!("the minimum balance of {bytes} bytes")
        );
    }
    Ok(())
}

pub(super) async fn clock_sysvar_follows_real_time(chain: &Chain) -> Outcome {
    let rpc = chain.rpc_at(CommitmentConfig::processed());
    let before = rpc.get_slot().await?;
    let account = rpc.get_account(&sysvar::clock::id()).await?;
    ensure_eq!(account.owner, sysvar::id(), "the owner of the clock");
    let clock = decode_clock(&account.data)?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(Failure::preparation)?
        .as_secs();
    let chain_time = u64::try_from(clock.unix_timestamp).map_err(Failure::preparation)?;
    ensure!(
        chain_time.abs_diff(now) <= CLOCK_TOLERANCE_SECONDS,
        "chain time {chain_time} is {} seconds from real time",
        chain_time.abs_diff(now)
    );
    ensure!(
        clock.slot >= before,
        "the clock's slot {} is older than slot {before}, which was already there",
        clock.slot
    );
    Ok(())
}

/// Reads the five little-endian fields of the clock.
fn decode_clock(data: &[u8]) -> Outcome<Clock> {
    let field = |index: usize| -> Outcome<[u8; 8]> {
        data.get(index * 8..)
            .and_then(|rest| rest.first_chunk::<8>())
            .copied()
            .or_fail("a field of the clock")
    };
    ensure_eq!(data.len(), 40, "the size of the clock");
    Ok(Clock {
        slot: u64::from_le_bytes(field(0)?),
        epoch_start_timestamp: i64::from_le_bytes(field(1)?),
        epoch: u64::from_le_bytes(field(2)?),
        leader_schedule_epoch: u64::from_le_bytes(field(3)?),
        unix_timestamp: i64::from_le_bytes(field(4)?),
    })
}
