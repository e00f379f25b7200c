//! Every refusal, in one closed table.
//!
//! A code never changes its meaning. None of these is a 402: a demand for payment
//! exists only as a [`crate::PaymentDue`], which rests on a reading of the chain.

mod table;

pub use table::GateError;

use http::{StatusCode, header};
use serde::Serialize;
use tollgate_client::DurationSeconds;

/// What a caller may do after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// The same request fails again.
    Never,
    /// Sign in again (or send no proof, to be told how), then repeat.
    SignIn,
    /// Pay under the payment id that was named, and under no other.
    SamePaymentId,
    /// The named purchase is over; ask for a new payment id.
    NewPaymentId,
    /// Repeat the same request later. It says nothing about payments: never pay
    /// because of it.
    Later,
}

/// The prefix of problem types (RFC 9457 `type`); the code follows. A URN, because
/// no host that answers for it is part of this software.
pub const PROBLEM_TYPE_PREFIX: &str = "urn:tollgate:problem:";

/// The JSON body of a refusal.
#[derive(Debug, Serialize)]
struct ErrorBody {
    /// The stable code; what programs read.
    error: &'static str,
    /// The sentence; what people read.
    detail: &'static str,
    /// RFC 9457 problem type.
    r#type: String,
    /// The HTTP status, for bodies that travel without it.
    status: u16,
    retry: RetryBody,
}

#[derive(Debug, Serialize)]
struct RetryBody {
    class: Retry,
    /// Seconds to wait first; the `Retry-After` header says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<u64>,
}

impl GateError {
    /// RFC 9457 problem type.
    pub fn problem_type(self) -> String {
        format!("{PROBLEM_TYPE_PREFIX}{}", self.code())
    }

    /// The JSON body: `{error, detail, type, status, retry: {class, after?}}`.
    pub fn body(self, retry_after: Option<DurationSeconds>) -> Vec<u8> {
        let body = ErrorBody {
            error: self.code(),
            detail: self.detail(),
            r#type: self.problem_type(),
            status: self.status().as_u16(),
            retry: RetryBody {
                class: self.retry(),
                after: retry_after.map(|after| after.0),
            },
        };
        // Strings and integers serialise; an empty body would still carry the status.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// The whole response: status, body, `Content-Type`, `Cache-Control: no-store`,
    /// `Vary`, and where they belong `Retry-After` and `WWW-Authenticate`.
    pub fn response(self, retry_after: Option<DurationSeconds>) -> http::Response<Vec<u8>> {
        let mut response = http::Response::new(self.body(retry_after));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, crate::headers::JSON);
        crate::headers::forbid_storing(headers);
        if let Some(after) = retry_after {
            headers.insert(header::RETRY_AFTER, after.0.into());
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 11.6.1 demands a challenge with every 401.
            headers.insert(header::WWW_AUTHENTICATE, crate::headers::BEARER_CHALLENGE);
        }
        response
    }
}
