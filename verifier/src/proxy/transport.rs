//! The HTTP client towards the upstream.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::body::BoundedBody;
use crate::config::{UpstreamConfig, UpstreamProtocol};
use crate::trust;

/// The most header lines of an upstream's response.
const MAX_RESPONSE_HEADERS: usize = 128;

/// How much of an upstream's response is buffered, its head included.
const MAX_RESPONSE_BUFFER: usize = 128 * 1024;

/// The largest head of an HTTP/2 response, with 32 bytes for each line (RFC 9113
/// section 6.5.2).
const MAX_RESPONSE_HEAD: u32 = 128 * 1024;

/// The most kept-alive connections to the upstream, and for how long.
const MAX_IDLE_CONNECTIONS: usize = 64;
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);

/// How often an HTTP/2 connection with requests on it is asked for life, and how long
/// it may take to show it: one that is dead would else hold all of them up.
const PING_INTERVAL: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// The HTTP clients. No redirect is followed and no proxy of the environment is used:
/// the upstream of the configuration is the only peer.
///
/// A request is sent once. The one exception is safe for every method: a kept-alive
/// connection that turns out to be closed before a byte of the request was written.
pub(super) struct Transport {
    requests: Connections,
    /// Always HTTP/1. Another one than for `requests` only where that is HTTP/2.
    upgrades: Connections,
}

#[derive(Clone)]
enum Connections {
    Plain(Client<HttpConnector, BoundedBody<Body>>),
    Tls(Client<HttpsConnector<HttpConnector>, BoundedBody<Body>>),
}

impl Transport {
    /// # Errors
    /// When the system's certificates cannot be read, or those of the configuration
    /// are no roots.
    pub(super) fn new(scheme: &Scheme, upstream: &UpstreamConfig) -> std::io::Result<Self> {
        let upgrades = Connections::new(scheme, upstream, UpstreamProtocol::Http1)?;
        let requests = match upstream.protocol {
            UpstreamProtocol::Http1 => upgrades.clone(),
            UpstreamProtocol::Http2 => Connections::new(scheme, upstream, UpstreamProtocol::Http2)?,
        };
        Ok(Self { requests, upgrades })
    }

    /// Sends a request by the configured protocol.
    pub(super) fn request(&self, request: Request<BoundedBody<Body>>) -> ResponseFuture {
        self.requests.request(request)
    }

    /// Sends a request that asks for another protocol.
    pub(super) fn upgrade(&self, request: Request<BoundedBody<Body>>) -> ResponseFuture {
        self.upgrades.request(request)
    }
}

impl Connections {
    fn new(
        scheme: &Scheme,
        upstream: &UpstreamConfig,
        protocol: UpstreamProtocol,
    ) -> std::io::Result<Self> {
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
            .http2_only(protocol == UpstreamProtocol::Http2)
            .http2_max_header_list_size(MAX_RESPONSE_HEAD)
            .http2_keep_alive_interval(PING_INTERVAL)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .set_host(false);
        if *scheme != Scheme::HTTPS {
            return Ok(Self::Plain(builder.build(http)));
        }
        http.enforce_http(false);
        let tls = match &upstream.trusted_certificates {
            None => trust::system()?,
            Some(certificates) => trust::only(certificates)?,
        };
        let tls = HttpsConnectorBuilder::new().with_tls_config(tls);
        let tls = tls.https_only();
        let tls = match protocol {
            UpstreamProtocol::Http1 => tls.enable_http1().wrap_connector(http),
            UpstreamProtocol::Http2 => tls.enable_http2().wrap_connector(http),
        };
        Ok(Self::Tls(builder.build(tls)))
    }

    fn request(&self, request: Request<BoundedBody<Body>>) -> ResponseFuture {
        match self {
            Self::Plain(client) => client.request(request),
            Self::Tls(client) => client.request(request),
        }
    }
}
