//! Transactions of this service's own: signed, tried, sent, followed.

use std::time::Duration;

use solana_instruction::Instruction;
use solana_keypair::Keypair;
use tokio::time::Instant;
use tollgate_client::chain::{Submission, SubmitLimits, follow};
use tollgate_client::transaction::ComputeBudget;

use super::Settlement;
use super::transactions::UNITS;
use crate::chain::{RpcFailure, SimulationFailure};

/// What became of a transaction of this service's own.
#[derive(Debug)]
pub(super) enum Performed {
    /// It stands, from this slot on.
    Landed(u64),
    /// It would have failed, or did: the facts are others than they were.
    Refused(String),
    /// Nobody could say in time.
    Open,
}

impl Settlement {
    /// Signs and sends a transaction of this service's own, and waits for its fate.
    pub(super) async fn perform(
        &self,
        instructions: &[Instruction],
        seeing: u64,
        deadline: Instant,
    ) -> Result<Performed, RpcFailure> {
        self.perform_with(instructions, &[], seeing, deadline).await
    }

    /// The same with more signers.
    pub(super) async fn perform_with(
        &self,
        instructions: &[Instruction],
        others: &[&Keypair],
        seeing: u64,
        deadline: Instant,
    ) -> Result<Performed, RpcFailure> {
        let budget = ComputeBudget {
            units: UNITS,
            price: self.compute_unit_price,
        };
        let instructions = [&budget.instructions(), instructions].concat();
        let blockhash = self.pool.latest_blockhash().await?.seeing(seeing);
        let transaction = match self.relay.sign(&instructions, blockhash.hash, others) {
            Ok(transaction) => transaction,
            Err(error) => return Ok(Performed::Refused(error.to_string())),
        };
        match self.pool.simulate(&transaction, &blockhash).await {
            Ok(()) => {}
            Err(SimulationFailure::Refused {
                error,
                program_error,
            }) => {
                let reason = program_error.map_or_else(|| error.to_string(), |own| own.to_string());
                return Ok(Performed::Refused(reason));
            }
            Err(SimulationFailure::Chain(failure)) => return Err(failure),
        }
        let last_valid = blockhash.last_valid_block_height;
        let fate = follow(&*self.pool, &transaction, last_valid, limits(deadline)).await;
        Ok(match fate {
            Submission::Landed { slot, .. } => Performed::Landed(slot),
            Submission::Failed { error, .. } => Performed::Refused(error.to_string()),
            Submission::Expired | Submission::Unknown => Performed::Open,
        })
    }
}

/// How a transaction is followed: until the settlement's own deadline.
pub(super) fn limits(deadline: Instant) -> SubmitLimits {
    SubmitLimits {
        deadline: deadline.saturating_duration_since(Instant::now()),
        poll_every: Duration::from_millis(200),
        resend_every: Duration::from_secs(2),
    }
}
