//! A small API that knows nothing of payments.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running upstream.
pub struct RunningUpstream {
    /// Where it listens.
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl RunningUpstream {
    /// Stops it.
    pub async fn shutdown(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// Starts it on a free port of the loopback address.
///
/// # Errors
/// When no port can be bound.
pub async fn start() -> std::io::Result<RunningUpstream> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let router = Router::new()
        .route("/public/hello", get(hello))
        .route("/v1/report", get(report))
        .route("/v1/quotes/{symbol}", get(quote));
    let serve = axum::serve(listener, router).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let task = tokio::spawn(async move { serve.await });
    Ok(RunningUpstream {
        address,
        stop,
        task,
    })
}

async fn hello() -> Json<Value> {
    Json(json!({"hello": "world"}))
}

/// Shows what the verifier tells an upstream about the caller.
async fn report(headers: HeaderMap) -> Json<Value> {
    let of = |name| {
        headers
            .get(name)
            .and_then(|value: &axum::http::HeaderValue| value.to_str().ok())
    };
    Json(json!({
        "report": "Sales of lemonade rose by 12 % this summer.",
        "beneficiary": of("tollgate-beneficiary"),
        "product": of("tollgate-product"),
    }))
}

async fn quote(Path(symbol): Path<String>) -> Json<Value> {
    // A price that depends on the symbol only, so that answers can be compared.
    let cents: u32 = symbol.bytes().map(u32::from).sum();
    Json(json!({"symbol": symbol, "price": format!("{}.{:02}", cents / 100, cents % 100)}))
}
