//! The HTTP client towards the upstream.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;

use super::body::BoundedBody;
use crate::config::UpstreamConfig;
use crate::trust;

/// The most header lines of an upstream's response.
const MAX_RESPONSE_HEADERS: usize = 128;

/// How much of an upstream's response is buffered, its head included.
const MAX_RESPONSE_BUFFER: usize = 128 * 1024;

/// The most kept-alive connections to the upstream, and for how long.
const MAX_IDLE_CONNECTIONS: usize = 64;
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);

/// The HTTP client. No redirect is followed and no proxy of the environment is
/// used: the upstream of the configuration is the only peer.
///
/// A request is sent once. The one exception is safe for every method: a kept-alive
/// connection that turns out to be closed before a byte of the request was written.
pub(super) enum Transport {
    Plain(Client<HttpConnector, BoundedBody<Body>>),
    Tls(Client<HttpsConnector<HttpConnector>, BoundedBody<Body>>),
}

impl Transport {
    pub(super) fn new(scheme: &Scheme, upstream: &UpstreamConfig) -> std::io::Result<Self> {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.set_connect_timeout(Some(upstream.connect_timeout));
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
            .http1_max_headers(MAX_RESPONSE_HEADERS)
            .http1_max_buf_size(MAX_RESPONSE_BUFFER)
            .set_host(false);
        if *scheme != Scheme::HTTPS {
            return Ok(Self::Plain(builder.build(http)));
        }
        http.enforce_http(false);
        let tls = HttpsConnectorBuilder::new();
        let tls = match &upstream.trusted_certificates {
            None => tls.with_provider_and_native_roots(ring::default_provider())?,
            Some(certificates) => tls.with_tls_config(trust::only(certificates)?),
        };
        let tls = tls.https_only().enable_http1().wrap_connector(http);
        Ok(Self::Tls(builder.build(tls)))
    }

    pub(super) fn request(&self, request: Request<BoundedBody<Body>>) -> ResponseFuture {
        match self {
            Self::Plain(client) => client.request(request),
            Self::Tls(client) => client.request(request),
        }
    }
}
