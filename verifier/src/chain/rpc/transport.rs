//! JSON-RPC over HTTP: one small client of our own.
//!
//! Answers are bounded in size, nothing is retried or waited for inside a call, and
//! no message ever contains the URL.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::Service;

use super::failure::RpcFailure;
use crate::config::SecretUrl;
use crate::trust;

/// How long connecting may take; a call's own deadline is separate.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const IDLE_CONNECTIONS: usize = 64;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// JSON-RPC's "the state asked for is not there yet": the node has not reached
/// `minContextSlot`.
const MIN_CONTEXT_SLOT_NOT_REACHED: i64 = -32016;
/// "Node is behind", with or without the number of slots.
const NODE_UNHEALTHY: i64 = -32005;

type Inner = HttpsConnector<HttpConnector>;

/// A connector that speaks TLS where the URL says so. It follows no redirects and
/// asks no proxy of the environment.
///
/// # Errors
/// When the system's certificates cannot be read; they are needed for TLS only.
pub(crate) fn connector(tls: bool) -> std::io::Result<Inner> {
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_TIMEOUT));
    http.enforce_http(false);
    let builder = HttpsConnectorBuilder::new();
    let tls = if tls {
        trust::system()
    } else {
        trust::only(&[])
    };
    let builder = builder.with_tls_config(tls?);
    Ok(builder.https_or_http().enable_http1().wrap_connector(http))
}

/// What a URL's user information becomes: an `Authorization` header.
pub(crate) fn authorization(uri: &Uri) -> Option<HeaderValue> {
    let (user, _) = uri.authority()?.as_str().rsplit_once('@')?;
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(user))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Counts the connections that are made, so that the server at their other end can
/// be identified before it is believed.
#[derive(Clone)]
struct Counting {
    inner: Inner,
    made: Arc<AtomicU64>,
}

impl Service<Uri> for Counting {
    type Response = <Inner as Service<Uri>>::Response;
    type Error = <Inner as Service<Uri>>::Error;
    type Future = <Inner as Service<Uri>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        self.made.fetch_add(1, Ordering::SeqCst);
        self.inner.call(uri)
    }
}

/// The way to one server.
pub(crate) struct Transport {
    client: Client<Counting, Full<Bytes>>,
    uri: Uri,
    authorization: Option<HeaderValue>,
    connections: Arc<AtomicU64>,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Envelope<T> {
    result: Option<T>,
    error: Option<ErrorObject>,
}

#[derive(Deserialize)]
struct ErrorObject {
    code: i64,
}

impl Transport {
    /// Prepares the way; connects on the first call.
    ///
    /// # Errors
    /// When the URL is none, or the system's certificates cannot be read.
    pub(crate) fn new(url: &SecretUrl) -> std::io::Result<Self> {
        let uri: Uri = url
            .expose()
            .parse()
            .map_err(|_| std::io::Error::other("not a URL"))?;
        let connections = Arc::new(AtomicU64::new(0));
        let counting = Counting {
            inner: connector(uri.scheme_str() == Some("https"))?,
            made: Arc::clone(&connections),
        };
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build(counting);
        Ok(Self {
            client,
            authorization: authorization(&uri),
            uri,
            connections,
        })
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// One call whose answer has at most `most` bytes. Not bounded in time.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
        most: usize,
    ) -> Result<T, RpcFailure> {
        let response = self.send(method, params).await?;
        let body = Limited::new(response.into_body(), most)
            .collect()
            .await
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    RpcFailure::TooLarge(most)
                } else {
                    RpcFailure::Unreachable("connection broken")
                }
            })?
            .to_bytes();
        read_envelope(&body)
    }

    /// One call whose answer is read piece by piece.
    pub(crate) async fn open(&self, method: &str, params: Value) -> Result<Incoming, RpcFailure> {
        Ok(self.send(method, params).await?.into_body())
    }

    async fn send(&self, method: &str, params: Value) -> Result<Response<Incoming>, RpcFailure> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut request = Request::new(Full::new(Bytes::from(body.to_string())));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        let response = self.client.request(request).await.map_err(|error| {
            RpcFailure::Unreachable(if error.is_connect() {
                "connection failed"
            } else {
                "connection broken"
            })
        })?;
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::TOO_MANY_REQUESTS => {
                Err(RpcFailure::Throttled(retry_after(response.headers())))
            }
            status => Err(RpcFailure::Status(status.as_u16())),
        }
    }
}

fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(text.parse().ok()?))
}

/// The result inside an answer.
pub(crate) fn read_envelope<T: DeserializeOwned>(body: &[u8]) -> Result<T, RpcFailure> {
    let envelope: Envelope<T> = serde_json::from_slice(body)
        .map_err(|_| RpcFailure::Malformed("not the JSON-RPC answer of this method"))?;
    match (envelope.result, envelope.error) {
        (_, Some(error)) => Err(match error.code {
            MIN_CONTEXT_SLOT_NOT_REACHED | NODE_UNHEALTHY => RpcFailure::Behind,
            code => RpcFailure::Refused(code),
        }),
        (Some(result), None) => Ok(result),
        (None, None) => Err(RpcFailure::Malformed("neither result nor error")),
    }
}
