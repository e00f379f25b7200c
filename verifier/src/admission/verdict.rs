//! The second step: whether the caller may, by what the chain says.
//!
//! Whoever holds a usable entitlement is asked for what the request takes, the cheapest
//! first: its place in the payer's rate, then the credits, then the sign-in. So a
//! refusal takes nothing that has to be given back, as far as that is possible.
//!
//! Credits are taken before the gate is asked, and the gate gets a reading in which
//! what is used is taken off. So only the gate says "served" or "pay", and two
//! requests never get the same credit.

use tollgate_client::{Credits, Entitlement, Pubkey};
use tollgate_gate::{Decision, Entitled, GateError, Metering, PaymentDue, Question, Reading};
use tracing::warn;

use super::held::Held;
use super::way::Way;
use crate::app::App;
use crate::audit::Trail;
use crate::chain::{Freshness, Key, Observed, ReadFailure};
use crate::credits::{Metered, StoreError};
use crate::error::{RETRY_AFTER, ServiceError};
use crate::metrics::LimitedBy;
use crate::nonces::SignInUse;
use crate::request_record::{self, Wait};

/// Where a request stands.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The route is free.
    Free,
    /// The caller has paid, and this is what the request takes.
    Entitled(Entitled, Held),
    /// The caller has nothing usable.
    Due(PaymentDue),
}

impl Verdict {
    /// What the gate decided where the request takes nothing.
    ///
    /// # Errors
    /// The gate's refusal, or that it cannot be decided now.
    pub(super) fn of(decision: Decision) -> Result<Self, ServiceError> {
        Self::holding(decision, Held::default())
    }

    fn holding(decision: Decision, held: Held) -> Result<Self, ServiceError> {
        match decision {
            Decision::Pass(_) => Ok(Self::Free),
            Decision::Serve(entitled) => Ok(Self::Entitled(entitled, held)),
            Decision::Challenge(due) => Ok(Self::Due(due)),
            Decision::Refuse(error) => Err(error.into()),
            Decision::Unavailable { retry_after } => Err(ServiceError::until(
                GateError::ChainUnavailable,
                retry_after,
            )),
        }
    }
}

impl App {
    /// What memory says, where that is enough: the caller did not sign in just now, and
    /// nothing is counted, for which one may have to wait.
    pub(super) fn remembered(&self, question: &Question, freshness: Freshness) -> Option<Observed> {
        if question.fresh_sign_in().is_some() {
            return None;
        }
        self.cache
            .remembered(&key_of(question), freshness)
            .filter(|observed| !usable(observed).is_some_and(|found| found.metered))
    }

    /// The verdict by a reading of an entitlement that is not counted.
    ///
    /// # Errors
    /// A refusal.
    pub(super) fn judge(
        &self,
        question: Question,
        observed: &Observed,
        trail: &mut Trail,
    ) -> Result<Verdict, ServiceError> {
        trail.read_at(observed.reading.slot);
        if usable(observed).is_some() {
            self.within_rate(question.entitlement_address())?;
        }
        Verdict::of(question.answer(reading(observed)))
    }

    /// The verdict where that takes waiting.
    ///
    /// # Errors
    /// A refusal, or that it is not known.
    pub(super) async fn verdict(
        &self,
        way: &mut Way,
        question: Question,
    ) -> Result<Verdict, ServiceError> {
        // A replay must not even cost a reading.
        if let Some(signed) = question.fresh_sign_in()
            && self.nonces.is_used(signed.nonce()).await?
        {
            return Err(GateError::SiwxNonceUsed.into());
        }
        let freshness = way.freshness;
        let asking = self.cache.get(key_of(&question), freshness);
        let observed = match request_record::waiting(Wait::Chain, asking).await {
            Ok(observed) => observed,
            Err(ReadFailure::Overloaded) => return Err(GateError::Overloaded.into()),
            Err(failure) => {
                warn!(%failure, "the entitlement is not known");
                let reading = Reading::Unknown {
                    retry_after: RETRY_AFTER,
                };
                return Verdict::of(question.answer(reading));
            }
        };
        let counted = usable(&observed).is_some_and(|found| found.metered);
        let verdict = if counted {
            way.trail.read_at(observed.reading.slot);
            self.within_rate(question.entitlement_address())?;
            let metering = way.matched.route.metering();
            self.judge_counted(question, metering, observed, freshness)
                .await?
        } else {
            self.judge(question, &observed, &mut way.trail)?
        };
        self.use_sign_in(verdict).await
    }

    /// The verdict by a reading that is as fresh as `freshness` says, where credits are
    /// counted.
    async fn judge_counted(
        &self,
        question: Question,
        metering: Metering,
        mut observed: Observed,
        freshness: Freshness,
    ) -> Result<Verdict, ServiceError> {
        // Once with what is remembered, and once more with what the chain says now.
        loop {
            let last = !observed.remembered;
            // What nobody may use costs nothing: the gate refuses it as it is.
            let Some(entitlement) = usable(&observed).filter(|found| found.metered) else {
                return Verdict::of(question.answer(reading(&observed)));
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
                    let held = Held {
                        reservation: Some(reservation),
                        sign_in: None,
                    };
                    return Verdict::holding(question.answer(left), held);
                }
                Ok(Metered::Short { remaining })
                    if last || !credits.meter.may_look_again(&address) =>
                {
                    let left = left(&observed, entitlement, remaining);
                    return Verdict::of(question.answer(left));
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

    /// Whether whoever holds a usable entitlement asks no more often than it may.
    fn within_rate(&self, entitlement: &Pubkey) -> Result<(), ServiceError> {
        self.counts
            .of_payer(entitlement, self.payer_rate)
            .map_err(|wait| {
                self.metrics.rate_limited(LimitedBy::Payer);
                ServiceError::until(GateError::RateLimited, wait)
            })
    }

    /// A sign-in is used up when it opens something: what ended in a 402 or 503 may
    /// be sent again.
    async fn use_sign_in(&self, verdict: Verdict) -> Result<Verdict, ServiceError> {
        match verdict {
            Verdict::Entitled(entitled, mut held) => {
                if let Some(signed) = entitled.fresh_sign_in() {
                    let used = SignInUse::book(&self.nonces, signed.nonce()).await?;
                    held.sign_in = Some(used);
                }
                Ok(Verdict::Entitled(entitled, held))
            }
            Verdict::Free | Verdict::Due(_) => Ok(verdict),
        }
    }
}

/// The entitlement, if it can be used.
fn usable(observed: &Observed) -> Option<&Entitlement> {
    observed
        .reading
        .entitlement
        .as_ref()
        .filter(|entitlement| entitlement.is_usable(observed.chain_time))
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

fn key_of(question: &Question) -> Key {
    Key {
        product: question.offer().product,
        beneficiary: *question.beneficiary(),
    }
}

fn reading(observed: &Observed) -> Reading {
    let chain_time = observed.chain_time;
    let slot = observed.reading.slot;
    match &observed.reading.entitlement {
        Some(entitlement) => Reading::Known {
            entitlement: Box::new(*entitlement),
            chain_time,
            slot,
        },
        None => Reading::Absent { chain_time, slot },
    }
}
