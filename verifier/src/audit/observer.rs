//! What admission tells the log, for every way in.

use std::sync::Arc;

use tollgate_client::{PaymentId, Pubkey};
use tollgate_gate::{Access, Entitled, GateError, PaymentReason, Question, Route};

use super::{Event, Kind, Proof};
use crate::app::App;
use crate::error::ServiceError;
use crate::request_id::RequestId;

/// What became known on the way to a decision about a paid route, and how it ended.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    route: Option<Arc<Route>>,
    /// Who asked, for which entitlement account, and how that was proved.
    caller: Option<(Pubkey, Pubkey, Proof)>,
    slot: Option<u64>,
    payment_id: Option<PaymentId>,
    last_intent: Option<Pubkey>,
    receipt: Option<Arc<str>>,
    end: Option<(Kind, &'static str)>,
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
        self.caller = Some((
            *question.beneficiary(),
            *question.entitlement_address(),
            proof,
        ));
    }

    pub(crate) fn read_at(&mut self, slot: u64) {
        self.slot = Some(slot);
    }

    pub(crate) fn granted(&mut self, entitled: &Entitled, receipt: Option<Arc<str>>) {
        self.slot = Some(entitled.slot());
        self.last_intent = Some(entitled.entitlement().last_intent);
        self.receipt = receipt;
        self.end = Some((Kind::Grant, "granted"));
    }

    pub(crate) fn demanded(&mut self, payment_id: PaymentId, reason: PaymentReason) {
        self.payment_id = Some(payment_id);
        self.end = Some((Kind::Challenge, reason.code()));
    }

    pub(crate) fn refused(&mut self, error: ServiceError) {
        self.end = Some((Kind::Refusal, error.code()));
    }

    /// The records of this decision; none where nothing that is sold was asked for:
    /// that is the access log's matter.
    fn events(&self) -> Vec<Event> {
        let (Some(route), Some((kind, code))) = (&self.route, self.end) else {
            return Vec::new();
        };
        let Access::Paid(offer) = route.access() else {
            return Vec::new();
        };
        let event = Event {
            request: RequestId::current(),
            route: Some(Arc::clone(route)),
            product: Some(offer.slug),
            beneficiary: self.caller.map(|(key, _, _)| key),
            proof: self.caller.map(|(_, _, proof)| proof),
            entitlement: self.caller.map(|(_, address, _)| address),
            slot: self.slot,
            last_intent: self.last_intent,
            payment_id: self.payment_id,
            receipt: self.receipt.clone(),
            ..Event::new(kind, code)
        };
        if let Some((_, _, Proof::SignIn)) = self.caller {
            let verified = Event {
                kind: Kind::Verification,
                last_intent: None,
                payment_id: None,
                receipt: None,
                ..event.clone()
            };
            return vec![verified, event];
        }
        vec![event]
    }
}

impl App {
    /// Records a decision without waiting.
    ///
    /// # Errors
    /// The records that found no room and must not be missing: the decision may take
    /// effect when [`App::witness_patiently`] found it.
    pub(crate) fn witness(&self, trail: &Trail) -> Result<(), Vec<Event>> {
        let Some(log) = &self.audit else {
            return Ok(());
        };
        let mut events = trail.events();
        while let Some(event) = events.first() {
            if !log.offer(event) {
                return Err(events);
            }
            events.remove(0);
        }
        Ok(())
    }

    /// Records what found no room before.
    ///
    /// # Errors
    /// `overloaded` when there is still none: the decision must not take effect.
    pub(crate) async fn witness_patiently(&self, events: Vec<Event>) -> Result<(), ServiceError> {
        if let Some(log) = &self.audit {
            for event in events {
                log.record(event).await.map_err(|_| GateError::Overloaded)?;
            }
        }
        Ok(())
    }
}
