//! One request to a protected route: the gate decides, this carries it out.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use tollgate_client::UnixSeconds;
use tollgate_gate::headers::{
    BENEFICIARY, ENTITLEMENT, PRODUCT, SESSION, SESSION_EXPIRES, forbid_storing, keep_private,
};
use tollgate_gate::siwx::Timestamp;
use tollgate_gate::{
    Decision, Entitled, Entropy, GateError, Next, Question, Reading, Resolution, RouteMatch,
};
use tracing::{Span, warn};

use crate::app::App;
use crate::chain::{Freshness, Key, Observed, ReadFailure};
use crate::error::{RETRY_AFTER, ServiceError};
use crate::limits::ClientAddress;
use crate::market::Market;
use crate::metrics::LimitedBy;
use crate::nonces::NonceUse;
use crate::proxy::ProxyRequest;
use crate::request_id::RequestId;
use crate::request_record::{self, Outcome, Wait};

/// Answers a request that no endpoint of the service took.
pub(crate) async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    let market = match app.known_market() {
        Ok(market) => market,
        Err(error) => return error.into_response(),
    };
    let raw_path = request.uri().path();
    match market.table.resolve(request.method(), raw_path) {
        Ok(Resolution::Options { allow }) => {
            allowed(StatusCode::NO_CONTENT.into_response(), &allow.to_string())
        }
        Ok(Resolution::Route(matched)) => {
            request_record::route(matched.route.pattern().as_str());
            Passage {
                app: &app,
                market: &market,
                matched: &matched,
            }
            .answer(request)
            .await
            .unwrap_or_else(ServiceError::into_response)
        }
        Err(error) => {
            let response = ServiceError::from(error).into_response();
            match market.table.allow(raw_path) {
                Some(allow) if error == GateError::MethodNotAllowed => {
                    allowed(response, &allow.to_string())
                }
                _ => response,
            }
        }
    }
}

fn allowed(mut response: Response, methods: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(methods) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// The way of one request through the gate.
struct Passage<'a> {
    app: &'a App,
    market: &'a Market,
    matched: &'a RouteMatch,
}

impl Passage<'_> {
    async fn answer(&self, request: Request) -> Result<Response, ServiceError> {
        let now = now();
        let next = self.app.gate.open(self.matched, request.headers(), now);
        let decision = match next {
            Next::Done(decision) => decision,
            Next::Read(question) => self.read(question).await?,
        };
        match decision {
            Decision::Pass(_) => {
                request_record::conclude(Outcome::Free);
                self.forward(request, Vec::new()).await
            }
            Decision::Serve(entitled) => self.serve(request, &entitled, now).await,
            Decision::Challenge(due) => {
                // An old price is not asked for; and nobody is told "unpaid" by a
                // replica that has lost the chain.
                if !self.app.terms_are_current(self.market) {
                    return Err(GateError::OfferUnavailable.into());
                }
                let entropy = Entropy(rand::random());
                let challenge = self.app.gate.challenge(
                    &due,
                    self.matched,
                    request.uri().query(),
                    now,
                    &entropy,
                );
                request_record::conclude(Outcome::Challenged);
                Span::current().record("payment_id", challenge.payment_id().to_string());
                Ok(challenge.into_response().map(Body::from))
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
            Some(signed) if self.app.nonces.is_used(signed.nonce()) => {
                return Err(GateError::SiwxNonceUsed.into());
            }
            Some(_) => Freshness::JustSignedIn,
        };
        let key = Key {
            product: question.offer().product,
            beneficiary: *question.beneficiary(),
        };
        let asking = self.app.cache.get(key, freshness);
        let reading = match request_record::waiting(Wait::Chain, asking).await {
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

    /// Forwards a paid request and hands out a session token after a sign-in.
    async fn serve(
        &self,
        request: Request,
        entitled: &Entitled,
        now: UnixSeconds,
    ) -> Result<Response, ServiceError> {
        request_record::conclude(Outcome::Granted);
        self.app
            .counts
            .of_payer(entitled.address(), self.app.payer_rate)
            .map_err(|wait| {
                self.app.metrics.rate_limited(LimitedBy::Payer);
                ServiceError::until(GateError::RateLimited, wait)
            })?;
        // A sign-in is used up when it opens something: what ended in a 402 or 503
        // may be sent again.
        if let Some(signed) = entitled.fresh_sign_in() {
            match self.app.nonces.book(signed.nonce()) {
                NonceUse::First => {}
                NonceUse::Replayed => return Err(GateError::SiwxNonceUsed.into()),
                NonceUse::Full => return Err(GateError::Overloaded.into()),
            }
        }
        let response = self.forward(request, facts(entitled)).await;
        let mut response = match response {
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
        if let Some(token) = self.app.gate.session_for(entitled, now) {
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
        Ok(response)
    }

    async fn forward(
        &self,
        request: Request,
        mut facts: Vec<(HeaderName, HeaderValue)>,
    ) -> Result<Response, ServiceError> {
        let place = self
            .app
            .counts
            .upstream
            .take(self.app.max_upstream_requests)
            .ok_or(GateError::Overloaded)?;
        let (head, body) = request.into_parts();
        if let Some(id) = head.extensions.get::<RequestId>() {
            facts.push((RequestId::HEADER, id.value()));
        }
        let peer = head
            .extensions
            .get::<ClientAddress>()
            .map_or(IpAddr::from([0, 0, 0, 0]), |client| client.0);
        let forwarding = self.app.proxy.forward(ProxyRequest {
            method: head.method,
            path: self.matched.path.as_str(),
            query: head.uri.query(),
            headers: head.headers,
            body,
            peer,
            facts,
        });
        let response = request_record::waiting(Wait::Upstream, forwarding).await?;
        Ok(place.until_sent(response))
    }
}

/// What the upstream is told of a paid request.
fn facts(entitled: &Entitled) -> Vec<(HeaderName, HeaderValue)> {
    [
        (BENEFICIARY, entitled.entitlement().beneficiary.to_string()),
        (ENTITLEMENT, entitled.address().to_string()),
        (PRODUCT, entitled.offer().slug.to_string()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?)))
    .collect()
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
