//! An upstream that says exactly what a test tells it to, byte by byte, and
//! remembers every byte that it was sent.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running upstream; ends with its owner.
pub struct RawUpstream {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for RawUpstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection to it.
pub struct Conversation {
    socket: TcpStream,
    number: usize,
    heard: Arc<Mutex<Vec<String>>>,
    unread: String,
}

impl RawUpstream {
    /// Runs `talk` for every connection.
    pub async fn start<F>(talk: impl Fn(Conversation) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            let mut conversations = tokio::task::JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let number = {
                    let mut heard = all.lock().unwrap();
                    heard.push(String::new());
                    heard.len() - 1
                };
                conversations.spawn(talk(Conversation {
                    socket,
                    number,
                    heard: Arc::clone(&all),
                    unread: String::new(),
                }));
            }
        });
        Self {
            address,
            heard,
            task,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was heard, connection by connection.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl Conversation {
    /// Reads once; `false` at the end.
    pub async fn listen(&mut self) -> bool {
        let mut piece = [0; 4096];
        match self.socket.read(&mut piece).await {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                let text = String::from_utf8_lossy(&piece[..count]).into_owned();
                self.heard.lock().unwrap()[self.number].push_str(&text);
                self.unread.push_str(&text);
                true
            }
        }
    }

    /// Reads up to and including `end`; empty when the connection ended before.
    pub async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.unread.find(end) {
                return self.unread.drain(..at + end.len()).collect();
            }
            if !self.listen().await {
                return String::new();
            }
        }
    }

    /// Reads a request's head.
    pub async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await
    }

    pub async fn say(&mut self, text: &str) {
        let _ = self.socket.write_all(text.as_bytes()).await;
    }

    /// Listens until the other side ends it.
    pub async fn stay(&mut self) {
        while self.listen().await {}
    }
}
