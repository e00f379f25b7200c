//! The open connections, so that any of them can be cut.

use parking_lot::Mutex;
use std::{
    collections::HashMap,
    net::{Shutdown, TcpStream},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All open connections, up to a limit.
#[derive(Debug)]
pub(crate) struct Connections {
    permits: Arc<Semaphore>,
    next: AtomicU64,
    open: Mutex<HashMap<u64, Weak<Connection>>>,
}

impl Connections {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(limit)),
            next: AtomicU64::new(0),
            open: Mutex::default(),
        })
    }

    /// Takes in a connection; `socket` is a second handle of it. Nothing when there are too many.
    pub(crate) fn add(self: &Arc<Self>, socket: TcpStream) -> Option<Arc<Connection>> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        let connection = Arc::new(Connection {
            id: self.next.fetch_add(1, Ordering::Relaxed),
            socket,
            all: Arc::downgrade(self),
            _permit: permit,
        });
        self.open
            .lock()
            .insert(connection.id, Arc::downgrade(&connection));
        Some(connection)
    }

    /// Cuts every open connection.
    pub(crate) fn cut_all(&self) {
        let open: Vec<_> = self
            .open
            .lock()
            .values()
            .filter_map(Weak::upgrade)
            .collect();
        for connection in open {
            connection.cut();
        }
    }
}

/// One connection. It travels with each request, and counts as open until the last handle of it
/// is gone, which for WebSockets is the end of the session.
#[derive(Debug)]
pub(crate) struct Connection {
    id: u64,
    socket: TcpStream,
    all: Weak<Connections>,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    /// Ends the connection at once, without a farewell.
    pub(crate) fn cut(&self) {
        // An error means that the peer has ended it already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(all) = self.all.upgrade() {
            all.open.lock().remove(&self.id);
        }
    }
}
