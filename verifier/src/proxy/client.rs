//! Sending a request upstream and passing the answer on.

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use http_body::Body as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use tokio::time::timeout;
use tollgate_gate::GateError;
use tollgate_gate::headers::{Cookies, scrub_request, scrub_response};
use tracing::warn;

use super::body::{BodyFault, BoundedBody, FaultRecord};
use super::forwarded;
use crate::config::{PublicUrl, ServerConfig, UpstreamConfig};
use crate::error::ServiceError;

/// The most header lines of an upstream's response.
const MAX_RESPONSE_HEADERS: usize = 128;

/// How much of an upstream's response is buffered, its head included.
const MAX_RESPONSE_BUFFER: usize = 128 * 1024;

/// The most kept-alive connections to the upstream, and for how long.
const MAX_IDLE_CONNECTIONS: usize = 64;
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);

/// The way to the upstream.
pub(crate) struct Proxy {
    transport: Transport,
    upstream: UpstreamConfig,
    scheme: Scheme,
    authority: Authority,
    host: HeaderValue,
    cookies: Cookies,
    public_url: PublicUrl,
    max_request_body: u64,
    stall_timeout: Duration,
}

/// A request that may pass.
pub(crate) struct ProxyRequest<'a> {
    pub(crate) method: Method,
    /// The path on which the decision was made: what is forwarded, never the
    /// path as the caller wrote it.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) peer: IpAddr,
    /// What this service says about the request, set after the caller's own
    /// headers of these names were removed.
    pub(crate) facts: Vec<(HeaderName, HeaderValue)>,
}

/// The HTTP client. No redirect is followed and no proxy of the environment is
/// used: the upstream of the configuration is the only peer.
enum Transport {
    Plain(Client<HttpConnector, BoundedBody<Body>>),
    Tls(Client<HttpsConnector<HttpConnector>, BoundedBody<Body>>),
}

impl Transport {
    fn new(scheme: &Scheme, connect_timeout: Duration) -> std::io::Result<Self> {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.set_connect_timeout(Some(connect_timeout));
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
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(ring::default_provider())?
            .https_only()
            .enable_http1()
            .wrap_connector(http);
        Ok(Self::Tls(builder.build(tls)))
    }

    fn request(&self, request: Request<BoundedBody<Body>>) -> ResponseFuture {
        match self {
            Self::Plain(client) => client.request(request),
            Self::Tls(client) => client.request(request),
        }
    }
}

impl Proxy {
    /// Prepares the way; connects on the first request.
    ///
    /// # Errors
    /// When the system's certificates cannot be read for an `https` upstream, or
    /// the upstream's URL has no scheme and host.
    pub(crate) fn new(
        server: &ServerConfig,
        upstream: UpstreamConfig,
        public_url: PublicUrl,
    ) -> std::io::Result<Self> {
        let parts = upstream.url.clone().into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(std::io::Error::other(
                "the upstream's URL needs a scheme and a host",
            ));
        };
        let host = HeaderValue::from_str(authority.as_str()).map_err(std::io::Error::other)?;
        Ok(Self {
            transport: Transport::new(&scheme, upstream.connect_timeout)?,
            cookies: if upstream.forward_cookies {
                Cookies::Forward
            } else {
                Cookies::Strip
            },
            upstream,
            scheme,
            authority,
            host,
            public_url,
            max_request_body: server.max_request_body,
            stall_timeout: server.stall_timeout,
        })
    }

    /// Forwards a request and streams the answer back.
    pub(crate) async fn forward(
        &self,
        request: ProxyRequest<'_>,
    ) -> Result<Response<Body>, ServiceError> {
        // A length that is announced too large is refused before a byte is read.
        if request.body.size_hint().lower() > self.max_request_body {
            return Err(GateError::RequestBodyTooLarge.into());
        }
        let uri = self.uri(request.path, request.query)?;
        let mut headers = request.headers;
        scrub_request(&mut headers, self.cookies);
        // Answered here already, when the body was first asked for.
        headers.remove(header::EXPECT);
        forwarded::describe(&mut headers, request.peer, &self.public_url);
        headers.insert(header::HOST, self.host.clone());
        for (name, value) in request.facts {
            headers.insert(name, value);
        }
        let record = FaultRecord::default();
        let body = BoundedBody::new(
            request.body,
            self.max_request_body,
            self.stall_timeout,
            record.clone(),
        );
        let mut outgoing = Request::new(body);
        *outgoing.method_mut() = request.method;
        *outgoing.uri_mut() = uri;
        *outgoing.headers_mut() = headers;
        let answer = timeout(
            self.upstream.response_timeout,
            self.transport.request(outgoing),
        );
        let response = match answer.await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(failure(&error, &record)),
            Err(_) => {
                warn!("the upstream did not answer in time");
                return Err(GateError::UpstreamTimeout.into());
            }
        };
        let (mut head, body) = response.into_parts();
        scrub_response(&mut head.headers, self.cookies);
        forwarded::drop_cross_origin_rules(&mut head.headers);
        // An answer may be endless, but not silent.
        let body = BoundedBody::new(
            body,
            u64::MAX,
            self.upstream.idle_timeout,
            FaultRecord::default(),
        );
        Ok(Response::from_parts(head, Body::new(body)))
    }

    fn uri(&self, path: &str, query: Option<&str>) -> Result<Uri, ServiceError> {
        let path_and_query: PathAndQuery = match query {
            Some(query) => format!("{path}?{query}").parse(),
            None => path.parse(),
        }
        .map_err(|_| GateError::Internal)?;
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path_and_query)
            .build()
            .map_err(|_| GateError::Internal.into())
    }
}

/// Whose fault it was that no answer came.
fn failure(error: &hyper_util::client::legacy::Error, record: &FaultRecord) -> ServiceError {
    match record.fault() {
        Some(BodyFault::TooLarge) => return GateError::RequestBodyTooLarge.into(),
        Some(BodyFault::Stalled) => return GateError::RequestTimeout.into(),
        Some(BodyFault::Broken) => return GateError::RequestBodyBroken.into(),
        None => {}
    }
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    warn!(%error, cause, "the upstream request failed");
    GateError::UpstreamUnavailable.into()
}
