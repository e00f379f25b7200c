//! Starting and stopping a verifier.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{Method, header};
use tokio::net::TcpListener;
use tollgate_gate::GateError;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, Any, CorsLayer};
use tracing::info;

use crate::api;
use crate::config::{AllowedOrigins, Config, PublicUrl};
use crate::error::ServiceError;
use crate::forward_auth;
use crate::foundation::{Foundation, Task};
use crate::gatekeeper::{self, Gatekeeper};
use crate::proxy::Proxy;
use crate::request_id;
use crate::serve::{self, Drained, Limits};
use crate::start_error::StartError;

/// How long browsers may remember a preflight.
const PREFLIGHT_LIFETIME: Duration = Duration::from_secs(600);

/// The service. [`Verifier::start`] is all there is.
#[derive(Clone, Copy, Debug)]
pub struct Verifier;

/// A verifier that is running. Dropping it stops it at once; call
/// [`RunningVerifier::shutdown`] to let requests in flight finish.
#[derive(Debug)]
pub struct RunningVerifier {
    local_addr: SocketAddr,
    public_url: PublicUrl,
    server: Task<Drained>,
    foundation: Foundation,
}

/// How shutting down went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Connections that did not finish before `shutdown_deadline` and were cut.
    pub cut_connections: usize,
}

impl From<Drained> for ShutdownReport {
    fn from(drained: Drained) -> Self {
        Self {
            cut_connections: drained.cut,
        }
    }
}

impl Verifier {
    /// Checks the configuration against itself and the chain, listens, and serves
    /// until [`RunningVerifier::shutdown`].
    ///
    /// When the RPC server cannot be asked, the verifier starts all the same: it
    /// is not ready, answers 503, and looks again. What the chain contradicts (another
    /// cluster, no such merchant or product, another currency) is an error.
    ///
    /// # Errors
    /// [`StartError`], with a stable code.
    pub async fn start(config: Config) -> Result<RunningVerifier, StartError> {
        if config.upstream.is_none() && config.forward_auth.is_none() {
            let message = "expected a section [upstream] or [forward_auth]";
            return Err(StartError::Upstream(message.to_owned()));
        }
        let listener = TcpListener::bind(config.server.listen)
            .await
            .map_err(|error| StartError::Listen {
                address: config.server.listen,
                error,
            })?;
        let local_addr = listener.local_addr().map_err(|error| StartError::Listen {
            address: config.server.listen,
            error,
        })?;
        let public_url = config.server.public_url.with_bound_port(local_addr.port());
        let proxy = config
            .upstream
            .clone()
            .map(|upstream| Proxy::new(&config.server, upstream, public_url.clone()))
            .transpose()
            .map_err(|error| StartError::Upstream(error.to_string()))?;
        let foundation = Foundation::start(&config, &public_url).await?;
        let known = foundation.app.known_market().is_ok();
        let gatekeeper = Arc::new(Gatekeeper {
            app: Arc::clone(&foundation.app),
            proxy,
        });
        let router = router(gatekeeper, &config);
        let limits = Limits::from(&config);
        let server = tokio::spawn(serve::run(
            listener,
            router,
            limits,
            foundation.stop.subscribe(),
        ));
        info!(address = %local_addr, url = %public_url, ready = known, "the verifier listens");
        Ok(RunningVerifier {
            local_addr,
            public_url,
            server: Task(server),
            foundation,
        })
    }
}

impl RunningVerifier {
    /// The address it listens at.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The URL that callers use; a configured port 0 is replaced by the real one.
    #[must_use]
    pub fn public_url(&self) -> &PublicUrl {
        &self.public_url
    }

    /// What was counted of metered products since the start, by stable names; nothing
    /// without a section `[credits]`.
    #[must_use]
    pub fn credit_counts(&self) -> Vec<(&'static str, u64)> {
        let credits = self.foundation.app.credits.as_ref();
        credits.map_or_else(Vec::new, |credits| credits.meter.tally().counts().to_vec())
    }

    /// Stops accepting, turns unready, lets requests in flight finish until the
    /// configured deadline, and then cuts them. Then books used credits, which takes
    /// at most the same time again.
    pub async fn shutdown(mut self) -> ShutdownReport {
        self.foundation.stop.send_replace(true);
        // A task that panicked has nothing left to drain.
        let drained = (&mut self.server.0).await.unwrap_or(Drained { cut: 0 });
        self.foundation.end().await;
        info!(cut = drained.cut, "the verifier stopped");
        drained.into()
    }
}

/// Endpoints and protected routes, inside what every request goes through.
fn router(gatekeeper: Arc<Gatekeeper>, config: &Config) -> Router {
    let app = Arc::clone(&gatekeeper.app);
    let protected = Router::new()
        .fallback(gatekeeper::handle)
        .with_state(gatekeeper);
    let plain = api::router(Arc::clone(&app)).fallback_service(protected);
    let open = plain
        .clone()
        .layer(cors(&config.server.allowed_origins))
        .layer(from_fn_with_state(plain, without_cors));
    // Outside of the CORS layer, which answers preflights with 200: to a web server
    // that asks about one, this would be leave to forward it.
    let asked = match &config.forward_auth {
        Some(asked) => forward_auth::router(app, asked.clone()),
        None => Router::new(),
    };
    asked
        .fallback_service(open)
        .layer(CatchPanicLayer::custom(|_| {
            ServiceError::from(GateError::Internal).into_response()
        }))
        .layer(from_fn(request_id::trace))
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
