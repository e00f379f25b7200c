//! A door between a verifier and a chain: it can be shut, and lead elsewhere.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Forwards connections of a fixed address while it is open.
pub struct Door {
    address: SocketAddr,
    target: Arc<Mutex<String>>,
    open: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Door {
    /// An open door to the server of `url`.
    pub async fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = Arc::new(Mutex::new(authority(url)));
        let (open, is_open) = watch::channel(true);
        let task = tokio::spawn(stand(listener, Arc::clone(&target), is_open));
        Self {
            address,
            target,
            open,
            task,
        }
    }

    /// `host:port` of this side.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections and lets nobody in.
    pub fn shut(&self) {
        self.open.send_replace(false);
    }

    /// Lets connections in again.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// New connections lead to the server of `url`.
    pub fn lead_to(&self, url: &str) {
        *self.target.lock().unwrap() = authority(url);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
        self.open.send_replace(false);
    }
}

fn authority(url: &str) -> String {
    let (_, rest) = url.split_once("://").expect("a URL");
    rest.trim_end_matches('/').to_owned()
}

async fn stand(listener: TcpListener, target: Arc<Mutex<String>>, is_open: watch::Receiver<bool>) {
    loop {
        let Ok((mut inside, _)) = listener.accept().await else {
            return;
        };
        if !*is_open.borrow() {
            continue;
        }
        let target = target.lock().unwrap().clone();
        let mut is_open = is_open.clone();
        tokio::spawn(async move {
            let Ok(mut outside) = TcpStream::connect(target).await else {
                return;
            };
            tokio::select! {
                // How a connection ends is the peers' business.
                _ = copy_bidirectional(&mut inside, &mut outside) => {}
                _ = is_open.wait_for(|open| !open) => {}
            }
        });
    }
}
