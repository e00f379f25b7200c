//! The listener for operators: metrics and health, apart from the callers' way, so
//! that neither their limits nor their load stand between a monitor and the truth. And
//! what only the merchant may ask for: orders.

mod orders;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderValue, header};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tollgate_gate::GateError;

use crate::api::health;
use crate::app::App;
use crate::error::ServiceError;
use crate::metrics::Metrics;
use crate::serve::{self, ConnectionEvents, Current, Drained, Limits, Served};

/// OpenMetrics text.
const METRICS_TYPE: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

#[derive(Clone)]
struct Admin {
    app: watch::Receiver<Arc<App>>,
    metrics: Arc<Metrics>,
}

/// Serves until the future is dropped.
pub(crate) async fn run(
    listener: TcpListener,
    app: watch::Receiver<Arc<App>>,
    metrics: Arc<Metrics>,
) -> Drained {
    // Whoever reaches it from elsewhere may read, but not spend.
    let is_local = listener
        .local_addr()
        .is_ok_and(|address| address.ip().is_loopback());
    let mut router = Router::new();
    if is_local {
        router = router.route("/v1/orders", post(orders::make));
    }
    let router = router
        .route("/metrics", get(page))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(ready))
        .fallback(async || ServiceError::from(GateError::RouteNotFound))
        .method_not_allowed_fallback(async || ServiceError::from(GateError::MethodNotAllowed))
        .with_state(Admin { app, metrics });
    let served = Served {
        router,
        limits: limits(),
        tls: None,
    };
    let current = Current::new(served, ConnectionEvents::default());
    let (_never, stop) = watch::channel(false);
    serve::run(listener, current, stop).await
}

/// Few monitors ask, and each asks quickly.
fn limits() -> Limits {
    Limits {
        max_connections: 64,
        max_connections_per_address: 64,
        header_read_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(75),
        stall_timeout: Duration::from_secs(10),
        quiet_timeout: Duration::from_secs(20),
        shutdown_deadline: Duration::ZERO,
    }
}

async fn page(State(admin): State<Admin>) -> Response {
    let ready = admin.app.borrow().unready().is_none();
    admin.metrics.ready.set(i64::from(ready));
    match admin.metrics.page() {
        Ok(page) => ([(header::CONTENT_TYPE, METRICS_TYPE)], page).into_response(),
        Err(_) => ServiceError::from(GateError::Internal).into_response(),
    }
}

async fn ready(State(admin): State<Admin>) -> Response {
    let app = Arc::clone(&admin.app.borrow());
    health::readiness(&app)
}
