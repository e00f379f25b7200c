//! GET with bounds: no redirects (they could lead a signature to another
//! origin), a limit on the body, a limit on the time.

use super::PayError;
use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::time::Duration;

/// Largest answer that is read.
const MAX_BODY_BYTES: usize = 8 << 20;
/// Longest time for one request, its body included.
const TIMEOUT: Duration = Duration::from_secs(60);

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as text, for people.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// An HTTP client that fetches one URL at a time.
#[derive(Clone, Debug)]
pub struct Browser(reqwest::Client);

impl Browser {
    /// A client without redirects.
    ///
    /// # Errors
    /// [`PayError::Http`] when the TLS library cannot start.
    pub fn new() -> Result<Self, PayError> {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .build()
            .map(Self)
            .map_err(unreachable)
    }

    /// Fetches `url` with these headers.
    ///
    /// # Errors
    /// [`PayError::Http`], [`PayError::AnswerTooLarge`].
    pub async fn get(
        &self,
        url: &url::Url,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Result<Answer, PayError> {
        let mut request = self.0.get(url.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(PayError::AnswerTooLarge(MAX_BODY_BYTES));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status,
            headers,
            body,
        })
    }
}

fn unreachable(error: reqwest::Error) -> PayError {
    PayError::Http(error.without_url().to_string())
}
