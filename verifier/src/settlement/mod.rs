//! Settling plain transfers: from a verified payment of a stock client to an
//! entitlement that stands.
//!
//! What to do next is a pure function of what stands on chain ([`plan`]); the engine
//! reads the facts, does the step, and reads again, until somebody can be served or it
//! is certain that nothing moved. It remembers nothing that matters: any process with
//! the same keys, asked with the same transaction, goes on where another has stopped.
//! What nobody asks for again is found and finished by [`recovery`].
//!
//! docs/payments.md says what that means for merchants and payers.

mod engine;
mod facts;
mod orders;
mod outcome;
mod own;
mod plan;
mod pushed;
mod reading;
mod recovery;
mod refusal;
mod tally;
#[cfg(test)]
mod tests;
mod transactions;
mod turns;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use solana_hash::Hash;
use solana_transaction::versioned::VersionedTransaction;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tollgate_client::{Credits, PaymentId, Pubkey, transfer_payment_id};
use tollgate_gate::exact::{ExactPayment, TOKEN_PROGRAM};

use self::facts::Order;
pub(crate) use self::orders::{OpenOrder, OrderOutcome, OrderRequest};
#[allow(unused_imports, reason = "admission names it")]
pub(crate) use self::outcome::{Outcome, Paid};
use self::own::Performed;
pub(crate) use self::pushed::PushedTransfer;
pub(crate) use self::refusal::Refusal;
use self::tally::Tally;
use self::transactions::Builder;
use self::turns::Turns;
use crate::chain::Pool;
use crate::config::{RelayConfig, Settlement as Way};
use crate::credits::CreditService;
use crate::metrics::{Sample, SampleSource};
use crate::relay::Relay;

/// A verified payment, and what it is to buy.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// Verified against the requirement that was offered for this very purchase.
    pub(crate) payment: ExactPayment,
    /// Where the requirement's `payTo` led.
    pub(crate) way: Way,
    /// The product account.
    pub(crate) product: Pubkey,
    /// The challenge's payment id, where the payment names one. A deposit needs it.
    pub(crate) payment_id: Option<PaymentId>,
    /// What the request takes from a product that counts credits.
    pub(crate) cost: Credits,
}

/// One transfer on its way through the engine.
#[derive(Clone, Debug)]
struct Job {
    order: Order,
    /// Co-signed, and not sent before the plan says so.
    transaction: VersionedTransaction,
    payment_id: Option<PaymentId>,
    /// The id that names the intent.
    intent_id: PaymentId,
    mint: Pubkey,
    source: Pubkey,
    /// Lamports that the relay pays for the transaction.
    fee: u64,
    cost: Credits,
}

impl Job {
    fn blockhash(&self) -> Hash {
        *self.transaction.message.recent_blockhash()
    }
}

/// Settles for one merchant with one relay.
pub(crate) struct Settlement {
    pool: Arc<Pool>,
    relay: Arc<Relay>,
    merchant: Pubkey,
    credits: Option<Arc<CreditService>>,
    turns: Arc<Turns>,
    places: Arc<Semaphore>,
    timeout: Duration,
    recovery_interval: Duration,
    compute_unit_price: u64,
    /// Whether orders with an alias are made.
    aliases: bool,
    /// Whether this process has looked for transfers that an earlier one has left: until
    /// then it takes no money for the vault. A transfer that has landed there without
    /// its record is seen by nobody else.
    recovered: AtomicBool,
    tally: Tally,
    /// Settlements go on when their caller hangs up, and end with this.
    running: Mutex<JoinSet<()>>,
}

impl Settlement {
    /// For one merchant account. `credits` counts what is used of metered products.
    pub(crate) fn new(
        config: &RelayConfig,
        pool: Arc<Pool>,
        merchant: Pubkey,
        credits: Option<Arc<CreditService>>,
    ) -> Self {
        Self {
            pool,
            relay: Arc::new(Relay::new(config)),
            merchant,
            credits,
            turns: Arc::default(),
            places: Arc::new(Semaphore::new(config.max_in_flight)),
            timeout: config.settle_timeout,
            recovery_interval: config.recovery_interval,
            compute_unit_price: config.compute_unit_price,
            aliases: config.aliases,
            recovered: AtomicBool::new(false),
            tally: Tally::default(),
            running: Mutex::default(),
        }
    }

    /// The fee payer to name in challenges.
    pub(crate) fn fee_payer(&self) -> Pubkey {
        self.relay.address()
    }

    /// Whether plain transfers should be offered: the relay has money.
    pub(crate) fn is_offered(&self) -> bool {
        self.relay.is_funded()
    }

    /// Settles a payment, or finds out that it is settled. Converges: asked again with
    /// the same payment, by this process or another, it goes on from what stands on
    /// chain, and money is taken once at most.
    ///
    /// The settlement goes on when the caller stops waiting.
    pub(crate) async fn settle(self: &Arc<Self>, claim: Claim) -> Outcome {
        let job = match self.job(claim) {
            Ok(job) => job,
            Err(refusal) => {
                let outcome = Outcome::Refused(refusal);
                self.tally.ended(&outcome);
                return outcome;
            }
        };
        let this = Arc::clone(self);
        self.run(move |place, deadline| async move {
            let turn = this.turns.take(job.order.payer, job.order.product);
            let turn = match tokio::time::timeout_at(deadline, turn).await {
                Ok(Some(turn)) => turn,
                Ok(None) => return Outcome::Busy,
                Err(_) => {
                    return Outcome::Pending {
                        signature: Some(job.order.signature),
                    };
                }
            };
            let outcome = this.converge(&job, turn, deadline).await;
            drop(place);
            outcome
        })
        .await
    }

    /// Records a transfer that its payer has sent to the vault without help.
    pub(crate) async fn record_pushed(self: &Arc<Self>, transfer: PushedTransfer) -> Outcome {
        let this = Arc::clone(self);
        self.run(move |place, deadline| async move {
            let outcome = this.converge_pushed(&transfer, deadline).await;
            drop(place);
            outcome
        })
        .await
    }

    /// Runs one settlement in a task of its own.
    async fn run<F>(
        self: &Arc<Self>,
        work: impl FnOnce(OwnedSemaphorePermit, Instant) -> F,
    ) -> Outcome
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Outcome::Busy;
        };
        let (answer, outcome) = oneshot::channel();
        let work = work(place, Instant::now() + self.timeout);
        {
            let mut running = self.running.lock().await;
            // Those that have ended make room.
            while running.try_join_next().is_some() {}
            running.spawn(async move {
                // The caller may have gone.
                let _ = answer.send(work.await);
            });
        }
        outcome
            .await
            .unwrap_or(Outcome::Pending { signature: None })
    }

    /// Waits until no settlement is under way, for `deadline` at most. What is left
    /// goes on in a later process.
    pub(crate) async fn finish(&self, deadline: Duration) {
        let finishing = async { while self.running.lock().await.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(deadline, finishing).await;
    }

    /// What a claim comes down to. Signs, but what is signed stays here until the plan
    /// says that it may be sent.
    fn job(&self, claim: Claim) -> Result<Job, Refusal> {
        let Claim {
            payment,
            way,
            product,
            payment_id,
            cost,
        } = claim;
        if *payment.token_program() != TOKEN_PROGRAM {
            return Err(Refusal::TransferMismatch);
        }
        let transaction = self.relay.co_sign(payment.transaction())?;
        let signature = transaction.signatures.first().copied().unwrap_or_default();
        let addresses = self.pool.addresses();
        let mint = *payment.mint();
        let (intent_id, destination_owner) = match way {
            Way::Deposit => {
                let id = payment_id.ok_or(Refusal::TransferMismatch)?;
                (id, addresses.quoted_intent(&self.merchant, &id))
            }
            Way::Vault => (transfer_payment_id(signature.as_array()), self.merchant),
        };
        let destination = tollgate_client::Addresses::token_account(&destination_owner, &mint);
        if *payment.destination() != destination {
            return Err(Refusal::TransferMismatch);
        }
        Ok(Job {
            order: Order {
                way,
                product,
                payer: *payment.payer(),
                amount: payment.amount(),
                intent: addresses.quoted_intent(&self.merchant, &intent_id),
                relay: self.relay.address(),
                signature,
            },
            fee: Relay::fee_of(&transaction),
            transaction,
            payment_id,
            intent_id,
            mint,
            source: *payment.source(),
            cost,
        })
    }

    fn builder(&self) -> Builder {
        Builder {
            addresses: self.pool.addresses(),
            relay: self.relay.address(),
            operator: self.relay.operator(),
        }
    }
}

impl SampleSource for Settlement {
    fn samples(&self) -> Vec<Sample> {
        self.tally.samples(self.relay.balance())
    }
}

impl std::fmt::Debug for Settlement {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Settlement")
            .field("relay", &self.relay)
            .field("merchant", &self.merchant)
            .finish_non_exhaustive()
    }
}
