//! The part of the decision that counts: credits are taken before the gate is
//! asked, and the gate gets a reading in which what is used is taken off. So only
//! the gate says "served" or "pay", and two requests never get the same credit.

use tollgate_client::{Credits, Entitlement};
use tollgate_gate::{Decision, GateError, Metering, Question, Reading};
use tracing::warn;

use crate::admission::{key_of, reading};
use crate::app::App;
use crate::chain::{Freshness, Observed};
use crate::credits::{Metered, Reservation, StoreError};
use crate::error::ServiceError;

/// A decision, and the credits that are held for it. Dropped without being
/// admitted, they are given back.
pub(crate) type Judged = (Decision, Option<Reservation>);

/// Whether a reading takes the meter to judge.
pub(crate) fn counts(observed: &Observed) -> bool {
    usable_and_metered(observed).is_some()
}

/// What nobody may use costs nothing: the gate refuses it as it is.
fn usable_and_metered(observed: &Observed) -> Option<&Entitlement> {
    observed
        .reading
        .entitlement
        .as_ref()
        .filter(|entitlement| entitlement.metered && entitlement.is_usable(observed.chain_time))
}

impl App {
    /// Decides by a reading of the chain that is as fresh as `freshness` says.
    ///
    /// # Errors
    /// [`ServiceError`] when it is not known what is left.
    pub(crate) async fn judge(
        &self,
        question: Question,
        metering: Metering,
        mut observed: Observed,
        freshness: Freshness,
    ) -> Result<Judged, ServiceError> {
        // Once with what is remembered, and once more with what the chain says now.
        loop {
            let last = !observed.remembered;
            let Some(entitlement) = usable_and_metered(&observed) else {
                return Ok((question.answer(reading(&observed)), None));
            };
            let Some(credits) = &self.credits else {
                // The product was sold by the call before, or will be.
                warn!("an entitlement counts calls, and nothing is configured to count them");
                return Err(GateError::CreditsUnavailable.into());
            };
            let address = *question.entitlement_address();
            let slot = observed.reading.slot;
            let taken = credits
                .meter
                .take(address, entitlement, slot, metering)
                .await;
            match taken {
                Ok(Metered::Taken(reservation)) => {
                    let left = left(&observed, entitlement, reservation.left_before());
                    return Ok((question.answer(left), Some(reservation)));
                }
                Ok(Metered::Short { remaining })
                    if last || !credits.meter.may_look_again(&address) =>
                {
                    let left = left(&observed, entitlement, remaining);
                    return Ok((question.answer(left), None));
                }
                Err(StoreError::Overloaded) => return Err(GateError::Overloaded.into()),
                Err(StoreError::Outdated) if last => {
                    return Err(GateError::ChainUnavailable.into());
                }
                Err(error @ (StoreError::Unavailable | StoreError::Damaged)) => {
                    warn!(%error, "the credits of an entitlement are not known");
                    return Err(GateError::CreditsUnavailable.into());
                }
                // More may have been bought since, or another life has begun.
                Ok(Metered::Short { .. }) | Err(StoreError::Outdated) => {
                    let newer = Freshness::Reread(freshness.claimed_slot());
                    let read = self.cache.get(key_of(&question), newer).await;
                    observed = read.map_err(|failure| {
                        // Whoever asks next must not be refused on what was not read.
                        credits.meter.forget_look(&address);
                        self.unreadable(failure)
                    })?;
                }
            }
        }
    }
}

/// The reading with as many credits as are left. Another replica may have seen more
/// granted than this reading has.
fn left(observed: &Observed, entitlement: &Entitlement, remaining: Credits) -> Reading {
    let granted = entitlement.credits_granted.max(remaining);
    let entitlement = Entitlement {
        credits_granted: granted,
        credits_used: granted.remaining_after(remaining),
        ..*entitlement
    };
    Reading::Known {
        entitlement: Box::new(entitlement),
        chain_time: observed.chain_time,
        slot: observed.reading.slot,
    }
}
