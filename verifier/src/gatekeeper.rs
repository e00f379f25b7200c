//! The reverse proxy's way in: what is admitted is forwarded.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue};
use tollgate_gate::{GateError, RouteMatch};

use crate::admission::{Admission, Asked};
use crate::app::App;
use crate::error::ServiceError;
use crate::proxy::{Proxy, ProxyRequest};
use crate::request_id::RequestId;
use crate::serve::ConnectionFacts;

/// The decision and what carries it out.
pub(crate) struct Gatekeeper {
    pub(crate) app: Arc<App>,
    /// None when web servers only ask ([`crate::forward_auth`]).
    pub(crate) proxy: Option<Proxy>,
}

/// Answers a request that no endpoint of the service took.
pub(crate) async fn handle(
    State(gatekeeper): State<Arc<Gatekeeper>>,
    request: Request,
) -> Response {
    let Gatekeeper { app, proxy } = &*gatekeeper;
    let asked = Asked {
        method: request.method(),
        raw_path: request.uri().path(),
        query: request.uri().query(),
        headers: request.headers(),
    };
    match app.admit(asked).await {
        Admission::Free(matched) => forward(proxy, &matched, request, Vec::new())
            .await
            .unwrap_or_else(ServiceError::into_response),
        Admission::Granted(matched, grant) => {
            grant.complete(forward(proxy, &matched, request, grant.facts()).await)
        }
        Admission::Answered(response) => response,
    }
}

async fn forward(
    proxy: &Option<Proxy>,
    matched: &RouteMatch,
    request: Request,
    mut facts: Vec<(HeaderName, HeaderValue)>,
) -> Result<Response, ServiceError> {
    let proxy = proxy.as_ref().ok_or(GateError::RouteNotFound)?;
    let (head, body) = request.into_parts();
    if let Some(id) = head.extensions.get::<RequestId>() {
        facts.push((RequestId::HEADER, id.value()));
    }
    let peer = head
        .extensions
        .get::<ConnectionFacts>()
        .map_or(IpAddr::from([0, 0, 0, 0]), |facts| facts.peer.ip());
    proxy
        .forward(ProxyRequest {
            method: head.method,
            path: matched.path.as_str(),
            query: head.uri.query(),
            headers: head.headers,
            body,
            peer,
            facts,
        })
        .await
}
