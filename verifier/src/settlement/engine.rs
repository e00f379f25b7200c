//! Reads, does the next step, and reads again.

use std::sync::atomic::Ordering;
use std::time::Duration;

use solana_instruction::Instruction;
use solana_transaction_error::TransactionError;
use tokio::time::Instant;
use tollgate_client::chain::{Submission, follow};

use tollgate_client::{Entitlement, PaymentIntent, QuotedPurchase};
use tracing::{debug, info, warn};

use super::facts::Deposit;
use super::outcome::{Outcome, Paid};
use super::own::{Performed, limits};
use super::plan::{Step, next_step};
use super::reading::{Reading, Unknown};
use super::refusal::Refusal;
use super::transactions::{KEPT_FOR, UNITS, expiry};
use super::turns::Turn;
use super::{Job, Settlement};
use crate::chain::SimulationFailure;
use crate::config::Settlement as Way;
use crate::relay::{RelayRefusal, rent_of};

/// Pause between two looks at the chain: about a slot.
pub(super) const PAUSE: Duration = Duration::from_millis(300);
/// How old the facts may be at the moment of sending: what they say of the intent's age
/// is counted from there.
const SEND_WITHIN: Duration = Duration::from_secs(10);
/// How often a transaction of this service's own may be refused before the request is
/// given up.
const MOST_REFUSALS: u32 = 3;

/// What a simulation says of the client's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trial {
    /// It would succeed, or has.
    Succeeds,
    /// It would fail.
    Fails,
    /// Nobody could say.
    Unknown,
}

/// What one call of the engine remembers.
#[derive(Debug, Default)]
struct Progress {
    /// Views must be this late.
    since: u64,
    /// The order's intent was made here, and its transaction was not sent yet: nobody
    /// else's is on its way to it.
    untouched: bool,
    /// Lamports are set aside.
    reserved: bool,
    /// How many transactions were refused.
    refusals: u32,
    /// The client's transaction would fail.
    hopeless: bool,
}

impl Settlement {
    /// Goes on until the outcome is certain or the deadline has come.
    pub(super) async fn converge(&self, job: &Job, turn: Turn, deadline: Instant) -> Outcome {
        let order = &job.order;
        let mut progress = Progress::default();
        let mut first = true;
        let pending = Outcome::Pending {
            signature: Some(order.signature),
        };
        while first || Instant::now() < deadline {
            if !first {
                // Longer, when what was tried was refused.
                tokio::time::sleep(PAUSE * progress.refusals.saturating_add(1).min(10)).await;
            }
            first = false;
            let (reading, step) = match self.look(job, progress.since).await {
                Ok(found) => found,
                Err(unknown) => {
                    debug!(code = unknown.code(), %unknown, "a settlement waits for the chain");
                    continue;
                }
            };
            progress.since = progress.since.max(reading.slot);
            debug!(?step, signature = %order.signature, "the next step of a settlement");
            let ended = match step {
                Step::Serve { paid } => Some(Outcome::Paid(Paid {
                    payer: order.payer,
                    signature: paid.then_some(order.signature),
                    intent: paid.then_some(order.intent),
                    slot: reading.slot,
                    turn: None,
                })),
                Step::Refuse(refusal) => Some(Outcome::Refused(refusal)),
                Step::Duplicate => Some(Outcome::Duplicate {
                    signature: order.signature,
                }),
                Step::Create { .. } if progress.hopeless => {
                    Some(Outcome::Refused(Refusal::SimulationFailed))
                }
                Step::Submit if progress.hopeless => None,
                Step::Wait | Step::Survey => None,
                Step::Submit => self.submit(job, &reading, &mut progress, deadline).await,
                Step::Create { renew } => {
                    self.create(job, &reading, renew, &mut progress, deadline)
                        .await
                }
                other => {
                    self.finish_step(job, &reading, other, &mut progress, deadline)
                        .await
                }
            };
            match ended {
                None => {}
                Some(Outcome::Paid(paid)) => {
                    info!(payer = %paid.payer, signature = ?paid.signature, "access stands");
                    // Access without a limit in calls is nobody's to take first.
                    let counted = !reading.product.credits.is_zero();
                    return Outcome::Paid(Paid {
                        turn: counted.then_some(turn),
                        ..paid
                    });
                }
                Some(outcome) => return outcome,
            }
        }
        pending
    }

    /// The facts and the step that follows from them; rivals are asked for only where
    /// they matter, and in a view in which the order's own intent stands.
    async fn look(&self, job: &Job, since: u64) -> Result<(Reading, Step), Unknown> {
        let mut reading = self.read(job, since).await?;
        let mut step = next_step(&job.order, &reading.facts);
        if step == Step::Survey {
            reading.facts.rivals = Some(self.rivals(job, reading.slot).await?);
            step = next_step(&job.order, &reading.facts);
        }
        Ok((reading, step))
    }

    /// Sets the flag.
    async fn create(
        &self,
        job: &Job,
        reading: &Reading,
        renew: bool,
        progress: &mut Progress,
        deadline: Instant,
    ) -> Option<Outcome> {
        let order = &job.order;
        // The vault exists, so that the transfer can be tried before anything is spent.
        // A deposit account does not exist yet.
        if order.way == Way::Vault {
            if !self.recovered.load(Ordering::Acquire) {
                return None;
            }
            match self.try_out(job, reading.slot).await {
                Trial::Succeeds => {}
                Trial::Fails => return Some(Outcome::Refused(Refusal::SimulationFailed)),
                Trial::Unknown => return None,
            }
        }
        let lamports = match self.reserve(job, reading, progress, true) {
            Ok(lamports) => lamports,
            Err(refusal) => return Some(Outcome::Bounded(refusal)),
        };
        let quoted = QuotedPurchase::of_product(
            (order.product, &reading.product),
            (self.relay.operator(), self.relay.address()),
            (order.payer, job.intent_id),
            KEPT_FOR,
            expiry(order.way, reading.facts.now),
        );
        let builder = self.builder();
        let mut instructions = Vec::new();
        if let (true, Some(intent)) = (renew, &reading.facts.intent) {
            let standing = reading.facts.deposit != Deposit::Absent;
            instructions = builder.remove(
                (order.intent, intent),
                standing,
                reading.destination,
                reading.facts.now,
            );
        }
        instructions.extend(builder.create(order.way, &quoted, job.mint));
        match self.perform(&instructions, reading.slot, deadline).await {
            Ok(Performed::Landed(slot)) => {
                progress.since = progress.since.max(slot);
                progress.untouched = true;
                None
            }
            Ok(Performed::Refused(reason)) => {
                self.relay.give_back(&order.payer, lamports);
                progress.reserved = false;
                progress.refusals = progress.refusals.saturating_add(1);
                warn!(%reason, intent = %order.intent, "an intent could not be created");
                (progress.refusals >= MOST_REFUSALS)
                    .then_some(Outcome::Unavailable("intent_not_created"))
            }
            Ok(Performed::Open) | Err(_) => None,
        }
    }

    /// Sends the client's transaction and follows it. Whatever comes of it, the next
    /// reading says so.
    async fn submit(
        &self,
        job: &Job,
        reading: &Reading,
        progress: &mut Progress,
        deadline: Instant,
    ) -> Option<Outcome> {
        let order = &job.order;
        if !progress.reserved
            && let Err(refusal) = self.reserve(job, reading, progress, false)
        {
            return Some(Outcome::Bounded(refusal));
        }
        match self.try_out(job, reading.slot).await {
            Trial::Succeeds => {}
            // This process has not sent it, and a deposit that comes all the same goes
            // back: the intent is taken out of the way, and the next reading tells
            // whether that was all.
            Trial::Fails if progress.untouched && order.way == Way::Deposit => {
                progress.hopeless = true;
                self.finish_step(job, reading, Step::Abandon, progress, deadline)
                    .await;
                return None;
            }
            // Another process may have sent it, and it fails now because it landed.
            Trial::Fails | Trial::Unknown => return None,
        }
        let Ok(blockhash) = self.pool.latest_blockhash().await else {
            return None;
        };
        if reading.began.elapsed() >= SEND_WITHIN {
            return None;
        }
        progress.untouched = false;
        // The client's blockhash is no younger than the newest one.
        let fate = follow(
            &*self.pool,
            &job.transaction,
            blockhash.last_valid_block_height,
            limits(deadline),
        )
        .await;
        if let Submission::Landed { slot, .. } = fate {
            progress.since = progress.since.max(slot);
        }
        debug!(?fate, signature = %order.signature, "a client's transaction was sent");
        None
    }

    /// Simulates the client's transaction in a view of `slot` or later.
    async fn try_out(&self, job: &Job, slot: u64) -> Trial {
        let Ok(blockhash) = self.pool.latest_blockhash().await else {
            return Trial::Unknown;
        };
        let seeing = blockhash.seeing(slot);
        match self.pool.simulate(&job.transaction, &seeing).await {
            Ok(()) => Trial::Succeeds,
            Err(SimulationFailure::Refused { error, .. }) => {
                debug!(%error, "a client's transaction was tried in vain");
                match error {
                    TransactionError::AlreadyProcessed => Trial::Succeeds,
                    _ => Trial::Fails,
                }
            }
            Err(SimulationFailure::Chain(_)) => Trial::Unknown,
        }
    }

    /// The steps after the money has moved, or can move no more.
    async fn finish_step(
        &self,
        job: &Job,
        reading: &Reading,
        step: Step,
        progress: &mut Progress,
        deadline: Instant,
    ) -> Option<Outcome> {
        let instructions = self.instructions(job, reading, step)?;
        match self.perform(&instructions, reading.slot, deadline).await {
            Ok(Performed::Landed(slot)) => progress.since = progress.since.max(slot),
            Ok(Performed::Refused(reason)) => {
                // Most often another process was faster.
                progress.refusals = progress.refusals.saturating_add(1);
                warn!(%reason, ?step, "a step of a settlement was refused");
            }
            Ok(Performed::Open) | Err(_) => {}
        }
        None
    }

    fn instructions(&self, job: &Job, reading: &Reading, step: Step) -> Option<Vec<Instruction>> {
        let (order, facts, builder) = (&job.order, &reading.facts, self.builder());
        let destination = reading.destination;
        let own = facts.intent.as_ref().map(|intent| (order.intent, intent));
        let has_deposit = facts.deposit != Deposit::Absent;
        Some(match step {
            Step::Sweep(address) => {
                let rivals = facts.rivals.iter().flatten();
                let mut rivals = rivals.map(|rival| (rival.address, &rival.intent));
                let swept = own
                    .filter(|(own, _)| *own == address)
                    .or_else(|| rivals.find(|(rival, _)| *rival == address))?;
                builder.sweep(swept, destination)
            }
            Step::Record { renew } => {
                let (address, intent) = own?;
                if renew {
                    builder.record_anew(own?, destination, facts.now, &order.signature)
                } else {
                    let of = (intent.merchant, intent.product);
                    vec![builder.record(address, of, order.payer, &order.signature)]
                }
            }
            Step::Abandon => builder.remove(own?, has_deposit, destination, facts.now),
            Step::GiveBack => {
                let (address, intent) = own?;
                let mut instructions = vec![builder.cancel(address, intent)];
                instructions.extend(builder.give_back((address, intent), destination));
                instructions
            }
            Step::Return => builder.give_back(own?, destination),
            Step::Refund => builder.refund(own?, destination),
            _ => return None,
        })
    }

    /// What recording a transfer for a new intent costs at most.
    pub(super) fn record_cost(&self, reading: &Reading) -> u64 {
        let mut lamports = self.own_fee().saturating_add(rent_of(PaymentIntent::SPACE));
        if !reading.has_entitlement {
            lamports = lamports.saturating_add(rent_of(Entitlement::SPACE));
        }
        lamports
    }

    pub(super) fn own_fee(&self) -> u64 {
        self.relay.own_fee(UNITS, self.compute_unit_price)
    }

    /// Sets aside what the rest of a purchase can cost.
    fn reserve(
        &self,
        job: &Job,
        reading: &Reading,
        progress: &mut Progress,
        begin: bool,
    ) -> Result<u64, RelayRefusal> {
        let mut lamports = job.fee.saturating_add(self.own_fee());
        if !reading.has_entitlement {
            lamports = lamports.saturating_add(rent_of(Entitlement::SPACE));
        }
        if begin {
            lamports = lamports
                .saturating_add(self.own_fee())
                .saturating_add(rent_of(PaymentIntent::SPACE));
            if job.order.way == Way::Deposit {
                lamports = lamports.saturating_add(rent_of(TOKEN_ACCOUNT_BYTES));
            }
        }
        self.relay.reserve(&job.order.payer, lamports)?;
        progress.reserved = true;
        Ok(lamports)
    }
}

/// Bytes of an SPL Token account.
pub(super) const TOKEN_ACCOUNT_BYTES: usize = 165;
