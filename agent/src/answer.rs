//! Answers that are read to their end.

use crate::errand::unreachable;
use crate::{HowServed, PayError};
use http::{HeaderMap, HeaderName, StatusCode};
use reqwest::Response;

/// Largest answer that is read.
const MAX_BODY_BYTES: usize = 8 << 20;

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
    /// Reads an answer, as long as it is not too large.
    ///
    /// # Errors
    /// [`PayError::Http`], [`PayError::AnswerTooLarge`].
    pub async fn read(mut response: Response) -> Result<Self, PayError> {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(PayError::AnswerTooLarge(MAX_BODY_BYTES));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self {
            status,
            headers,
            body,
        })
    }

    /// A header's text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as text, for people.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What was fetched.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The answer: any status but 402.
    pub answer: Answer,
    /// How it was had.
    pub how: HowServed,
    /// A session token for the next request, if the server gave one.
    pub session: Option<String>,
}
