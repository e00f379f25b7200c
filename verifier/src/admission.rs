//! The one decision about a request, for every way in: the reverse proxy, the
//! forward-auth endpoint and the tower layer ask here and only carry out the answer.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tollgate_client::UnixSeconds;
use tollgate_gate::headers::{
    BENEFICIARY, ENTITLEMENT, PRODUCT, SESSION, SESSION_EXPIRES, forbid_storing, keep_private,
};
use tollgate_gate::session::SessionToken;
use tollgate_gate::siwx::Timestamp;
use tollgate_gate::{
    Decision, Entitled, Entropy, GateError, Next, PaymentDue, Question, Reading, Resolution,
    RouteMatch,
};
use tracing::{Span, warn};

use crate::app::App;
use crate::chain::{Freshness, Key, Observed, ReadFailure};
use crate::embedded::PaidAccess;
use crate::error::{RETRY_AFTER, ServiceError};
use crate::market::Market;
use crate::nonces::NonceUse;

/// The parts of a request that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    /// As the caller spelt it; the decision and the upstream use the canonical form.
    pub(crate) raw_path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
}

/// What is to be done with a request.
#[derive(Debug)]
pub(crate) enum Admission {
    /// Let it through: the route is free, and nobody was asked who they are.
    Free(RouteMatch),
    /// Let it through, and say so to the caller.
    Granted(RouteMatch, Box<Grant>),
    /// Keep it out: this is the whole answer (402, a refusal, or that of `OPTIONS`).
    Answered(Response),
}

/// Leave to serve one paid request.
#[derive(Debug)]
pub(crate) struct Grant {
    entitled: Entitled,
    /// For a caller who signed in with this request.
    session: Option<SessionToken>,
}

impl Grant {
    /// What a handler in this process is told of the caller.
    pub(crate) fn access(&self) -> PaidAccess {
        PaidAccess::of(&self.entitled)
    }

    /// What the server behind the gate is told of the caller.
    pub(crate) fn facts(&self) -> Vec<(HeaderName, HeaderValue)> {
        [
            (
                BENEFICIARY,
                self.entitled.entitlement().beneficiary.to_string(),
            ),
            (ENTITLEMENT, self.entitled.address().to_string()),
            (PRODUCT, self.entitled.offer().slug.to_string()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?)))
        .collect()
    }

    /// Completes the answer to the caller: nobody else may keep it, and a caller who
    /// signed in gets a session token, whatever the server behind the gate said.
    pub(crate) fn complete(&self, answer: Result<Response, ServiceError>) -> Response {
        let mut response = match answer {
            Ok(response) if response.status() == StatusCode::PAYMENT_REQUIRED => {
                // The upstream's own 402 would make the caller pay again.
                warn!("the upstream answered 402 to a paid request");
                ServiceError::from(GateError::UpstreamUnavailable).into_response()
            }
            Ok(mut response) => {
                keep_private(response.headers_mut());
                response
            }
            Err(error) => error.into_response(),
        };
        if let Some(token) = &self.session {
            let headers = response.headers_mut();
            if let Ok(mut value) = HeaderValue::from_str(token.expose()) {
                value.set_sensitive(true);
                headers.insert(SESSION, value);
            }
            if let Some(Ok(value)) = Timestamp(token.expires_at())
                .to_text()
                .map(|text| HeaderValue::from_str(&text))
            {
                headers.insert(SESSION_EXPIRES, value);
            }
            // Whoever could read a stored copy would have the token.
            forbid_storing(headers);
        }
        response
    }
}

/// How far a decision came without waiting.
#[derive(Debug)]
pub(crate) enum Begun {
    /// All the way.
    Decided(Admission),
    /// To a reading of the chain; [`App::finish`] goes on.
    Waiting(Box<Waiting>),
}

/// A decision that needs a reading. Owns all it needs, so that a way in may keep
/// it beside the request.
#[derive(Debug)]
pub(crate) struct Waiting {
    market: Arc<Market>,
    matched: RouteMatch,
    question: Question,
    now: UnixSeconds,
}

impl App {
    /// Decides about one request.
    pub(crate) async fn admit(&self, asked: Asked<'_>) -> Admission {
        match self.begin(asked) {
            Begun::Decided(admission) => admission,
            Begun::Waiting(waiting) => self.finish(*waiting, asked.query).await,
        }
    }

    /// Decides as far as that takes no waiting: all the way for free routes, for
    /// strangers, for refusals, and for sessions whose entitlement is in memory.
    pub(crate) fn begin(&self, asked: Asked<'_>) -> Begun {
        self.try_begin(asked)
            .unwrap_or_else(|error| Begun::Decided(Admission::Answered(error.into_response())))
    }

    /// Decides what [`App::begin`] could not. `query` is that of the request.
    pub(crate) async fn finish(&self, waiting: Waiting, query: Option<&str>) -> Admission {
        let Waiting {
            market,
            matched,
            question,
            now,
        } = waiting;
        match self.read(question).await {
            Ok(decision) => self.carry_out(&market, matched, decision, query, now),
            Err(error) => Err(error),
        }
        .unwrap_or_else(|error| Admission::Answered(error.into_response()))
    }

    fn try_begin(&self, asked: Asked<'_>) -> Result<Begun, ServiceError> {
        let market = self.known_market()?;
        let matched = match market.table.resolve(asked.method, asked.raw_path) {
            Ok(Resolution::Options { allow }) => {
                let response = StatusCode::NO_CONTENT.into_response();
                let response = allowed(response, &allow.to_string());
                return Ok(Begun::Decided(Admission::Answered(response)));
            }
            Ok(Resolution::Route(matched)) => matched,
            Err(GateError::MethodNotAllowed) => {
                let response = ServiceError::from(GateError::MethodNotAllowed).into_response();
                let allow = market.table.allow(asked.raw_path);
                return Ok(Begun::Decided(Admission::Answered(match allow {
                    Some(allow) => allowed(response, &allow.to_string()),
                    None => response,
                })));
            }
            Err(error) => return Err(error.into()),
        };
        Span::current().record("route", tracing::field::display(matched.route.pattern()));
        let now = now();
        let decision = match self.gate.open(&matched, asked.headers, now) {
            Next::Done(decision) => decision,
            Next::Read(question) => match self.remembered(&question) {
                Some(observed) => question.answer(reading(&observed)),
                None => {
                    return Ok(Begun::Waiting(Box::new(Waiting {
                        market,
                        matched,
                        question,
                        now,
                    })));
                }
            },
        };
        self.carry_out(&market, matched, decision, asked.query, now)
            .map(Begun::Decided)
    }

    /// What memory says, for a caller to whom memory may answer.
    fn remembered(&self, question: &Question) -> Option<Observed> {
        if question.fresh_sign_in().is_some() {
            return None;
        }
        self.cache
            .remembered(&key_of(question), Freshness::Remembered)
    }

    fn carry_out(
        &self,
        market: &Arc<Market>,
        matched: RouteMatch,
        decision: Decision,
        query: Option<&str>,
        now: UnixSeconds,
    ) -> Result<Admission, ServiceError> {
        match decision {
            Decision::Pass(_) => Ok(Admission::Free(matched)),
            Decision::Serve(entitled) => {
                let grant = self.grant(entitled, now)?;
                Ok(Admission::Granted(matched, Box::new(grant)))
            }
            Decision::Challenge(due) => {
                let response = self.challenge(market, &matched, &due, query, now)?;
                Ok(Admission::Answered(response))
            }
            Decision::Refuse(error) => Err(error.into()),
            Decision::Unavailable { .. } => Err(GateError::ChainUnavailable.into()),
        }
    }

    /// Reads what the gate asks for.
    async fn read(&self, question: Question) -> Result<Decision, ServiceError> {
        let freshness = match question.fresh_sign_in() {
            None => Freshness::Remembered,
            // A replay must not even cost a reading.
            Some(signed) if self.nonces.is_used(signed.nonce()) => {
                return Err(GateError::SiwxNonceUsed.into());
            }
            Some(_) => Freshness::JustSignedIn,
        };
        let reading = match self.cache.get(key_of(&question), freshness).await {
            Ok(observed) => reading(&observed),
            Err(ReadFailure::Overloaded) => return Err(GateError::Overloaded.into()),
            Err(failure) => {
                warn!(%failure, "the entitlement is not known");
                Reading::Unknown {
                    retry_after: RETRY_AFTER,
                }
            }
        };
        Ok(question.answer(reading))
    }

    /// A sign-in is used up when it opens something: what ended in a 402 or 503 may
    /// be sent again.
    fn grant(&self, entitled: Entitled, now: UnixSeconds) -> Result<Grant, ServiceError> {
        if let Some(signed) = entitled.fresh_sign_in() {
            match self.nonces.book(signed.nonce()) {
                NonceUse::First => {}
                NonceUse::Replayed => return Err(GateError::SiwxNonceUsed.into()),
                NonceUse::Full => return Err(GateError::Overloaded.into()),
            }
        }
        let session = self.gate.session_for(&entitled, now);
        Ok(Grant { entitled, session })
    }

    fn challenge(
        &self,
        market: &Arc<Market>,
        matched: &RouteMatch,
        due: &PaymentDue,
        query: Option<&str>,
        now: UnixSeconds,
    ) -> Result<Response, ServiceError> {
        // An old price is not asked for; and nobody is told "unpaid" by a replica
        // that has lost the chain.
        if !self.terms_are_current(market) {
            return Err(ServiceError::OfferUnavailable);
        }
        let entropy = Entropy(rand::random());
        let challenge = self.gate.challenge(due, matched, query, now, &entropy);
        Span::current().record("payment_id", challenge.payment_id().to_string());
        Ok(challenge.into_response().map(Body::from))
    }
}

fn allowed(mut response: Response, methods: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(methods) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
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

/// This machine's clock: for proofs of identity only. Entitlements are judged by
/// chain time.
fn now() -> UnixSeconds {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    UnixSeconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}
