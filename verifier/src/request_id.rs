//! A name for each request, and one line of log about it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue};
use tracing::{Instrument, info, info_span};

use crate::error::ServiceError;
use crate::request_checks;
use crate::serve::ConnectionFacts;

/// 16 random bytes in hexadecimal. Always made here: a caller's own id would let
/// it write into the logs and collide with others'.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(HeaderValue);

tokio::task_local! {
    /// The request that the present task answers.
    static CURRENT: RequestId;
}

impl RequestId {
    /// The id of the request that is being answered; `None` outside of one.
    pub(crate) fn current() -> Option<Arc<str>> {
        CURRENT
            .try_with(|id| id.0.to_str().ok().map(Arc::from))
            .ok()
            .flatten()
    }

    pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    fn new() -> Self {
        let bytes: [u8; 16] = rand::random();
        let text = bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        Self(HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("unknown")))
    }

    pub(crate) fn value(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Names the request, refuses it if its head is ambiguous, and logs the outcome.
/// The log has the path but neither query nor headers: both may hold secrets.
pub(crate) async fn trace(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::new();
    request.extensions_mut().insert(id.clone());
    let span = info_span!(
        "request",
        id = id.0.to_str().unwrap_or_default(),
        method = %request.method(),
        path = request.uri().path(),
        route = tracing::field::Empty,
        payment_id = tracing::field::Empty,
    );
    async move {
        let mut response = match refusal(&request) {
            Some(error) => error.into_response(),
            None => CURRENT.scope(id.clone(), next.run(request)).await,
        };
        response.headers_mut().insert(RequestId::HEADER, id.0);
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        info!(status = response.status().as_u16(), micros, "answered");
        response
    }
    .instrument(span)
    .await
}

fn refusal(request: &Request) -> Option<ServiceError> {
    let facts = request.extensions().get::<ConnectionFacts>()?;
    request_checks::check(
        request.method(),
        request.uri(),
        request.version(),
        request.headers(),
        facts.ambiguous_framing,
    )
    .err()
}
