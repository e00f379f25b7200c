//! Slots, block heights and blockhashes.

use solana_clock::MAX_PROCESSING_AGE;
use solana_commitment_config::CommitmentConfig;
use solana_hash::Hash;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use solana_transaction::Transaction;
use solana_transaction_error::TransactionError;

use super::LEVELS;
use crate::{
    chain::Chain,
    failure::{Failure, Outcome, ensure, ensure_eq, refusal},
    waiting::eventually,
};

pub(super) async fn slots_are_ordered_by_commitment(chain: &Chain) -> Outcome {
    let rpc = chain.rpc();
    // Asked from the oldest to the newest, the order must hold whatever happens in between.
    let finalized = rpc
        .get_slot_with_commitment(CommitmentConfig::finalized())
        .await?;
    let confirmed = rpc
        .get_slot_with_commitment(CommitmentConfig::confirmed())
        .await?;
    let processed = rpc
        .get_slot_with_commitment(CommitmentConfig::processed())
        .await?;
    ensure!(
        finalized <= confirmed && confirmed <= processed,
        "finalized {finalized}, confirmed {confirmed}, processed {processed}"
    );
    Ok(())
}

pub(super) async fn slots_advance_at_every_commitment(chain: &Chain) -> Outcome {
    for commitment in LEVELS {
        let rpc = chain.rpc_at(commitment);
        let rpc = &rpc;
        let start = rpc.get_slot().await?;
        eventually(chain.slots(16), "a later slot", || async {
            let slot = rpc.get_slot().await?;
            ensure!(slot >= start, "slot {slot} came after slot {start}");
            Ok((slot > start).then_some(()))
        })
        .await?;
    }
    Ok(())
}

pub(super) async fn block_height_advances_below_the_slot(chain: &Chain) -> Outcome {
    let rpc = chain.rpc();
    let rpc = &rpc;
    let start = rpc.get_block_height().await?;
    eventually(chain.slots(16), "a higher block", || async {
        let height = rpc.get_block_height().await?;
        let slot = rpc.get_slot().await?;
        ensure!(height >= start, "height {height} came after {start}");
        ensure!(height <= slot, "block height {height} above slot {slot}");
        Ok((height > start).then_some(()))
    })
    .await
}

pub(super) async fn latest_blockhash_is_valid_for_150_blocks(chain: &Chain) -> Outcome {
    let processing_age = u64::try_from(MAX_PROCESSING_AGE).map_err(Failure::preparation)?;
    for commitment in LEVELS {
        let rpc = chain.rpc_at(commitment);
        let before = rpc.get_block_height().await?;
        let (blockhash, last_valid) = rpc.get_latest_blockhash_with_commitment(commitment).await?;
        let after = rpc.get_block_height().await?;
        ensure!(
            (before + processing_age..=after + processing_age).contains(&last_valid),
            "last valid height {last_valid} for a blockhash got between {before} and {after}"
        );
        ensure!(
            rpc.is_blockhash_valid(&blockhash, commitment).await?,
            "the newest blockhash at {commitment:?} is not valid"
        );
    }
    Ok(())
}

pub(super) async fn unknown_blockhash_is_not_valid(chain: &Chain) -> Outcome {
    let rpc = chain.rpc();
    let unknown = Hash::new_unique();
    for commitment in LEVELS {
        ensure!(
            !rpc.is_blockhash_valid(&unknown, commitment).await?,
            "a blockhash that no block has is valid at {commitment:?}"
        );
    }
    Ok(())
}

pub(super) async fn blockhash_expires_after_its_last_valid_height(chain: &Chain) -> Outcome {
    let payer = chain.wallet(10_000_000).await?;
    let rpc = chain.rpc();
    let rpc = &rpc;
    let confirmed = CommitmentConfig::confirmed();
    let (blockhash, last_valid) = rpc.get_latest_blockhash_with_commitment(confirmed).await?;
    eventually(chain.slots(400), "a blockhash's expiry", || async {
        // Asked in this order, a block in between cannot make a right answer look wrong.
        let before = rpc.get_block_height().await?;
        let valid = rpc.is_blockhash_valid(&blockhash, confirmed).await?;
        let after = rpc.get_block_height().await?;
        ensure!(
            valid || after > last_valid,
            "expired at height {after}, promised until {last_valid}"
        );
        ensure!(
            !valid || before <= last_valid,
            "still valid at height {before}, promised until {last_valid}"
        );
        Ok((!valid).then_some(()))
    })
    .await?;

    let late = Transaction::new_signed_with_payer(
        &[transfer(&payer.pubkey(), &payer.pubkey(), 1)],
        Some(&payer.pubkey()),
        &[&payer],
        blockhash,
    );
    let refused = refusal(
        rpc.send_transaction(&late).await,
        "a transaction with an expired blockhash",
    )?;
    ensure_eq!(
        refused.error,
        TransactionError::BlockhashNotFound,
        "the refusal of an expired blockhash"
    );
    Ok(())
}

pub(super) async fn block_time_is_known_for_a_confirmed_slot(chain: &Chain) -> Outcome {
    let rpc = chain.rpc_at(CommitmentConfig::finalized());
    let rpc = &rpc;
    // A slot may be skipped on a cluster, so the newest finalized one is asked anew each time.
    let (slot, time) = eventually(chain.slots(64), "a block time", || async {
        let slot = rpc.get_slot().await?;
        Ok(rpc.get_block_time(slot).await.ok().map(|time| (slot, time)))
    })
    .await?;
    ensure!(time > 0, "slot {slot} has the time {time}");
    Ok(())
}
