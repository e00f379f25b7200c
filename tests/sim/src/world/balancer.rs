//! The one address of all replicas.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Forwards each connection to the next replica that takes it.
pub(super) struct Balancer {
    address: SocketAddr,
    replicas: Arc<Mutex<Vec<SocketAddr>>>,
    task: JoinHandle<()>,
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Balancer {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let replicas = Arc::new(Mutex::new(Vec::new()));
        let known = Arc::clone(&replicas);
        let turn = AtomicUsize::new(0);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let turn = turn.fetch_add(1, Ordering::Relaxed);
                let mut order = known.lock().unwrap().clone();
                if !order.is_empty() {
                    let first = turn % order.len();
                    order.rotate_left(first);
                }
                tokio::spawn(forward(client, order));
            }
        });
        Self {
            address,
            replicas,
            task,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn set(&self, replicas: Vec<SocketAddr>) {
        *self.replicas.lock().unwrap() = replicas;
    }
}

async fn forward(mut client: TcpStream, replicas: Vec<SocketAddr>) {
    for replica in replicas {
        if let Ok(mut server) = TcpStream::connect(replica).await {
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            return;
        }
    }
}
