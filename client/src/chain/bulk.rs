//! Sending many transactions that may be repeated without harm.
//!
//! A payment must never be signed twice; a write of the same bytes to the same place
//! may. So what expires here is signed again with a newer blockhash, and what is lost
//! on the way is sent again, until everything has landed or the time is up.

use super::{Chain, ChainError, Relay};
use crate::TollgateError;
use crate::chain::error::program_error;
use crate::transaction::BuildError;
use futures::future::join_all;
use solana_commitment_config::CommitmentConfig;
use solana_hash::Hash;
use solana_rpc_client_api::client_error::TransactionError;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// Most signatures that a server looks up in one call.
const MOST_IN_FLIGHT: usize = 256;
/// How long one blockhash is used for new signatures: a small part of its life.
const BLOCKHASH_USE: Duration = Duration::from_secs(15);

/// How many at a time, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct BulkLimits {
    /// Transactions on their way at the same time; at most 256.
    pub in_flight: usize,
    /// After this nothing more is sent.
    pub deadline: Duration,
    /// Pause between two looks at the statuses.
    pub poll_every: Duration,
    /// Pause between two broadcasts of the same bytes.
    pub resend_every: Duration,
}

impl Default for BulkLimits {
    fn default() -> Self {
        Self {
            in_flight: 32,
            deadline: Duration::from_secs(600),
            poll_every: Duration::from_millis(250),
            resend_every: Duration::from_secs(2),
        }
    }
}

/// What became of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BulkOutcome {
    /// Every one succeeded at the configured commitment.
    AllLanded,
    /// One is on chain and failed; the others may have landed or not.
    Failed {
        /// Its signature.
        signature: Signature,
        /// Why.
        error: TransactionError,
        /// The program's own error, if it was one.
        program_error: Option<TollgateError>,
    },
    /// The time was up; what was on its way may still land.
    OutOfTime {
        /// How many are known to have landed.
        landed: usize,
    },
}

/// One transaction on its way.
struct Flight {
    index: usize,
    transaction: VersionedTransaction,
    last_valid_block_height: u64,
    next_send: Instant,
}

impl Flight {
    fn signature(&self) -> Signature {
        self.transaction
            .signatures
            .first()
            .copied()
            .unwrap_or_default()
    }
}

impl Chain {
    /// Sends `count` transactions, which `sign` makes from their number and a blockhash,
    /// until all have landed. Each must do no harm when it lands more than once.
    /// `landed` is told the number of those that have landed, whenever it grows.
    ///
    /// # Errors
    /// [`ChainError::Refused`] when the first one fails its simulation, before anything
    /// was sent; [`ChainError::Build`]; another [`ChainError`] only when the server could
    /// not be asked even once. Later failures of the server are waited out.
    pub async fn submit_repeatable(
        &self,
        count: usize,
        sign: impl Fn(usize, Hash) -> Result<VersionedTransaction, BuildError>,
        limits: BulkLimits,
        mut landed: impl FnMut(usize),
    ) -> Result<BulkOutcome, ChainError> {
        let most = limits.in_flight.clamp(1, MOST_IN_FLIGHT);
        let started = Instant::now();
        let mut blockhash = self.latest_blockhash().await?;
        let mut blockhash_since = started;
        if count > 0 {
            self.simulate(&sign(0, blockhash.0)?).await?;
        }
        let mut waiting: VecDeque<usize> = (0..count).collect();
        let mut flights: Vec<Flight> = Vec::new();
        while !waiting.is_empty() || !flights.is_empty() {
            if started.elapsed() >= limits.deadline {
                let open = waiting.len().saturating_add(flights.len());
                return Ok(BulkOutcome::OutOfTime {
                    landed: count.saturating_sub(open),
                });
            }
            if blockhash_since.elapsed() >= BLOCKHASH_USE
                && let Ok(newer) = self.latest_blockhash().await
            {
                (blockhash, blockhash_since) = (newer, Instant::now());
            }
            while flights.len() < most
                && let Some(index) = waiting.pop_front()
            {
                flights.push(Flight {
                    index,
                    transaction: sign(index, blockhash.0)?,
                    last_valid_block_height: blockhash.1,
                    next_send: Instant::now(),
                });
            }
            self.broadcast_due(&mut flights, limits.resend_every).await;
            tokio::time::sleep(limits.poll_every).await;
            if let Some(failed) = self.settle(&mut flights, &mut waiting).await {
                return Ok(failed);
            }
            let open = waiting.len().saturating_add(flights.len());
            landed(count.saturating_sub(open));
        }
        Ok(BulkOutcome::AllLanded)
    }

    /// Broadcasts those whose time has come, all at once.
    async fn broadcast_due(&self, flights: &mut [Flight], resend_every: Duration) {
        let now = Instant::now();
        let mut due = Vec::new();
        for flight in flights.iter_mut().filter(|flight| flight.next_send <= now) {
            flight.next_send = now + resend_every;
            due.push(&flight.transaction);
        }
        join_all(
            due.into_iter()
                .map(|transaction| self.broadcast(transaction)),
        )
        .await;
    }

    /// Takes out what has landed, and puts what has expired back among the waiting.
    /// Answers that cannot be had change nothing.
    async fn settle(
        &self,
        flights: &mut Vec<Flight>,
        waiting: &mut VecDeque<usize>,
    ) -> Option<BulkOutcome> {
        let height = self
            .bounded(
                self.rpc
                    .get_block_height_with_commitment(CommitmentConfig::confirmed()),
            )
            .await
            .unwrap_or_default();
        let signatures: Vec<_> = flights.iter().map(Flight::signature).collect();
        let statuses = self
            .bounded(self.rpc.get_signature_statuses(&signatures))
            .await
            .ok()?
            .value;
        if statuses.len() != flights.len() {
            return None;
        }
        let mut open = Vec::with_capacity(flights.len());
        let mut failed = None;
        for (flight, status) in flights.drain(..).zip(statuses) {
            match status {
                Some(status) if status.satisfies_commitment(self.commitment()) => {
                    if let Some(error) = status.err {
                        failed = Some(BulkOutcome::Failed {
                            signature: flight.signature(),
                            program_error: program_error(&error),
                            error,
                        });
                    }
                }
                None if height > flight.last_valid_block_height => waiting.push_back(flight.index),
                _ => open.push(flight),
            }
        }
        *flights = open;
        failed
    }
}
