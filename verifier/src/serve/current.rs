//! What a listener serves now, and how it is exchanged.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio_rustls::TlsAcceptor;

use super::limits::Limits;

/// One configuration of a listener, whole: never half of one and half of another.
pub(crate) struct Served {
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    /// `None`: plain HTTP.
    pub(crate) tls: Option<TlsAcceptor>,
}

/// The configuration in force. Requests look it up when they begin and keep it
/// until they end, so that exchanging it touches none of them.
pub(crate) struct Current {
    served: ArcSwap<Served>,
    pub(crate) events: ConnectionEvents,
}

impl Current {
    pub(crate) fn new(served: Served, events: ConnectionEvents) -> Arc<Self> {
        Arc::new(Self {
            served: ArcSwap::from_pointee(served),
            events,
        })
    }

    pub(crate) fn load(&self) -> Arc<Served> {
        self.served.load_full()
    }

    pub(crate) fn exchange(&self, served: Served) {
        self.served.store(Arc::new(served));
    }
}

/// What becomes of a listener's connections, counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionEvents {
    pub(crate) open: Gauge,
    pub(crate) accepted: Counter,
    /// Closed because their address had too many.
    pub(crate) refused: Counter,
    /// TLS handshakes that failed or took too long.
    pub(crate) tls_failed: Counter,
}

impl ConnectionEvents {
    /// A connection is open until the returned value is dropped.
    pub(super) fn opened(&self) -> OpenConnection {
        self.accepted.inc();
        self.open.inc();
        OpenConnection(self.open.clone())
    }
}

pub(super) struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}
