//! Refusals and failures as this service answers them: a row of the one table
//! ([`GateError`]), and when to come back.
//!
//! None of them is a 402. All have the same JSON body:
//! `{error, detail, type, status, retry}`.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use tollgate_client::DurationSeconds;
use tollgate_gate::headers::JSON;
use tollgate_gate::{GateError, Retry};

/// How soon to ask again after a failure that passes by itself.
pub(crate) const RETRY_AFTER: DurationSeconds = DurationSeconds(2);

/// A refusal or failure on its way to the caller. The response carries its
/// [`GateError`] as an extension, for the log and the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub(crate) struct ServiceError {
    error: GateError,
    /// `None`: the usual time, where the table says "later".
    retry_after: Option<DurationSeconds>,
}

impl From<GateError> for ServiceError {
    fn from(error: GateError) -> Self {
        Self {
            error,
            retry_after: None,
        }
    }
}

impl ServiceError {
    /// A failure that is known to last at least `retry_after`.
    pub(crate) fn until(error: GateError, retry_after: DurationSeconds) -> Self {
        Self {
            error,
            retry_after: Some(retry_after),
        }
    }

    /// The stable code.
    pub(crate) fn code(self) -> &'static str {
        self.error.code()
    }

    /// Whether the connection must not carry another request: its bytes cannot be
    /// trusted, or an unread body is in the way.
    fn ends_connection(self) -> bool {
        matches!(
            self.error,
            GateError::RequestBodyBroken
                | GateError::LengthAmbiguous
                | GateError::RequestBodyTooLarge
                | GateError::RequestTimeout
        )
    }
}

impl IntoResponse for ServiceError {
    fn into_response(self) -> Response {
        let after =
            (self.error.retry() == Retry::Later).then_some(self.retry_after.unwrap_or(RETRY_AFTER));
        let mut response = self.error.response(after).map(Body::from);
        response.extensions_mut().insert(self.error);
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

    #[test]
    fn nothing_is_stored_and_passing_failures_say_when_to_come_back() {
        for error in GateError::ALL.iter().copied() {
            let response = ServiceError::from(error).into_response();
            let later = response.headers().contains_key(header::RETRY_AFTER);
            assert_eq!(later, error.retry() == Retry::Later, "{error:?}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
            assert_eq!(response.status(), error.status());
            assert_eq!(response.extensions().get(), Some(&error));
        }
    }

    #[test]
    fn a_known_time_is_said() {
        let limited = ServiceError::until(GateError::RateLimited, DurationSeconds(9));
        let response = limited.into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "9");
        let never = ServiceError::until(GateError::HostMissing, DurationSeconds(9));
        let response = never.into_response();
        assert!(!response.headers().contains_key(header::RETRY_AFTER));
    }
}
