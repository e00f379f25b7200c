//! What is to be done with a request.
//!
//! A decision is taken in steps, and each goes as far as it can without waiting:
//! a session whose entitlement is in memory, a stranger or a free route costs no
//! future. What waits is a reading of the chain, the store of credits, the store of
//! used sign-ins, and room in the audit log.
//!
//! Nothing takes effect before it is recorded, where decisions are recorded.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};
use tollgate_client::{PaymentId, UnixSeconds};
use tollgate_gate::{
    Decision, Entitled, Entropy, GateError, Metering, Next, PaymentDue, Question, Reading,
    Resolution, RouteMatch,
};
use tracing::{Span, warn};

use super::{Admission, Asked, Grant};
use crate::app::App;
use crate::audit::{Event, Outcome, Trail};
use crate::chain::{Freshness, Key, Observed, ReadFailure};
use crate::error::{RETRY_AFTER, ServiceError};
use crate::market::Market;
use crate::metered::{self, Judged};
use crate::metrics::LimitedBy;
use crate::nonces::NonceUse;
use crate::receipts::Served;
use crate::request_record::{self, Wait};

/// How far a decision came without waiting.
#[derive(Debug)]
pub(crate) enum Begun {
    /// All the way.
    Decided(Admission),
    /// [`App::finish`] goes on.
    Waiting(Box<Waiting>),
}

/// A decision that has to wait. Owns all it needs, so that a way in may keep it
/// beside the request.
#[derive(Debug)]
pub(crate) struct Waiting(Step);

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a step that waits is boxed")]
enum Step {
    /// The chain has to be read, or credits be taken.
    Read(Way, Question),
    /// What was decided has to be recorded first.
    Record(Decided),
}

/// A request that found its route.
#[derive(Debug)]
struct Way {
    market: Arc<Market>,
    matched: RouteMatch,
    method: Method,
    now: UnixSeconds,
    /// Whoever proved a key is not turned away on what is remembered.
    freshness: Freshness,
    trail: Trail,
}

/// A decision that takes effect when its events are recorded.
#[derive(Debug)]
struct Decided {
    admission: Result<Admission, ServiceError>,
    events: Vec<Event>,
}

impl Decided {
    fn take_effect(self) -> Admission {
        if let Ok(Admission::Granted(_, grant)) = &self.admission {
            grant.take_effect();
        }
        self.admission
            .unwrap_or_else(|error| Admission::Answered(error.into_response()))
    }
}

impl App {
    /// Decides about one request.
    pub(crate) async fn admit(&self, asked: Asked<'_>) -> Admission {
        match self.begin(asked) {
            Begun::Decided(admission) => admission,
            Begun::Waiting(waiting) => self.finish(*waiting, asked.query).await,
        }
    }

    /// Decides as far as that takes no waiting.
    pub(crate) fn begin(&self, asked: Asked<'_>) -> Begun {
        let mut way = match self.route(asked) {
            Ok(way) => way,
            Err(answer) => return Begun::Decided(Admission::Answered(*answer)),
        };
        let judged = match self.gate.open(&way.matched, asked.headers, way.now) {
            Next::Done(decision) => (decision, None),
            Next::Read(question) => {
                way.trail.asks(&question);
                match self.remembered(&question, way.freshness) {
                    // Taking credits may mean waiting for the store.
                    Some(observed) if !metered::counts(&observed) => {
                        way.trail.read_at(observed.reading.slot);
                        (question.answer(reading(&observed)), None)
                    }
                    Some(_) | None => {
                        return Begun::Waiting(Box::new(Waiting(Step::Read(way, question))));
                    }
                }
            }
        };
        let judged = self.within_rate(&judged.0).map(|()| judged);
        let mut decided = self.decide(way, judged, asked.query);
        match self.record_at_once(std::mem::take(&mut decided.events)) {
            Ok(()) => Begun::Decided(decided.take_effect()),
            Err(events) => {
                decided.events = events;
                Begun::Waiting(Box::new(Waiting(Step::Record(decided))))
            }
        }
    }

    /// Decides what [`App::begin`] could not. `query` is that of the request.
    pub(crate) async fn finish(&self, waiting: Waiting, query: Option<&str>) -> Admission {
        let mut decided = match waiting.0 {
            Step::Record(decided) => decided,
            Step::Read(mut way, question) => {
                let metering = way.matched.route.metering();
                let freshness = way.freshness;
                let judged = self
                    .read(question, metering, freshness, &mut way.trail)
                    .await;
                let judged = match judged {
                    Ok(judged) => match self.within_rate(&judged.0) {
                        Ok(()) => self.book(&judged.0).await.map(|()| judged),
                        Err(error) => Err(error),
                    },
                    Err(error) => Err(error),
                };
                self.decide(way, judged, query)
            }
        };
        match self.record(std::mem::take(&mut decided.events)).await {
            Ok(()) => decided.take_effect(),
            Err(error) => Admission::Answered(error.into_response()),
        }
    }

    /// The route of a request, or the answer where there is none.
    fn route(&self, asked: Asked<'_>) -> Result<Way, Box<Response>> {
        let refused = |error: ServiceError| Box::new(error.into_response());
        let market = self.known_market().map_err(refused)?;
        let matched = match market.table.resolve(asked.method, asked.raw_path) {
            Ok(Resolution::Route(matched)) => matched,
            Ok(Resolution::Options { allow }) => {
                let response = StatusCode::NO_CONTENT.into_response();
                return Err(Box::new(allowed(response, &allow.to_string())));
            }
            Err(error) => {
                let response = ServiceError::from(error).into_response();
                return Err(Box::new(match market.table.allow(asked.raw_path) {
                    Some(allow) if error == GateError::MethodNotAllowed => {
                        allowed(response, &allow.to_string())
                    }
                    Some(_) | None => response,
                }));
            }
        };
        if asked.websocket && !market.allows_websocket(&matched.route) {
            return Err(refused(GateError::UpgradeNotSupported.into()));
        }
        request_record::route(matched.route.pattern().as_str());
        let mut trail = Trail::default();
        trail.route(&matched.route);
        Ok(Way {
            market,
            matched,
            method: asked.method.clone(),
            now: now(),
            freshness: asked.freshness(),
            trail,
        })
    }

    /// What memory says, for a caller to whom memory may answer.
    fn remembered(&self, question: &Question, freshness: Freshness) -> Option<Observed> {
        if question.fresh_sign_in().is_some() {
            return None;
        }
        self.cache.remembered(&key_of(question), freshness)
    }

    /// Reads what the gate asks for, and lets it answer.
    async fn read(
        &self,
        question: Question,
        metering: Metering,
        freshness: Freshness,
        trail: &mut Trail,
    ) -> Result<Judged, ServiceError> {
        // A replay must not even cost a reading.
        if let Some(signed) = question.fresh_sign_in()
            && self.nonces.is_used(signed.nonce()).await?
        {
            return Err(GateError::SiwxNonceUsed.into());
        }
        let asking = self.cache.get(key_of(&question), freshness);
        match request_record::waiting(Wait::Chain, asking).await {
            Ok(observed) => {
                trail.read_at(observed.reading.slot);
                self.judge(question, metering, observed, freshness).await
            }
            Err(ReadFailure::Overloaded) => Err(GateError::Overloaded.into()),
            Err(failure) => {
                warn!(%failure, "the entitlement is not known");
                let reading = Reading::Unknown {
                    retry_after: RETRY_AFTER,
                };
                Ok((question.answer(reading), None))
            }
        }
    }

    /// Whether whoever has paid asks no more often than it may.
    fn within_rate(&self, decision: &Decision) -> Result<(), ServiceError> {
        let Decision::Serve(entitled) = decision else {
            return Ok(());
        };
        self.counts
            .of_payer(entitled.address(), self.payer_rate)
            .map_err(|wait| {
                self.metrics.rate_limited(LimitedBy::Payer);
                ServiceError::until(GateError::RateLimited, wait)
            })
    }

    /// A sign-in is used up when it opens something: what ended in a 402 or 503 may
    /// be sent again.
    async fn book(&self, decision: &Decision) -> Result<(), ServiceError> {
        let Decision::Serve(entitled) = decision else {
            return Ok(());
        };
        let Some(signed) = entitled.fresh_sign_in() else {
            return Ok(());
        };
        match self.nonces.book(signed.nonce()).await? {
            NonceUse::First => Ok(()),
            NonceUse::Replayed => Err(GateError::SiwxNonceUsed.into()),
            NonceUse::Full => Err(GateError::Overloaded.into()),
        }
    }

    /// Turns a judgement into what is to be done and what is to be recorded of it.
    fn decide(
        &self,
        way: Way,
        judged: Result<Judged, ServiceError>,
        query: Option<&str>,
    ) -> Decided {
        let Way {
            market,
            matched,
            method,
            now,
            mut trail,
            freshness: _,
        } = way;
        let ended = judged.and_then(|(decision, reservation)| match decision {
            Decision::Pass(_) => {
                request_record::conclude(request_record::Outcome::Free);
                Ok((None, Vec::new()))
            }
            Decision::Serve(entitled) => {
                request_record::conclude(request_record::Outcome::Granted);
                let served = Served {
                    matched: &matched,
                    method: &method,
                    query,
                };
                let grant = self.grant(entitled, reservation, served, now);
                let receipt = grant.receipts.as_ref().map(|issued| issued.id());
                let events = self.events(&trail, &Outcome::Granted(&grant.entitled, receipt));
                Ok((Some(Ok(Box::new(grant))), events))
            }
            Decision::Challenge(due) => {
                let (response, payment_id) = self.challenge(&market, &matched, &due, query, now)?;
                request_record::conclude(request_record::Outcome::Challenged);
                trail.demanded(payment_id);
                let events = self.events(&trail, &Outcome::Challenged(due.reason().code()));
                Ok((Some(Err(response)), events))
            }
            Decision::Refuse(error) => Err(error.into()),
            Decision::Unavailable { .. } => Err(GateError::ChainUnavailable.into()),
        });
        match ended {
            Ok((admission, events)) => Decided {
                admission: Ok(match admission {
                    None => Admission::Free(matched),
                    Some(Ok(grant)) => Admission::Granted(matched, grant),
                    Some(Err(response)) => Admission::Answered(response),
                }),
                events,
            },
            Err(error) => Decided {
                admission: Err(error),
                events: self.events(&trail, &Outcome::Refused(error)),
            },
        }
    }

    fn grant(
        &self,
        entitled: Entitled,
        reservation: Option<crate::credits::Reservation>,
        served: Served<'_>,
        now: UnixSeconds,
    ) -> Grant {
        let session = self.gate.session_for(&entitled, now);
        let receipts = self
            .receipts
            .as_ref()
            .map(|desk| desk.issue(&self.gate, &entitled, served, now));
        Grant {
            entitled,
            session,
            reservation,
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
        Span::current().record("payment_id", payment_id.to_string());
        Ok((challenge.into_response().map(Body::from), payment_id))
    }
}

fn allowed(mut response: Response, methods: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(methods) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

pub(crate) fn key_of(question: &Question) -> Key {
    Key {
        product: question.offer().product,
        beneficiary: *question.beneficiary(),
    }
}

pub(crate) fn reading(observed: &Observed) -> Reading {
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

/// This machine's clock: for proofs of identity only. Entitlements are judged by
/// chain time.
fn now() -> UnixSeconds {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    UnixSeconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}
