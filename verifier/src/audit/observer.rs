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
    /// What is to be recorded of a decision: of those about paid routes everything,
    /// the others are the access log's matter.
    pub(crate) fn events(&self, trail: &Trail, outcome: &Outcome<'_>) -> Vec<Event> {
        let Some(log) = &self.audit else {
            return Vec::new();
        };
        let paid = |route: &Arc<Route>| matches!(route.access(), Access::Paid(_));
        if !trail.route.as_ref().is_some_and(paid) {
            return Vec::new();
        }
        let event = match outcome {
            Outcome::Granted(entitled, receipt) => Event {
                last_intent: Some(entitled.entitlement().last_intent),
                slot: Some(entitled.slot()),
                receipt: receipt.clone(),
                ..trail.event(Kind::Grant, "granted")
            },
            Outcome::Challenged(reason) => trail.event(Kind::Challenge, reason),
            Outcome::Refused(error) => trail.event(Kind::Refusal, error.code()),
        };
        let verified = match trail.beneficiary {
            Some((_, _, Proof::SignIn)) => Some(trail.event(Kind::Verification, event.code)),
            Some(_) | None => None,
        };
        let wanted = |event: &Event| log.wants(event.kind);
        verified.into_iter().chain([event]).filter(wanted).collect()
    }

    /// Records events if that takes no waiting.
    ///
    /// # Errors
    /// Those that there is no room for now.
    pub(crate) fn record_at_once(&self, events: Vec<Event>) -> Result<(), Vec<Event>> {
        let Some(log) = &self.audit else {
            return Ok(());
        };
        let mut events = events.into_iter();
        while let Some(event) = events.next() {
            if let Err(event) = log.record_at_once(event) {
                return Err([*event].into_iter().chain(events).collect());
            }
        }
        Ok(())
    }

    /// Records events, in their order.
    ///
    /// # Errors
    /// `overloaded` when there is no room for one and none may be missing: what they
    /// tell of must not take effect.
    pub(crate) async fn record(&self, events: Vec<Event>) -> Result<(), ServiceError> {
        let Some(log) = &self.audit else {
            return Ok(());
        };
        for event in events {
            log.record(event).await.map_err(|_| no_room())?;
        }
        Ok(())
    }

    /// Records that somebody asked about an entitlement.
    ///
    /// # Errors
    /// As [`App::record`].
    pub(crate) async fn witness_check(&self, event: Event) -> Result<(), ServiceError> {
        match &self.audit {
            Some(log) if log.wants(event.kind) => self.record(vec![event]).await,
            Some(_) | None => Ok(()),
        }
    }
}

fn no_room() -> ServiceError {
    GateError::Overloaded.into()
}
