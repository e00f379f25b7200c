//! What a transaction costs.

use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_hash::Hash;
use solana_message::Message;
use solana_rpc_client_api::client_error::ErrorKind;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;

use super::LAMPORTS_PER_SIGNATURE;
use crate::{
    chain::{Chain, fresh_address},
    failure::{Failure, Outcome, ensure, ensure_eq},
    waiting::eventually,
};

pub(super) async fn fee_counts_signatures_and_priority(chain: &Chain) -> Outcome {
    let rpc = chain.rpc();
    let payer = fresh_address();
    let second = fresh_address();
    let blockhash = rpc.get_latest_blockhash().await?;
    let plain = Message::new_with_blockhash(
        &[transfer(&payer, &fresh_address(), 1)],
        Some(&payer),
        &blockhash,
    );
    ensure_eq!(
        rpc.get_fee_for_message(&plain).await?,
        LAMPORTS_PER_SIGNATURE,
        "the fee of one signature"
    );
    let two = Message::new_with_blockhash(
        &[transfer(&second, &fresh_address(), 1)],
        Some(&payer),
        &blockhash,
    );
    ensure_eq!(
        rpc.get_fee_for_message(&two).await?,
        2 * LAMPORTS_PER_SIGNATURE,
        "the fee of two signatures"
    );
    // 1,000,000 micro-lamports are one lamport: 10,000 units at 500,000 cost 5,000 lamports.
    let hurried = Message::new_with_blockhash(
        &[
            ComputeBudgetInstruction::set_compute_unit_limit(10_000),
            ComputeBudgetInstruction::set_compute_unit_price(500_000),
            transfer(&payer, &fresh_address(), 1),
        ],
        Some(&payer),
        &blockhash,
    );
    ensure_eq!(
        rpc.get_fee_for_message(&hurried).await?,
        LAMPORTS_PER_SIGNATURE + 5_000,
        "the fee with priority"
    );
    Ok(())
}

pub(super) async fn fee_with_an_unknown_blockhash_is_unknown(chain: &Chain) -> Outcome {
    let payer = fresh_address();
    let message = Message::new_with_blockhash(
        &[transfer(&payer, &fresh_address(), 1)],
        Some(&payer),
        &Hash::new_unique(),
    );
    match chain.rpc().get_fee_for_message(&message).await {
        Ok(fee) => Err(Failure::expectation(format!(
            "a message that no block takes costs {fee}"
        ))),
        // The client's word for an answer without a fee.
        Err(error) => match error.kind() {
            ErrorKind::Custom(reason) if reason == "Invalid blockhash" => Ok(()),
            _ => Err(error.into()),
        },
    }
}

pub(super) async fn priority_fee_is_paid(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    chain
        .send(
            &[
                ComputeBudgetInstruction::set_compute_unit_limit(10_000),
                ComputeBudgetInstruction::set_compute_unit_price(500_000),
                transfer(&payer.pubkey(), &fresh_address(), 2_000_000),
            ],
            &[&payer],
        )
        .await?;
    ensure_eq!(
        chain.rpc().get_balance(&payer.pubkey()).await?,
        98_000_000 - LAMPORTS_PER_SIGNATURE - 5_000,
        "what the payer keeps"
    );
    Ok(())
}

pub(super) async fn recent_prioritization_fees_name_what_an_account_cost(chain: &Chain) -> Outcome {
    let payer = chain.wallet(100_000_000).await?;
    // With this limit the fee is a whole number of lamports, from which the node computes the
    // price again.
    let price = 300_000;
    let landed = chain
        .send(
            &[
                ComputeBudgetInstruction::set_compute_unit_limit(10_000),
                ComputeBudgetInstruction::set_compute_unit_price(price),
                transfer(&payer.pubkey(), &fresh_address(), 2_000_000),
            ],
            &[&payer],
        )
        .await?;
    let rpc = chain.rpc();
    let rpc = &rpc;
    let address = [payer.pubkey()];
    let address = &address;
    eventually(chain.slots(64), "the fee of a slot", || async {
        let fees = rpc.get_recent_prioritization_fees(address).await?;
        ensure!(fees.len() <= 150, "{} slots of fees", fees.len());
        Ok(fees
            .into_iter()
            .find(|fee| fee.slot == landed.slot)
            .map(|fee| fee.prioritization_fee))
    })
    .await
    .and_then(|fee| {
        ensure_eq!(fee, price, "the price paid to write the account");
        Ok(())
    })
}
