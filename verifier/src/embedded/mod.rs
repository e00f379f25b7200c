//! The gate inside a Rust service: no proxy, no second process.
//!
//! ```no_run
//! # use axum::{Router, routing::get};
//! # use tollgate_verifier::{Config, Embedded};
//! # async fn example(listener: tokio::net::TcpListener) -> Result<(), Box<dyn std::error::Error>> {
//! # let routes = Router::new().route("/v1/quote/{symbol}", get(async || "42"));
//! let gate = Embedded::start(Config::load("tollgate.toml".as_ref())?).await?;
//! let app = routes.layer(gate.layer());
//! gate.serve(listener, app).await;
//! # Ok(())
//! # }
//! ```
//!
//! The configuration is the verifier's; `[upstream]` and `server.listen` may be left
//! out. Its `[[routes]]` are all that can be reached: a route of the service that
//! they do not name answers 404. The service's own endpoints (`/v1/pay`,
//! `/v1/products`, the check, health) are answered by the layer, so that it belongs
//! around the outermost router: inside `Router::nest` it would see shortened paths.
//! Layers for CORS and tracing go around it.
//!
//! [`Embedded::serve`] is the verifier's own accept loop. `axum::serve` works too,
//! but has no limit on the time and size of a request's head (axum 0.8), and drops
//! one of two contradicting lengths before the layer could refuse the request. What
//! reaches the layer ambiguous (two hosts, two lengths) it refuses in any case.

mod access;
mod future;
mod layer;

pub use self::access::PaidAccess;
pub use self::future::ResponseFuture;
pub use self::layer::{GateLayer, Gated};

use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;

use crate::api;
use crate::app::App;
use crate::config::Config;
use crate::foundation::{Foundation, Prepared};
use crate::lasting::Lasting;
use crate::serve::{self, Current, Limits, Served};
use crate::start_error::StartError;
use crate::verifier::ShutdownReport;

/// A gate for handlers in this process. Cheap to clone; it follows the chain until
/// the last clone, layer and service of it is dropped.
#[derive(Clone, Debug)]
pub struct Embedded {
    shared: Arc<Shared>,
    limits: Limits,
}

/// What a gate's layers have in common.
#[derive(Debug)]
struct Shared {
    lasting: Lasting,
    foundation: Foundation,
    /// The endpoints of the gate itself.
    endpoints: Router,
}

impl Shared {
    fn app(&self) -> &Arc<App> {
        &self.foundation.app
    }
}

impl Embedded {
    /// Checks the configuration against itself and the chain, and begins to follow
    /// the chain. `server.public_url` must be the URL by which callers reach the
    /// service, with its port.
    ///
    /// When the RPC server cannot be asked, it starts all the same and answers 503
    /// until it can be.
    ///
    /// # Errors
    /// [`StartError`], with a stable code.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let mut lasting = Lasting::start(&config, config.server.public_url.clone())?;
        lasting.open_stores(&config).await?;
        let prepared = Prepared::new(&config, &lasting).await?;
        lasting.follow_the_chain(&config);
        let foundation = prepared.enter(&config, &lasting);
        let endpoints = api::router(Arc::clone(&foundation.app));
        Ok(Self {
            limits: Limits::from(&config),
            shared: Arc::new(Shared {
                lasting,
                foundation,
                endpoints,
            }),
        })
    }

    /// The layer for `axum::Router::layer` or any other `tower::Service` over
    /// `http::Request`.
    #[must_use]
    pub fn layer(&self) -> GateLayer {
        GateLayer::new(Arc::clone(&self.shared))
    }

    /// Serves `router` by the verifier's accept loop, with the limits of `[server]`,
    /// until [`Embedded::stop`]; then lets requests in flight finish until
    /// `server.shutdown_deadline`, and books used credits for as long at most.
    pub async fn serve(&self, listener: TcpListener, router: Router) -> ShutdownReport {
        let lasting = &self.shared.lasting;
        let served = Served {
            router,
            limits: self.limits,
            tls: None,
        };
        let current = Current::new(served, lasting.metrics.connections.clone());
        let drained = serve::run(listener, current, lasting.stop.subscribe()).await;
        ShutdownReport {
            cut_connections: drained.cut,
            failed_hooks: lasting.end().await,
        }
    }

    /// Turns the service unready and ends [`Embedded::serve`].
    pub fn stop(&self) {
        self.shared.lasting.leave.send_replace(true);
        self.shared.lasting.stop.send_replace(true);
    }
}
