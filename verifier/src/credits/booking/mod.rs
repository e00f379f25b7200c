//! Booking used credits on chain, by the program's `consume`.
//!
//! What is booked is a total, so that booking it twice changes nothing, and it
//! names the life of the account that is meant. A round reads every account before
//! it sends anything about it; what an earlier transaction of unknown fate has done
//! by then is part of what it reads. So no answer has to be trusted to have arrived,
//! and replicas that book at the same time do no harm; a lease keeps them from
//! paying fees for it.

mod error;
mod round;

use std::sync::Arc;
use std::time::Duration;

use solana_keypair::Keypair;
use tokio::sync::{Mutex, watch};
use tollgate_client::Pubkey;
use tollgate_client::chain::SubmitLimits;
use tracing::{debug, info, warn};

pub(crate) use self::error::BookingError;
pub(super) use self::round::readings;
use super::store::CreditStore;
use super::tally::Tally;
use super::wake::Wake;
use crate::chain::Pool;

/// What bounds the fees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BookingLimits {
    /// Pause between two rounds, unless much was used.
    pub(crate) interval: Duration,
    /// Most entitlements that one round books.
    pub(crate) per_round: usize,
    /// Millionths of a lamport per compute unit.
    pub(crate) compute_unit_price: u64,
}

/// Shortest pause between two rounds, however much is used.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// How long one transaction is followed. Shorter than the lease.
const SUBMIT: SubmitLimits = SubmitLimits {
    deadline: Duration::from_secs(60),
    poll_every: Duration::from_millis(400),
    resend_every: Duration::from_secs(2),
};

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Round {
    /// Entitlements whose total was booked.
    pub(crate) entitlements: usize,
    /// Credits booked.
    pub(crate) credits: u64,
    /// Entitlements that the program refused to book.
    pub(crate) refused: usize,
}

/// Books for one merchant.
pub(crate) struct Booker {
    store: Arc<dyn CreditStore>,
    pool: Arc<Pool>,
    operator: Keypair,
    merchant: Pubkey,
    limits: BookingLimits,
    tally: Arc<Tally>,
    wake: Arc<Wake>,
    /// The entitlement after which the next round goes on, so that all get their
    /// turn. Held for the length of a round: there is one at a time.
    place: Mutex<Option<Pubkey>>,
}

impl Booker {
    pub(super) fn new(
        store: Arc<dyn CreditStore>,
        pool: Arc<Pool>,
        (operator, merchant): (Keypair, Pubkey),
        limits: BookingLimits,
        (tally, wake): (Arc<Tally>, Arc<Wake>),
    ) -> Self {
        Self {
            store,
            pool,
            operator,
            merchant,
            limits,
            tally,
            wake,
            place: Mutex::new(None),
        }
    }

    /// Books at the interval, and sooner when much was used, until `stop`.
    pub(super) async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            let pause = async {
                tokio::time::sleep(SHORTEST_PAUSE.min(self.limits.interval)).await;
                tokio::select! {
                    () = tokio::time::sleep(self.limits.interval) => {}
                    () = self.wake.enough() => {}
                }
            };
            tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => return,
                () = pause => {}
            }
            self.book().await;
        }
    }

    /// One round, with its outcome in the log.
    pub(super) async fn book(&self) {
        match self.round().await {
            Ok(Round {
                entitlements: 0,
                refused: 0,
                ..
            }) => debug!("there was nothing to book"),
            Ok(round) => info!(
                entitlements = round.entitlements,
                credits = round.credits,
                refused = round.refused,
                "used credits were booked on chain"
            ),
            Err(error) => {
                self.tally.booking_failures.add(1);
                warn!(code = error.code(), %error, "booking used credits failed; it is tried again");
            }
        }
    }
}

impl std::fmt::Debug for Booker {
    // The key is not shown.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Booker")
            .field("merchant", &self.merchant)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
