//! A request in the making.

use crate::client::invalid;
use crate::{PayError, PayingClient};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, RequestBuilder, Response};
use serde::Serialize;

/// A [`RequestBuilder`] whose request is paid for when it is sent.
#[must_use = "a request is made by `send`"]
#[derive(Debug)]
pub struct PayingRequest {
    client: PayingClient,
    builder: RequestBuilder,
}

impl PayingRequest {
    pub(crate) fn new(client: PayingClient, builder: RequestBuilder) -> Self {
        Self { client, builder }
    }

    /// Adds a header. With an `Authorization` of its own a request cannot carry a
    /// session token: then the key signs in each time.
    pub fn header<K, V>(self, name: K, value: V) -> Self
    where
        HeaderName: TryFrom<K, Error: Into<http::Error>>,
        HeaderValue: TryFrom<V, Error: Into<http::Error>>,
    {
        self.with(|builder| builder.header(name, value))
    }

    /// Adds headers.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.with(|builder| builder.headers(headers))
    }

    /// Adds to the query.
    pub fn query<T: Serialize + ?Sized>(self, query: &T) -> Self {
        self.with(|builder| builder.query(query))
    }

    /// A JSON body.
    pub fn json<T: Serialize + ?Sized>(self, json: &T) -> Self {
        self.with(|builder| builder.json(json))
    }

    /// A body. A stream, or more than [`crate::MAX_REPEATED_BODY`] bytes, can be sent
    /// only once: [`PayError::BodyNotRepeatable`] if the server asks for payment. Where
    /// a session is known from an earlier request, once is enough.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.with(|builder| builder.body(body))
    }

    /// Anything else that reqwest's builder can do.
    pub fn with(mut self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        self.builder = change(self.builder);
        self
    }

    /// Makes the request, paying if it has to: [`PayingClient::execute`].
    ///
    /// # Errors
    /// [`PayError`].
    pub async fn send(self) -> Result<Response, PayError> {
        let request = self.builder.build().map_err(invalid)?;
        self.client.execute(request).await
    }
}
