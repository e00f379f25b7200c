//! The way in for web servers that ask before they forward: nginx `auth_request`,
//! Caddy `forward_auth`, Traefik `ForwardAuth`, Envoy `ext_authz` over HTTP.
//!
//! | endpoint | answers |
//! | --- | --- |
//! | `/v1/forward-auth` | 2xx: forward, with the facts of the caller and `Tollgate-Forward-Uri`, the canonical target; else the refusal |
//! | `/v1/forward-auth/answer` | nginx only: the whole refusal, which `auth_request` cannot pass on |
//! | `/v1/forward-auth/…` | Envoy only: the request itself behind this prefix |
//!
//! Off unless configured; only the configured addresses may ask. `OPTIONS` is always
//! refused here: a 2xx would send it to the upstream.

mod original;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{HeaderName, HeaderValue, StatusCode, header};
use tollgate_gate::headers::{BENEFICIARY, ENTITLEMENT, PRODUCT, carries_session, forbid_storing};
use tollgate_gate::{CanonicalPath, GateError};

use self::original::Original;
use crate::admission::{Admission, Asked};
use crate::app::App;
use crate::config::{ForwardAuthConfig, ForwardAuthStyle};
use crate::error::ServiceError;
use crate::serve::ConnectionFacts;

/// Where web servers ask.
pub(crate) const PATH: &str = "/v1/forward-auth";

/// Whether a request to this path is a web server's question.
pub(crate) fn is_question(path: &str) -> bool {
    path.strip_prefix(PATH)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Towards the web server: the canonical path with the query, to be forwarded.
const FORWARD_URI: HeaderName = HeaderName::from_static("tollgate-forward-uri");

/// Towards Envoy: which of the caller's headers it does not forward.
const HEADERS_TO_REMOVE: HeaderName = HeaderName::from_static("x-envoy-auth-headers-to-remove");

/// Who may ask about requests, and how.
struct ForwardAuth {
    app: Arc<App>,
    config: ForwardAuthConfig,
}

/// What a refusal is made into.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// The whole answer for the caller.
    Whole,
    /// 403, because nginx takes any other status for a failure.
    Denial,
}

/// What is asked about a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    /// A leave is acted on: what the request costs is charged with it.
    MayIForward,
    /// Only a refusal is of use.
    WhyNot,
}

/// The endpoints.
pub(crate) fn router(app: Arc<App>, config: ForwardAuthConfig) -> Router {
    let style = config.style;
    let auth = Arc::new(ForwardAuth { app, config });
    let router = Router::new();
    let router = match style {
        ForwardAuthStyle::Nginx => router
            .route(PATH, any(decide))
            .route(&format!("{PATH}/answer"), any(answer)),
        ForwardAuthStyle::Caddy | ForwardAuthStyle::Traefik => router.route(PATH, any(decide)),
        ForwardAuthStyle::Envoy => router
            .route(&format!("{PATH}/"), any(decide))
            .route(&format!("{PATH}/{{*target}}"), any(decide)),
    };
    router.with_state(auth)
}

async fn decide(State(auth): State<Arc<ForwardAuth>>, request: Request) -> Response {
    let refusal = match auth.config.style {
        ForwardAuthStyle::Nginx => Refusal::Denial,
        ForwardAuthStyle::Caddy | ForwardAuthStyle::Traefik | ForwardAuthStyle::Envoy => {
            Refusal::Whole
        }
    };
    // Nothing of the question's body matters; it may be that of the caller.
    let request = request.map(drop);
    match auth.admit(&request, Question::MayIForward).await {
        Ok(leave) => leave,
        Err(_) if refusal == Refusal::Denial => {
            let mut response = StatusCode::FORBIDDEN.into_response();
            forbid_storing(response.headers_mut());
            response
        }
        Err(refused) => *refused,
    }
}

async fn answer(State(auth): State<Arc<ForwardAuth>>, request: Request) -> Response {
    let request = request.map(drop);
    match auth.admit(&request, Question::WhyNot).await {
        Ok(changed) => changed,
        Err(refused) => *refused,
    }
}

impl ForwardAuth {
    /// The leave to forward, or the whole refusal.
    async fn admit(
        &self,
        request: &http::Request<()>,
        question: Question,
    ) -> Result<Response, Box<Response>> {
        let refuse = |error: ServiceError| Box::new(error.into_response());
        self.require_trusted(request).map_err(refuse)?;
        let original = Original::of(self.config.style, request).map_err(refuse)?;
        self.require_forwardable(&original).map_err(refuse)?;
        let asked = Asked {
            method: &original.method,
            raw_path: original.path,
            query: original.query,
            headers: request.headers(),
            // The web server tunnels, if it does.
            websocket: false,
        };
        match self.app.admit(asked).await {
            // Between the two questions the payment landed: nothing is forwarded, so
            // that nothing is charged, and a caller who signed in gets its session.
            Admission::Free(_) if question == Question::WhyNot => {
                Ok(ServiceError::from(GateError::DecisionChanged).into_response())
            }
            Admission::Granted(_, grant) if question == Question::WhyNot => {
                Ok(grant.complete(Err(GateError::DecisionChanged.into())))
            }
            Admission::Free(matched) => {
                let mut response = self.leave(request);
                // Empty rather than missing: web servers copy them over what the
                // caller says of itself.
                for name in [BENEFICIARY, ENTITLEMENT, PRODUCT] {
                    let nobody = HeaderValue::from_static("");
                    response.headers_mut().insert(name, nobody);
                }
                name_target(&mut response, &matched.path, original.query).map_err(refuse)?;
                Ok(response)
            }
            Admission::Granted(matched, grant) => {
                let mut response = self.leave(request);
                name_target(&mut response, &matched.path, original.query).map_err(refuse)?;
                let mut response = grant.complete(Ok(response));
                response.headers_mut().extend(grant.facts());
                Ok(response)
            }
            Admission::Answered(response) => Err(Box::new(never_leave(response))),
        }
    }

    /// The beginning of every leave.
    fn leave(&self, request: &http::Request<()>) -> Response {
        let mut response = StatusCode::OK.into_response();
        let ours = carries_session(request.headers());
        match (self.config.style, ours) {
            (ForwardAuthStyle::Envoy, true) => {
                let name = HeaderValue::from_static("authorization");
                response.headers_mut().insert(HEADERS_TO_REMOVE, name);
            }
            // It forwards what stands here, and nothing of the name if nothing does.
            (ForwardAuthStyle::Traefik, false) => {
                let credentials = request.headers().get(header::AUTHORIZATION);
                let credentials = credentials.map(|value| (header::AUTHORIZATION, value.clone()));
                response.headers_mut().extend(credentials);
            }
            // These tell a session token from other credentials by themselves.
            _ => {}
        }
        response
    }

    fn require_trusted(&self, request: &http::Request<()>) -> Result<(), ServiceError> {
        let peer = request.extensions().get::<ConnectionFacts>();
        let trusted = peer.is_some_and(|facts| {
            let ranges = &self.config.trusted;
            ranges.iter().any(|range| range.contains(facts.peer.ip()))
        });
        if trusted {
            Ok(())
        } else {
            Err(GateError::RouteNotFound.into())
        }
    }

    /// Servers that forward the path as the caller spelt it must not be told that
    /// another spelling may pass.
    fn require_forwardable(&self, original: &Original<'_>) -> Result<(), ServiceError> {
        let rewrites = match self.config.style {
            ForwardAuthStyle::Nginx => true,
            ForwardAuthStyle::Caddy | ForwardAuthStyle::Traefik | ForwardAuthStyle::Envoy => false,
        };
        if !rewrites && CanonicalPath::parse(original.path)?.as_str() != original.path {
            return Err(GateError::PathNotCanonical.into());
        }
        Ok(())
    }
}

/// An answer that must not be taken for leave: that of `OPTIONS` is a 204.
fn never_leave(response: Response) -> Response {
    if !response.status().is_success() {
        return response;
    }
    let mut refused = ServiceError::from(GateError::MethodNotAllowed).into_response();
    if let Some(allow) = response.headers().get(header::ALLOW) {
        refused.headers_mut().insert(header::ALLOW, allow.clone());
    }
    refused
}

fn name_target(
    response: &mut http::Response<Body>,
    path: &CanonicalPath,
    query: Option<&str>,
) -> Result<(), ServiceError> {
    let value = match query {
        Some(query) => HeaderValue::from_str(&format!("{path}?{query}")),
        None => HeaderValue::from_str(path.as_str()),
    };
    let value = value.map_err(|_| GateError::Internal)?;
    response.headers_mut().insert(FORWARD_URI, value);
    Ok(())
}
