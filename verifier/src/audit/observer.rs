//! What admission tells the log, for every way in.

use std::borrow::Cow;
use std::sync::Arc;

use tollgate_client::{PaymentId, Pubkey};
use tollgate_gate::{Access, Entitled, GateError, Question, Route};

use super::{Kind, Proof, Record};
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

    fn record(&self, kind: Kind, code: impl Into<Cow<'static, str>>) -> Record {
        let product = self.route.as_ref().and_then(|route| match route.access() {
            Access::Paid(offer) => Some(offer.slug.to_string()),
            Access::Free => None,
        });
        Record {
            request: RequestId::current(),
            route: self.route.as_ref().map(|route| route.pattern().to_string()),
            product,
            beneficiary: self.beneficiary.map(|(key, _, _)| key),
            proof: self.beneficiary.map(|(_, _, proof)| proof),
            entitlement: self.beneficiary.map(|(_, address, _)| address),
            slot: self.slot,
            payment_id: self.payment_id,
            ..Record::of_decision(kind, code)
        }
    }
}

impl App {
    /// What is to be recorded of a decision: of those about paid routes everything,
    /// the others are the access log's matter.
    pub(crate) fn records(&self, trail: &Trail, outcome: &Outcome<'_>) -> Vec<Record> {
        let Some(log) = &self.audit else {
            return Vec::new();
        };
        let paid = |route: &Arc<Route>| matches!(route.access(), Access::Paid(_));
        if !trail.route.as_ref().is_some_and(paid) {
            return Vec::new();
        }
        let record = match outcome {
            Outcome::Granted(entitled, receipt) => Record {
                last_intent: Some(entitled.entitlement().last_intent),
                slot: Some(entitled.slot()),
                receipt: receipt.as_deref().map(str::to_owned),
                ..trail.record(Kind::Grant, "granted")
            },
            Outcome::Challenged(reason) => trail.record(Kind::Challenge, *reason),
            Outcome::Refused(error) => trail.record(Kind::Refusal, error.code()),
        };
        let verified = match trail.beneficiary {
            Some((_, _, Proof::SignIn)) => {
                let code = record.code.clone().unwrap_or_default();
                Some(trail.record(Kind::Verification, code))
            }
            Some(_) | None => None,
        };
        let wanted = |record: &Record| log.wants(record.kind);
        verified
            .into_iter()
            .chain([record])
            .filter(wanted)
            .collect()
    }

    /// Queues records if that takes no waiting.
    ///
    /// # Errors
    /// Those that there is no room for now.
    pub(crate) fn record_at_once(&self, records: Vec<Record>) -> Result<(), Vec<Record>> {
        let Some(log) = &self.audit else {
            return Ok(());
        };
        let mut records = records.into_iter();
        while let Some(record) = records.next() {
            if let Err(record) = log.record_at_once(record) {
                return Err([*record].into_iter().chain(records).collect());
            }
        }
        Ok(())
    }

    /// Queues records, in their order.
    ///
    /// # Errors
    /// `overloaded` when there is no room for one and none may be missing: what they
    /// tell of must not take effect.
    pub(crate) async fn record(&self, records: Vec<Record>) -> Result<(), ServiceError> {
        let Some(log) = &self.audit else {
            return Ok(());
        };
        for record in records {
            log.record(record).await.map_err(|_| no_room())?;
        }
        Ok(())
    }

    /// Records that somebody asked about an entitlement.
    ///
    /// # Errors
    /// As [`App::record`].
    pub(crate) async fn witness_check(&self, record: Record) -> Result<(), ServiceError> {
        match &self.audit {
            Some(log) if log.wants(record.kind) => self.record(vec![record]).await,
            Some(_) | None => Ok(()),
        }
    }
}

fn no_room() -> ServiceError {
    GateError::Overloaded.into()
}
