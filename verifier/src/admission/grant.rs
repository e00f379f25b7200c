//! Leave to serve one paid request, and what goes with it: what the server behind the
//! gate is told, what the caller gets besides the answer, and what it costs.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use tollgate_gate::headers::{
    BENEFICIARY, CREDITS_REMAINING, ENTITLEMENT, PRODUCT, SESSION, SESSION_EXPIRES, forbid_storing,
    keep_private,
};
use tollgate_gate::session::SessionToken;
use tollgate_gate::siwx::Timestamp;
use tollgate_gate::{Entitled, GateError, Outcome};
use tracing::warn;

use super::held::Held;
use crate::chain::Key;
use crate::embedded::PaidAccess;
use crate::error::ServiceError;
use crate::receipts::Issued;
use crate::tenure::Tenure;

/// Leave to serve one paid request.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(super) entitled: Entitled,
    /// For a caller who signed in with this request.
    pub(super) session: Option<SessionToken>,
    /// What the request has taken.
    pub(super) held: Held,
    pub(super) receipts: Option<Arc<Issued>>,
}

impl Grant {
    /// From now on the request may be served, and counts as such when nothing is heard
    /// of it again.
    pub(super) fn take_effect(&mut self) {
        self.held.take_effect();
    }

    /// How long a connection may stay that outlives its request.
    pub(crate) fn tenure(&self) -> Tenure {
        let entitlement = self.entitled.entitlement();
        let key = Key {
            product: self.entitled.offer().product,
            beneficiary: entitlement.beneficiary,
        };
        Tenure::new(key, entitlement, self.entitled.chain_time())
    }

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
        let reservation = self.held.reservation.as_ref();
        let credits_left = reservation.map(|reservation| reservation.end(outcome(&answer)));
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
        let status = response.status();
        let headers = response.headers_mut();
        if let Some(left) = credits_left {
            headers.insert(CREDITS_REMAINING, HeaderValue::from(left.0));
        }
        if let Some(receipts) = &self.receipts {
            receipts.put_on(status, headers);
        }
        if let Some(token) = &self.session {
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

/// What an answer means for the credits: those of this service are failures, its
/// replacement of an upstream's 402 among them.
fn outcome(answer: &Result<Response, ServiceError>) -> Outcome {
    match answer {
        Ok(response) if response.status() == StatusCode::PAYMENT_REQUIRED => Outcome::Failed,
        Ok(response) => Outcome::Answered(response.status()),
        Err(_) => Outcome::Failed,
    }
}
