//! A request that can be made again, with another proof.

use crate::PayError;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use reqwest::{Request, Response};
use tollgate_gate::headers::{PAID_SLOT, SESSION, SIGN_IN_WITH_X};
use url::Url;

/// Largest body that is kept to be sent again. A request with a larger one, or with a
/// stream, is sent once: it succeeds where nothing is asked for it.
pub const MAX_REPEATED_BODY: usize = 8 << 20;

/// How requests leave.
pub(crate) trait Carrier: Send {
    /// Sends one request. Redirects are not followed: they could lead a proof or a
    /// payment to another origin.
    fn carry(
        &mut self,
        request: Request,
    ) -> impl Future<Output = Result<Response, PayError>> + Send;
}

impl Carrier for &reqwest::Client {
    async fn carry(&mut self, request: Request) -> Result<Response, PayError> {
        self.execute(request).await.map_err(unreachable)
    }
}

/// One request of the caller and the way to its server.
pub(crate) struct Errand<C> {
    carrier: C,
    url: Url,
    method: Method,
    /// Whether the caller has a use of its own for `Authorization`.
    authorized: bool,
    /// `None`: sent, and it cannot be sent again.
    request: Option<Request>,
    repeatable: bool,
}

impl<C: Carrier> Errand<C> {
    /// Takes the caller's request.
    ///
    /// # Errors
    /// [`PayError::Url`] when it is not for an http or https URL.
    pub(crate) fn new(mut request: Request, carrier: C) -> Result<Self, PayError> {
        let url = request.url().clone();
        if !matches!(url.scheme(), "http" | "https") {
            return Err(PayError::Url(url.to_string()));
        }
        let headers = request.headers_mut();
        for ours in [&SIGN_IN_WITH_X, &PAID_SLOT] {
            headers.remove(ours);
        }
        let body = request.body();
        let repeatable = body.is_none_or(|body| {
            body.as_bytes()
                .is_some_and(|bytes| bytes.len() <= MAX_REPEATED_BODY)
        });
        Ok(Self {
            carrier,
            authorized: request.headers().contains_key(header::AUTHORIZATION),
            method: request.method().clone(),
            url,
            request: Some(request),
            repeatable,
        })
    }

    /// What is asked for.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether a session token may travel in `Authorization`.
    pub(crate) fn takes_token(&self) -> bool {
        !self.authorized
    }

    /// # Errors
    /// [`PayError::BodyNotRepeatable`] when there is no second time.
    pub(crate) fn require_repeatable(&self) -> Result<(), PayError> {
        if self.repeatable {
            Ok(())
        } else {
            Err(PayError::BodyNotRepeatable)
        }
    }

    /// Makes the request with these headers besides its own.
    ///
    /// # Errors
    /// [`PayError::BodyNotRepeatable`], [`PayError::Http`].
    pub(crate) async fn ask(&mut self, proof: HeaderMap) -> Result<Response, PayError> {
        let request = if self.repeatable {
            self.request.as_ref().and_then(Request::try_clone)
        } else {
            self.request.take()
        };
        let mut request = request.ok_or(PayError::BodyNotRepeatable)?;
        request.headers_mut().extend(proof);
        self.carrier.carry(request).await
    }

    /// Whether an answer to a sign-in says nothing of the request itself, so that it may
    /// be made again: 402 comes before any upstream; 401 and 503 may be an upstream's,
    /// but the verifier marks what it lets through with a session token. Without that
    /// mark a proxy on the way may have said it, which is good enough only where making
    /// a request twice does what making it once does.
    pub(crate) fn may_ask_again(&self, answer: &Response) -> bool {
        match answer.status() {
            StatusCode::PAYMENT_REQUIRED => true,
            StatusCode::UNAUTHORIZED | StatusCode::SERVICE_UNAVAILABLE => {
                !answer.headers().contains_key(&SESSION)
            }
            _ => false,
        }
    }

    /// Whether making the request twice does what making it once does (RFC 9110
    /// section 9.2.2).
    pub(crate) fn is_idempotent(&self) -> bool {
        self.method.is_idempotent()
    }
}

/// An error on the way, without the URL: it may carry the caller's secrets.
pub(crate) fn unreachable(error: reqwest::Error) -> PayError {
    PayError::Http(Box::new(error.without_url()))
}

/// The start of a body, for a message. What cannot be read is left out.
pub(crate) async fn start_of_body(mut answer: Response, most: usize) -> Bytes {
    let mut start = Vec::new();
    while start.len() < most {
        match answer.chunk().await {
            Ok(Some(chunk)) => start.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    start.truncate(most);
    start.into()
}
