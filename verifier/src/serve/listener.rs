//! Accepting connections, counting them, and letting them finish.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::connection;
use super::limits::Limits;

/// How long to wait after the operating system refused a connection (for
/// instance because no file descriptor is left) before asking again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How shutting down went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drained {
    /// Connections that did not finish before the deadline and were cut.
    pub(crate) cut: usize,
}

/// Serves `router` until `stop` turns true, then waits for what is in flight.
pub(crate) async fn run(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) -> Drained {
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let peers = Arc::new(PeerCounts::new(limits.max_connections_per_address));
    let stopping = stop.clone();
    let mut connections = JoinSet::new();
    loop {
        // First a place, then the connection: whoever exceeds the cap waits in
        // the kernel's queue and costs nothing here.
        let accepted = tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => break,
            accepted = accept(&listener, &places) => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        let Some((stream, peer, place)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Some(counted) = peers.admit(peer.ip()) else {
            debug!(address = %peer.ip(), "closed a connection: its address has too many");
            continue;
        };
        let router = router.clone();
        let stopping = stopping.clone();
        connections.spawn(async move {
            let place = Box::new((place, counted));
            connection::serve(stream, peer, place, router, limits, stopping).await;
        });
    }
    // Nobody may connect to a service that is going away.
    drop(listener);
    let drained = tokio::time::timeout(limits.shutdown_deadline, async {
        while connections.join_next().await.is_some() {}
    });
    if drained.await.is_ok() {
        return Drained { cut: 0 };
    }
    let cut = connections.len();
    warn!(cut, "cut the connections that did not finish in time");
    connections.shutdown().await;
    Drained { cut }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(
    tokio::net::TcpStream,
    std::net::SocketAddr,
    OwnedSemaphorePermit,
)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            warn!(%error, "could not accept a connection");
            None
        }
    }
}

/// How many connections each peer address has. Holds an entry only for
/// addresses with a connection, so it is bounded by their number.
struct PeerCounts {
    most: usize,
    counts: Mutex<HashMap<IpAddr, usize>>,
}

impl PeerCounts {
    fn new(most: usize) -> Self {
        Self {
            most,
            counts: Mutex::new(HashMap::new()),
        }
    }

    /// Counts a connection until the returned value is dropped; `None` when the
    /// address has as many as it may have.
    fn admit(self: &Arc<Self>, address: IpAddr) -> Option<CountedPeer> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(CountedPeer {
            peers: Arc::clone(self),
            address,
        })
    }
}

struct CountedPeer {
    peers: Arc<PeerCounts>,
    address: IpAddr,
}

impl Drop for CountedPeer {
    fn drop(&mut self) {
        let mut counts = self
            .peers
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn addresses_are_counted_and_forgotten() {
        let peers = Arc::new(PeerCounts::new(2));
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let other: IpAddr = "192.0.2.2".parse().unwrap();
        let first = peers.admit(one).unwrap();
        let second = peers.admit(one).unwrap();
        assert!(peers.admit(one).is_none());
        assert!(peers.admit(other).is_some());
        drop(first);
        assert!(peers.admit(one).is_some());
        drop(second);
        assert!(peers.counts.lock().unwrap().is_empty());
    }
}
