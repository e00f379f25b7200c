//! The service's endpoints and protected routes, inside what every request goes
//! through.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{Method, header};
use tollgate_gate::GateError;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, Any, CorsLayer};

use crate::api;
use crate::config::{AllowedOrigins, Config};
use crate::entry::{self, Entry};
use crate::error::ServiceError;
use crate::forward_auth;
use crate::gatekeeper::{self, Gatekeeper};

/// How long browsers may remember a preflight.
const PREFLIGHT_LIFETIME: Duration = Duration::from_secs(600);

/// Endpoints and protected routes, inside what every request goes through.
pub(crate) fn router(gatekeeper: Arc<Gatekeeper>, entry: Entry, config: &Config) -> Router {
    let app = Arc::clone(&gatekeeper.app);
    let protected = Router::new()
        .fallback(gatekeeper::handle)
        .with_state(gatekeeper);
    let entry = Arc::new(entry);
    let plain = api::router(Arc::clone(&app))
        .fallback_service(protected)
        .layer(from_fn_with_state(Arc::clone(&entry), entry::limit));
    let open = plain
        .clone()
        .layer(cors(&config.server.allowed_origins))
        .layer(from_fn_with_state(plain, without_cors));
    // Outside of the CORS layer, which answers preflights with 200: to a web server
    // that asks about one, this would be leave to forward it. Outside of the limit of
    // addresses as well: all questions come from the web server's.
    let asked = match &config.forward_auth {
        Some(asked) => forward_auth::router(app, asked.clone()),
        None => Router::new(),
    };
    asked
        .fallback_service(open)
        .layer(CatchPanicLayer::custom(|_| {
            ServiceError::from(GateError::Internal).into_response()
        }))
        .layer(from_fn_with_state(entry, entry::pass))
}

/// The CORS layer takes every `OPTIONS` for a preflight. One that asks nothing
/// about another origin goes past it, to learn the methods of the path.
async fn without_cors(State(plain): State<Router>, request: Request, next: Next) -> Response {
    let preflight = request
        .headers()
        .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if request.method() == Method::OPTIONS && !preflight {
        return plain.oneshot(request).await.into_response();
    }
    next.run(request).await
}

/// Wallets and browser clients live on other origins. No answer depends on
/// cookies that a browser adds by itself, so credentials are never allowed.
fn cors(origins: &AllowedOrigins) -> CorsLayer {
    let origin = match origins {
        AllowedOrigins::Any => AllowOrigin::any(),
        AllowedOrigins::List(list) => AllowOrigin::list(list.clone()),
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods(AllowMethods::list([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ]))
        // Stock clients send headers that nobody expects in a request
        // (`Access-Control-Expose-Headers`); what is asked for is allowed.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(Any)
        .max_age(PREFLIGHT_LIFETIME)
}
