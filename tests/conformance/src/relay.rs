//! A relay on loopback that counts what the chain sends through it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::failure::{Failure, Outcome};

/// Forwards one connection to the chain until it is dropped.
pub(crate) struct Relay {
    address: std::net::SocketAddr,
    received: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Listens on a free port for one connection and forwards it to `target` (`host:port`).
    pub(crate) async fn start(target: &str) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(Failure::preparation)?;
        let address = listener.local_addr().map_err(Failure::preparation)?;
        let received = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn({
            let received = Arc::clone(&received);
            let target = target.to_owned();
            async move {
                // An error ends the connection, which the client under test reports.
                let _ = forward(&listener, &target, &received).await;
            }
        });
        Ok(Self {
            address,
            received,
            task,
        })
    }

    /// Where a WebSocket client connects.
    pub(crate) fn websocket_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// How many bytes the chain has sent so far.
    pub(crate) fn bytes_from_chain(&self) -> u64 {
        self.received.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Forwards one connection in both directions.
async fn forward(
    listener: &TcpListener,
    target: &str,
    received: &AtomicU64,
) -> std::io::Result<()> {
    let (client, _) = listener.accept().await?;
    let chain = TcpStream::connect(target).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_chain, mut to_chain) = chain.into_split();
    let answers = async {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let count = from_chain.read(&mut buffer).await?;
            if count == 0 {
                return to_client.shutdown().await;
            }
            received.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::SeqCst);
            to_client
                .write_all(buffer.get(..count).unwrap_or_default())
                .await?;
        }
    };
    let questions = async {
        copy(&mut from_client, &mut to_chain).await?;
        to_chain.shutdown().await
    };
    tokio::try_join!(answers, questions)?;
    Ok(())
}
