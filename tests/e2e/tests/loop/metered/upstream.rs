//! An API that counts what reaches it and says what it is told to say.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running API.
pub struct Upstream {
    pub address: SocketAddr,
    hits: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let hits = Arc::new(AtomicU64::new(0));
        let router = Router::new()
            .route("/v1/{name}", get(answer))
            .with_state(Arc::clone(&hits));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            hits,
            task,
        }
    }

    /// Requests that reached it.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::SeqCst)
    }

    /// Ends it: connections are refused from now on.
    pub async fn stop(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// `?say=STATUS` answers with it; `?say=nothing` never answers.
async fn answer(
    State(hits): State<Arc<AtomicU64>>,
    Query(query): Query<HashMap<String, String>>,
) -> StatusCode {
    hits.fetch_add(1, Ordering::SeqCst);
    match query.get("say").map(String::as_str) {
        None => StatusCode::OK,
        Some("nothing") => std::future::pending().await,
        Some(status) => status.parse().unwrap(),
    }
}
