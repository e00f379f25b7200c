//! The meter: takes credits for requests, and knows what is left.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::Instant;
use tollgate_client::{Credits, Entitlement, Pubkey};
use tollgate_gate::{Charge, Metering};

use super::ledger::{ChainView, Reserved};
use super::reservation::Reservation;
use super::settling::Settling;
use super::store::{CreditStore, Demand, ReservationId, Settled, Settlement, StoreError};
use super::tally::Tally;

/// How often the chain is asked anew about one entitlement whose credits seem to be
/// used: once a slot. A renewal is noticed at most this much later.
const LOOK_AGAIN: Duration = Duration::from_millis(400);

/// How long a request waits for others to give back what they do not need.
const GIVING_BACK: Duration = Duration::from_millis(500);

/// For how many entitlements that is remembered.
const LOOKS_REMEMBERED: usize = 10_000;

/// What came of asking for credits.
#[derive(Debug)]
pub(crate) enum Metered {
    /// The request has them.
    Taken(Reservation),
    /// There are fewer.
    Short {
        /// What is left.
        remaining: Credits,
    },
}

/// The meter of one service.
pub(crate) struct Meter {
    store: Arc<dyn CreditStore>,
    settling: Settling,
    tally: Arc<Tally>,
    looks: Cache<Pubkey, Instant>,
}

impl Meter {
    pub(super) fn new(store: Arc<dyn CreditStore>, settling: Settling, tally: Arc<Tally>) -> Self {
        Self {
            store,
            settling,
            tally,
            looks: Cache::new(LOOKS_REMEMBERED),
        }
    }

    /// Takes what one request costs from the entitlement at `address`, which was
    /// read at `slot`.
    ///
    /// # Errors
    /// [`StoreError`]: whether there are credits is not known, and none are held.
    pub(crate) async fn take(
        &self,
        address: Pubkey,
        entitlement: &Entitlement,
        slot: u64,
        metering: Metering,
    ) -> Result<Metered, StoreError> {
        let Metering { cost, charge } = metering;
        let view = ChainView::of(entitlement, slot);
        let demand = Demand {
            entitlement: address,
            view,
            cost,
            id: ReservationId::random(),
        };
        let reservation = self.about_to_ask(&demand, charge);
        let mut answer = self.store.reserve(demand).await;
        if matches!(answer, Ok(Reserved::Short { .. })) && self.settling.is_busy() {
            // A request that has just failed may be about to give its credits back;
            // whoever tries again after a failure must not be asked to pay.
            let _ = tokio::time::timeout(GIVING_BACK, self.settling.settled()).await;
            answer = self.store.reserve(demand).await;
        }
        match answer {
            Ok(Reserved::Taken { remaining }) => Ok(Metered::Taken(reservation.taken(remaining))),
            Ok(Reserved::Short { remaining }) => {
                reservation.denied();
                self.tally.short.add(1);
                Ok(Metered::Short { remaining })
            }
            Err(error @ (StoreError::Outdated | StoreError::Overloaded)) => {
                reservation.denied();
                Err(error)
            }
            Err(error) => {
                // It may have been taken all the same: the reservation gives it back.
                self.tally.store_failures.add(1);
                Err(error)
            }
        }
    }

    fn about_to_ask(&self, demand: &Demand, charge: Charge) -> Reservation {
        let settled = Settled {
            entitlement: demand.entitlement,
            life: demand.view.life,
            cost: demand.cost,
            id: demand.id,
            settlement: Settlement::Release,
        };
        Reservation::new(settled, charge, self.settling.clone())
    }

    /// What is left of an entitlement, used credits that are not booked taken off.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn remaining(
        &self,
        address: Pubkey,
        entitlement: &Entitlement,
        slot: u64,
    ) -> Result<Credits, StoreError> {
        let view = ChainView::of(entitlement, slot);
        let ledger = self.store.look(address, view).await?;
        Ok(ledger.remaining())
    }

    /// Whether it is time to ask the chain anew about an entitlement that memory
    /// says has too few credits: its holder may just have bought more.
    pub(crate) fn may_look_again(&self, address: &Pubkey) -> bool {
        let now = Instant::now();
        let recently = self
            .looks
            .get(address)
            .is_some_and(|last| now.saturating_duration_since(last) < LOOK_AGAIN);
        if !recently {
            self.looks.insert(*address, now);
        }
        !recently
    }

    /// The chain could not be asked anew: the next question tries again.
    pub(crate) fn forget_look(&self, address: &Pubkey) {
        self.looks.remove(address);
    }

    /// The numbers for metrics.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Meter")
            .field("tally", &self.tally)
            .finish_non_exhaustive()
    }
}
