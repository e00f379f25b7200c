//! The reverse proxy's way in: what is admitted is forwarded.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header;
use tollgate_gate::{GateError, RouteMatch};

use crate::admission::{Admission, Asked, Grant};
use crate::app::App;
use crate::error::ServiceError;
use crate::proxy::{Lifetime, Proxy, ProxyRequest};
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
    let asked = Asked {
        method: request.method(),
        raw_path: request.uri().path(),
        query: request.uri().query(),
        headers: request.headers(),
        // Complete, or it would not have come here.
        websocket: request.headers().contains_key(header::UPGRADE),
    };
    match gatekeeper.app.admit(asked).await {
        Admission::Free(matched) => gatekeeper
            .forward(&matched, request, None)
            .await
            .unwrap_or_else(ServiceError::into_response),
        Admission::Granted(matched, grant) => {
            let answer = gatekeeper.forward(&matched, request, Some(&grant)).await;
            grant.complete(answer)
        }
        Admission::Answered(response) => response,
    }
}

impl Gatekeeper {
    async fn forward(
        &self,
        matched: &RouteMatch,
        mut request: Request,
        grant: Option<&Grant>,
    ) -> Result<Response, ServiceError> {
        let proxy = self.proxy.as_ref().ok_or(GateError::RouteNotFound)?;
        let client = request
            .headers()
            .contains_key(header::UPGRADE)
            .then(|| hyper::upgrade::on(&mut request));
        let (head, body) = request.into_parts();
        let mut facts = grant.map(Grant::facts).unwrap_or_default();
        if let Some(id) = head.extensions.get::<RequestId>() {
            facts.push((RequestId::HEADER, id.value()));
        }
        let peer = head
            .extensions
            .get::<ConnectionFacts>()
            .map_or(IpAddr::from([0, 0, 0, 0]), |facts| facts.peer.ip());
        let request = ProxyRequest {
            method: head.method,
            path: matched.path.as_str(),
            query: head.uri.query(),
            headers: head.headers,
            body,
            peer,
            facts,
        };
        match client {
            None => proxy.forward(request).await,
            Some(client) => {
                let tenure = grant.map(Grant::tenure);
                let app = Arc::clone(&self.app);
                let access_over = Box::pin(async move {
                    match tenure {
                        Some(tenure) => tenure.over(app).await,
                        None => std::future::pending().await,
                    }
                });
                let lifetime = Lifetime {
                    access_over,
                    stopping: self.app.stopping.clone(),
                };
                proxy.tunnel(request, client, lifetime).await
            }
        }
    }
}
