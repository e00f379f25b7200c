//! What admission tells the log, for every way in.

use std::sync::Arc;

use tollgate_client::{PaymentId, Pubkey};
use tollgate_gate::{Access, Entitled, GateError, Question, Route};

use super::{Event, Kind, Proof};
use crate::app::App;
use crate::error::ServiceError;
use crate::request_id::RequestId;

/// What became known on the way to a decision about a paid route.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    route: Option<Arc<Route>>,
    beneficiary: Option<(Pubkey, Pubkey, Proof)>,
    slot: Option<u64>,
    payment_id: Option<PaymentId>,
}

/// How a decision ended.
#[derive(Clone, Debug)]
pub(crate) enum Outcome<'a> {
    /// Let through, with the receipt's id.
    Granted(&'a Entitled, Option<Arc<str>>),
    /// A 402, for this reason.
    Challenged(&'static str),
    /// Refused, or not decidable now.
    Refused(ServiceError),
}

impl Trail {
    pub(crate) fn route(&mut self, route: &Arc<Route>) {
        self.route = Some(Arc::clone(route));
    }

    pub(crate) fn asks(&mut self, question: &Question) {
        let proof = match question.fresh_sign_in() {
            Some(_) => Proof::SignIn,
            None => Proof::Session,
        };
        self.beneficiary = Some((
            *question.beneficiary(),
            *question.entitlement_address(),
            proof,
        ));
    }

    pub(crate) fn read_at(&mut self, slot: u64) {
        self.slot = Some(slot);
    }

    pub(crate) fn demanded(&mut self, payment_id: PaymentId) {
        self.payment_id = Some(payment_id);
    }

    fn event(&self, kind: Kind, code: &'static str) -> Event {
        let product = self.route.as_ref().and_then(|route| match route.access() {
            Access::Paid(offer) => Some(offer.slug),
            Access::Free => None,
        });
        Event {
            request: RequestId::current(),
            route: self.route.clone(),
            product,
            beneficiary: self.beneficiary.map(|(key, _, _)| key),
            proof: self.beneficiary.map(|(_, _, proof)| proof),
            entitlement: self.beneficiary.map(|(_, address, _)| address),
            slot: self.slot,
            payment_id: self.payment_id,
            ..Event::new(kind, code)
        }
    }
}

impl App {
    /// Records a decision about a paid route; others are the access log's matter.
    ///
    /// # Errors
    /// `overloaded` when there is no room for the record and none may be missing.
    pub(crate) async fn witness(
        &self,
        trail: &Trail,
        outcome: Outcome<'_>,
    ) -> Result<(), ServiceError> {
        let Some(log) = &self.audit else {
            return Ok(());
        };
        let paid = |route: &Arc<Route>| matches!(route.access(), Access::Paid(_));
        if !trail.route.as_ref().is_some_and(paid) {
            return Ok(());
        }
        let event = match &outcome {
            Outcome::Granted(entitled, receipt) => Event {
                last_intent: Some(entitled.entitlement().last_intent),
                slot: Some(entitled.slot()),
                receipt: receipt.clone(),
                ..trail.event(Kind::Grant, "granted")
            },
            Outcome::Challenged(reason) => trail.event(Kind::Challenge, reason),
            Outcome::Refused(error) => trail.event(Kind::Refusal, error.code()),
        };
        if let Some((_, _, Proof::SignIn)) = trail.beneficiary
            && log.wants(Kind::Verification)
        {
            let verified = trail.event(Kind::Verification, event.code);
            log.record(verified).await.map_err(|_| no_room())?;
        }
        log.record(event).await.map_err(|_| no_room())
    }

    /// Records that somebody asked about an entitlement.
    ///
    /// # Errors
    /// As [`App::witness`].
    pub(crate) async fn witness_check(&self, event: Event) -> Result<(), ServiceError> {
        match &self.audit {
            Some(log) => log.record(event).await.map_err(|_| no_room()),
            None => Ok(()),
        }
    }
}

fn no_room() -> ServiceError {
    GateError::Overloaded.into()
}
