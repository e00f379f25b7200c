//! Accepting connections, counting them, and letting them finish.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::connection;
use super::current::Current;

/// How long to wait after the operating system refused a connection (for
/// instance because no file descriptor is left) before asking again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How shutting down went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drained {
    /// Connections that did not finish before the deadline and were cut.
    pub(crate) cut: usize,
}

/// Serves what is current until `stop` turns true, then waits for what is in
/// flight. A change of the limits applies to connections made after it; the cap on
/// their number stays that of the start.
pub(crate) async fn run(
    listener: TcpListener,
    current: Arc<Current>,
    mut stop: watch::Receiver<bool>,
) -> Drained {
    let places = Arc::new(Semaphore::new(current.load().limits.max_connections));
    let peers = Arc::new(PeerCounts::default());
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
        let most = current.load().limits.max_connections_per_address;
        let Some(counted) = peers.admit(peer.ip(), most) else {
            current.events.refused.inc();
            debug!(address = %peer.ip(), "closed a connection: its address has too many");
            continue;
        };
        let opened = current.events.opened();
        let current = Arc::clone(&current);
        let stopping = stopping.clone();
        connections.spawn(async move {
            let place = Box::new((place, counted, opened));
            connection::serve(stream, peer, place, current, stopping).await;
        });
    }
    // Nobody may connect to a service that is going away.
    drop(listener);
    let deadline = current.load().limits.shutdown_deadline;
    let drained = tokio::time::timeout(deadline, async {
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
#[derive(Default)]
struct PeerCounts {
    counts: Mutex<HashMap<IpAddr, usize>>,
}

impl PeerCounts {
    /// Counts a connection until the returned value is dropped; `None` when the
    /// address has `most` already.
    fn admit(self: &Arc<Self>, address: IpAddr, most: usize) -> Option<CountedPeer> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_insert(0);
        if *count >= most {
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
        let peers = Arc::new(PeerCounts::default());
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let other: IpAddr = "192.0.2.2".parse().unwrap();
        let first = peers.admit(one, 2).unwrap();
        let second = peers.admit(one, 2).unwrap();
        assert!(peers.admit(one, 2).is_none());
        assert!(peers.admit(other, 2).is_some());
        drop(first);
        assert!(peers.admit(one, 2).is_some());
        drop(second);
        assert!(peers.counts.lock().unwrap().is_empty());
    }
}
