//! Every refusal and failure of this service: the gate's, and the few that only
//! the endpoints around it have.
//!
//! None of them is a 402. Each has a stable code, a status and a retry rule, and
//! all have the same JSON body: `{error, detail, type, status, retry}`.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tollgate_client::DurationSeconds;
use tollgate_gate::error::PROBLEM_TYPE_PREFIX;
use tollgate_gate::headers::{JSON, forbid_storing};
use tollgate_gate::{GateError, Retry};

/// How soon to ask again after a failure that passes by itself.
pub(crate) const RETRY_AFTER: DurationSeconds = DurationSeconds(2);

/// A refusal or failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub(crate) enum ServiceError {
    /// One of the gate's.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// An absolute request target that names another host.
    #[error("the request's target names another host than its Host header")]
    HostMismatch,
    /// The request's body ended early.
    #[error("the request's body was broken off")]
    BodyBroken,
    /// A transaction request for what is paid.
    #[error("this account has paid under this payment id; nothing more is due")]
    AlreadyPaid,
    /// A transaction request under an id that is over.
    #[error("this payment id was cancelled or refunded; ask for a new challenge")]
    PaymentIdSpent,
    /// A transaction request under an id that was used for something else.
    #[error("this payment id stands for another purchase; ask for a new challenge")]
    PaymentIdTaken,
    /// A transaction request under an id whose terms have expired.
    #[error("the terms under this payment id have expired; ask for a new challenge")]
    PaymentExpired,
    /// A web server asked about a request without saying which.
    #[error("the web server did not say which request it asks about")]
    OriginalRequestUnknown,
    /// A web server asked about a request that is named in two ways.
    #[error("headers name two different requests")]
    OriginalRequestContradicted,
    /// Another spelling of a path, in front of a server that would forward it as it
    /// is spelt.
    #[error("the path is not in its canonical form, and could not be forwarded in it")]
    PathNotCanonical,
    /// A refusal was asked for that no longer holds.
    #[error("the request would be served by now; send it again")]
    DecisionChanged,
    /// The terms read from the chain are too old to be offered.
    #[error("the product's terms cannot be read now; do not pay because of this")]
    OfferUnavailable,
}

impl ServiceError {
    /// Every variant of its own.
    #[cfg(test)]
    const OWN: [Self; 11] = [
        Self::HostMismatch,
        Self::BodyBroken,
        Self::AlreadyPaid,
        Self::PaymentIdSpent,
        Self::PaymentIdTaken,
        Self::PaymentExpired,
        Self::OriginalRequestUnknown,
        Self::OriginalRequestContradicted,
        Self::PathNotCanonical,
        Self::DecisionChanged,
        Self::OfferUnavailable,
    ];

    fn row(self) -> (&'static str, StatusCode, Retry) {
        use StatusCode as S;
        match self {
            Self::Gate(error) => (error.code(), error.status(), error.retry()),
            Self::HostMismatch => ("host_mismatch", S::BAD_REQUEST, Retry::Never),
            Self::BodyBroken => ("request_body_broken", S::BAD_REQUEST, Retry::Later),
            Self::AlreadyPaid => ("already_paid", S::CONFLICT, Retry::Never),
            Self::PaymentIdSpent => ("payment_id_spent", S::CONFLICT, Retry::NewPaymentId),
            Self::PaymentIdTaken => ("payment_id_taken", S::CONFLICT, Retry::NewPaymentId),
            Self::PaymentExpired => ("payment_expired", S::CONFLICT, Retry::NewPaymentId),
            Self::OriginalRequestUnknown => {
                ("original_request_unknown", S::BAD_REQUEST, Retry::Never)
            }
            Self::OriginalRequestContradicted => (
                "original_request_contradicted",
                S::BAD_REQUEST,
                Retry::Never,
            ),
            Self::PathNotCanonical => ("path_not_canonical", S::BAD_REQUEST, Retry::Never),
            Self::DecisionChanged => ("decision_changed", S::SERVICE_UNAVAILABLE, Retry::Later),
            Self::OfferUnavailable => ("offer_unavailable", S::SERVICE_UNAVAILABLE, Retry::Later),
        }
    }

    /// The stable code.
    pub(crate) fn code(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    pub(crate) fn status(self) -> StatusCode {
        self.row().1
    }

    /// What the caller may do.
    pub(crate) fn retry(self) -> Retry {
        self.row().2
    }

    /// Whether the connection must not carry another request: its bytes cannot be
    /// trusted, or an unread body is in the way.
    fn ends_connection(self) -> bool {
        matches!(
            self,
            Self::BodyBroken
                | Self::Gate(
                    GateError::LengthAmbiguous
                        | GateError::RequestBodyTooLarge
                        | GateError::RequestTimeout
                )
        )
    }
}

impl IntoResponse for ServiceError {
    fn into_response(self) -> Response {
        let after = (self.retry() == Retry::Later).then_some(RETRY_AFTER);
        let mut response = match self {
            Self::Gate(error) => error.response(after).map(Body::from),
            _ => {
                let mut retry = json!({ "class": self.retry() });
                if let (Some(after), Some(retry)) = (after, retry.as_object_mut()) {
                    retry.insert("after".to_owned(), json!(after.0));
                }
                let mut response = json_response(
                    self.status(),
                    &json!({
                        "error": self.code(),
                        "detail": self.to_string(),
                        "type": format!("{PROBLEM_TYPE_PREFIX}{}", self.code()),
                        "status": self.status().as_u16(),
                        "retry": retry,
                    }),
                );
                let headers = response.headers_mut();
                forbid_storing(headers);
                if let Some(after) = after {
                    headers.insert(header::RETRY_AFTER, HeaderValue::from(after.0));
                }
                response
            }
        };
        if self.ends_connection() {
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// A JSON answer.
pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a missing header fails the test")]
    use super::*;

    fn all() -> impl Iterator<Item = ServiceError> {
        ServiceError::OWN
            .into_iter()
            .chain(GateError::ALL.iter().copied().map(ServiceError::Gate))
    }

    #[test]
    fn codes_are_distinct_and_402_is_never_an_error() {
        let mut codes: Vec<_> = all().map(ServiceError::code).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        for error in all() {
            assert_ne!(error.status(), StatusCode::PAYMENT_REQUIRED, "{error:?}");
            assert!(!error.status().is_success(), "{error:?}");
        }
    }

    #[test]
    fn nothing_is_stored_and_passing_failures_say_when_to_come_back() {
        for error in all() {
            let response = error.into_response();
            let later = response.headers().contains_key(header::RETRY_AFTER);
            assert_eq!(later, error.retry() == Retry::Later, "{error:?}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
            assert_eq!(response.status(), error.status());
        }
    }
}
