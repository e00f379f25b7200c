//! Sending a request upstream and passing the answer on.

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header,
};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::client::legacy::ResponseFuture;
use tokio::time::timeout;
use tollgate_gate::GateError;
use tollgate_gate::headers::{
    Cookies, PassingTrailers, accepts_trailers, announced_trailers, scrub_request, scrub_response,
};
use tracing::warn;

use super::body::{BodyFault, BoundedBody, FaultRecord};
use super::forwarded;
use super::transport::Transport;
use super::websocket::{self, Handshake, Lifetime};
use crate::config::{PublicUrl, ServerConfig, UpstreamConfig, UpstreamProtocol};
use crate::error::ServiceError;

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
    /// What the caller speaks.
    pub(crate) version: Version,
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
            transport: Transport::new(&scheme, &upstream)?,
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
        let caller_takes = accepts_trailers(&request.headers).then_some(request.version);
        let announced = announced_trailers(&request.headers)
            .filter(|_| request.body.size_hint().exact().is_none());
        let passing = match (self.upstream.protocol, announced.clone()) {
            (UpstreamProtocol::Http2, _) => PassingTrailers::Any,
            (UpstreamProtocol::Http1, Some(names)) => PassingTrailers::Announced(names),
            (UpstreamProtocol::Http1, None) => PassingTrailers::Nothing,
        };
        let (mut outgoing, record) = self.outgoing(request, passing)?;
        let headers = outgoing.headers_mut();
        if let Some(names) = announced {
            headers.insert(header::TRAILER, names);
        }
        if caller_takes.is_some() {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }
        match self.upstream.protocol {
            UpstreamProtocol::Http1 if caller_takes.is_some() => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
            }
            UpstreamProtocol::Http1 => {}
            // The request line says it (RFC 9113 section 8.3.1).
            UpstreamProtocol::Http2 => {
                headers.remove(header::HOST);
            }
        }
        let answer = self.transport.request(outgoing);
        let response = self.answer_in_time(answer, &record).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            warn!("the upstream switched protocols without being asked");
            return Err(GateError::UpstreamUnavailable.into());
        }
        Ok(self.incoming(response, caller_takes))
    }

    /// Forwards a WebSocket handshake; when the upstream agrees, bytes go both ways
    /// until `lifetime` is over. `client` is the caller's side of the connection.
    pub(crate) async fn tunnel(
        &self,
        request: ProxyRequest<'_>,
        client: OnUpgrade,
        lifetime: Lifetime,
    ) -> Result<Response<Body>, ServiceError> {
        let (mut outgoing, record) = self.outgoing(request, PassingTrailers::Nothing)?;
        let handshake = Handshake::begin(outgoing.headers_mut())?;
        let answer = self.transport.upgrade(outgoing);
        let response = self.answer_in_time(answer, &record).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(self.incoming(response, None));
        }
        let idle = self.upstream.websocket_idle_timeout;
        let mut answer = handshake.finish(response, client, idle, lifetime)?;
        self.scrub_answer(answer.headers_mut());
        websocket::mark(answer.headers_mut());
        Ok(answer)
    }

    /// The request as the upstream gets it.
    fn outgoing(
        &self,
        request: ProxyRequest<'_>,
        trailers: PassingTrailers,
    ) -> Result<(Request<BoundedBody<Body>>, FaultRecord), ServiceError> {
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
        )
        .with_trailers(trailers);
        let mut outgoing = Request::new(body);
        *outgoing.method_mut() = request.method;
        *outgoing.uri_mut() = uri;
        *outgoing.headers_mut() = headers;
        Ok((outgoing, record))
    }

    async fn answer_in_time(
        &self,
        answer: ResponseFuture,
        record: &FaultRecord,
    ) -> Result<Response<Incoming>, ServiceError> {
        match timeout(self.upstream.response_timeout, answer).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(failure(&error, record)),
            Err(_) => {
                warn!("the upstream did not answer in time");
                Err(GateError::UpstreamTimeout.into())
            }
        }
    }

    /// The answer as the caller gets it, with trailers if it takes them in a version
    /// of HTTP.
    fn incoming(
        &self,
        response: Response<Incoming>,
        caller_takes: Option<Version>,
    ) -> Response<Body> {
        let (mut head, body) = response.into_parts();
        let announced = announced_trailers(&head.headers).filter(|_| caller_takes.is_some());
        let passing = match (caller_takes, announced.clone()) {
            (Some(Version::HTTP_2), _) => PassingTrailers::Any,
            (Some(_), Some(names)) => PassingTrailers::Announced(names),
            _ => PassingTrailers::Nothing,
        };
        self.scrub_answer(&mut head.headers);
        // An answer may be endless, but not silent.
        let body = BoundedBody::new(
            body,
            u64::MAX,
            self.upstream.idle_timeout,
            FaultRecord::default(),
        )
        .with_trailers(passing);
        if let Some(names) = announced {
            head.headers.insert(header::TRAILER, names);
        }
        Response::from_parts(head, Body::new(body))
    }

    fn scrub_answer(&self, headers: &mut HeaderMap) {
        scrub_response(headers, self.cookies);
        forwarded::drop_cross_origin_rules(headers);
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
