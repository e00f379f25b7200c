//! The third step: what is answered, and what is recorded of it.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use tollgate_client::{PaymentId, UnixSeconds};
use tollgate_gate::{Entitled, Entropy, GateError, PaymentDue, RouteMatch};
use tracing::Span;

use super::held::Held;
use super::verdict::Verdict;
use super::way::Way;
use super::{Admission, Grant};
use crate::app::App;
use crate::audit::{self, Record, Trail};
use crate::error::ServiceError;
use crate::market::Market;
use crate::receipts::Served;
use crate::request_record::{self, Outcome};

/// A decision that takes effect when it is recorded.
#[derive(Debug)]
pub(super) struct Concluded {
    admission: Admission,
    /// How the request ends, where the answer itself does not say it.
    outcome: Option<Outcome>,
    /// What is to be recorded first.
    pub(super) records: Vec<Record>,
}

impl Concluded {
    /// What is to be recorded could not be: nothing of it counts.
    pub(super) async fn be_void(self) {
        if let Admission::Granted(_, grant) = self.admission {
            grant.held.give_back().await;
        }
    }

    /// What is to be recorded is: it counts.
    pub(super) fn take_effect(mut self) -> Admission {
        if let Some(outcome) = self.outcome {
            request_record::conclude(outcome);
        }
        if let Admission::Granted(_, grant) = &mut self.admission {
            grant.take_effect();
        }
        self.admission
    }
}

impl App {
    /// Turns a verdict into what is to be done and what is to be recorded of it.
    pub(super) fn conclude(
        &self,
        way: Way,
        verdict: Result<Verdict, ServiceError>,
        query: Option<&str>,
    ) -> Concluded {
        let Way {
            market,
            matched,
            method,
            now,
            mut trail,
            freshness: _,
        } = way;
        match verdict {
            Ok(Verdict::Free) => Concluded {
                admission: Admission::Free(matched),
                outcome: Some(Outcome::Free),
                records: Vec::new(),
            },
            Ok(Verdict::Entitled(entitled, held)) => {
                let served = Served {
                    matched: &matched,
                    method: &method,
                    query,
                };
                let grant = self.grant(entitled, held, served, now);
                let receipt = grant.receipts.as_ref().map(|issued| issued.id());
                let ended = audit::Outcome::Granted(&grant.entitled, receipt);
                Concluded {
                    outcome: Some(Outcome::Granted),
                    records: self.records(&trail, &ended),
                    admission: Admission::Granted(matched, Box::new(grant)),
                }
            }
            Ok(Verdict::Due(due)) => match self.challenge(&market, &matched, &due, query, now) {
                Ok((response, payment_id)) => {
                    trail.demanded(payment_id);
                    let ended = audit::Outcome::Challenged(due.reason().code());
                    Concluded {
                        admission: Admission::Answered(response),
                        outcome: Some(Outcome::Challenged),
                        records: self.records(&trail, &ended),
                    }
                }
                Err(error) => self.refuse(&trail, error),
            },
            Err(error) => self.refuse(&trail, error),
        }
    }

    fn refuse(&self, trail: &Trail, error: ServiceError) -> Concluded {
        Concluded {
            admission: Admission::Answered(error.into_response()),
            outcome: None,
            records: self.records(trail, &audit::Outcome::Refused(error)),
        }
    }

    fn grant(&self, entitled: Entitled, held: Held, served: Served<'_>, now: UnixSeconds) -> Grant {
        let session = self.gate.session_for(&entitled, now);
        let receipts = self
            .receipts
            .as_ref()
            .map(|desk| desk.issue(&self.gate, &entitled, served, now));
        Grant {
            entitled,
            session,
            held,
            receipts,
        }
    }

    fn challenge(
        &self,
        market: &Arc<Market>,
        matched: &RouteMatch,
        due: &PaymentDue,
        query: Option<&str>,
        now: UnixSeconds,
    ) -> Result<(Response, PaymentId), ServiceError> {
        // An old price is not asked for; and nobody is told "unpaid" by a replica
        // that has lost the chain.
        if !self.terms_are_current(market) {
            return Err(GateError::OfferUnavailable.into());
        }
        let entropy = Entropy(rand::random());
        let challenge = self.gate.challenge(due, matched, query, now, &entropy);
        let payment_id = *challenge.payment_id();
        Span::current().record("payment_id", tracing::field::display(&payment_id));
        Ok((challenge.into_response().map(Body::from), payment_id))
    }
}
