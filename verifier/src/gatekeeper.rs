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
use crate::limits::ClientAddress;
use crate::proxy::{Lifetime, Proxy, ProxyRequest};
use crate::request_id::RequestId;
use crate::request_record::{self, Wait};

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
        let place = self
            .app
            .counts
            .upstream
            .take(self.app.max_upstream_requests)
            .ok_or(GateError::Overloaded)?;
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
            .get::<ClientAddress>()
            .map_or(IpAddr::from([0, 0, 0, 0]), |client| client.0);
        let request = ProxyRequest {
            method: head.method,
            version: head.version,
            path: matched.path.as_str(),
            query: head.uri.query(),
            headers: head.headers,
            body,
            peer,
            facts,
        };
        match client {
            None => {
                let forwarding = proxy.forward(request);
                let response = request_record::waiting(Wait::Upstream, forwarding).await?;
                Ok(place.until_sent(response))
            }
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
                    _place: place,
                };
                let tunnel = proxy.tunnel(request, client, lifetime);
                request_record::waiting(Wait::Upstream, tunnel).await
            }
        }
    }
}
