//! The protected API: says what it was asked, and can misbehave.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running upstream; ends with its owner.
pub struct Upstream {
    address: std::net::SocketAddr,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&requests));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self {
            address,
            requests,
            task,
        }
    }

    pub fn address(&self) -> std::net::SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests arrived.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn stop(&self) {
        self.task.abort();
    }
}

async fn answer(State(requests): State<Arc<AtomicUsize>>, request: Request) -> Response {
    requests.fetch_add(1, Ordering::SeqCst);
    let path = request.uri().path().to_owned();
    match path.as_str() {
        "/free/slow" => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            StatusCode::OK.into_response()
        }
        "/free/brief" => {
            tokio::time::sleep(Duration::from_millis(400)).await;
            "done".into_response()
        }
        // One piece, a pause, another piece.
        "/free/stream" => {
            let pieces = stream::iter(["first,", "second"]).then(|piece| async move {
                if piece == "second" {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Ok::<_, Infallible>(Bytes::from(piece))
            });
            Body::from_stream(pieces).into_response()
        }
        "/free/stall" => {
            let pieces =
                stream::iter([Ok::<_, Infallible>(Bytes::from("first"))]).chain(stream::pending());
            Body::from_stream(pieces).into_response()
        }
        "/free/huge" => {
            let pieces =
                stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from(vec![b'x'; 65536])))
                    .take(1024);
            Body::from_stream(pieces).into_response()
        }
        "/free/redirect" => (
            StatusCode::FOUND,
            [("location", "http://192.0.2.1/elsewhere")],
        )
            .into_response(),
        "/free/count" => {
            let mut body = request.into_body().into_data_stream();
            let mut count = 0;
            while let Some(Ok(piece)) = body.next().await {
                count += piece.len();
            }
            count.to_string().into_response()
        }
        "/free/rules" => (
            [
                ("access-control-allow-origin", "https://evil.test"),
                ("payment-required", "fake"),
                ("tollgate-session", "fake"),
                ("set-cookie", "a=b"),
                ("connection", "x-hop"),
                ("x-hop", "1"),
                ("x-kept", "1"),
                ("cache-control", "public, max-age=60"),
            ],
            "rules",
        )
            .into_response(),
        "/v1/quote/DEMAND" => StatusCode::PAYMENT_REQUIRED.into_response(),
        "/v1/quote/PUBLIC" => ([("cache-control", "public, max-age=60")], "public").into_response(),
        _ => echo(request).await,
    }
}

/// What was asked, as JSON.
async fn echo(request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20)
        .await
        .unwrap_or_default();
    let mut headers = Map::new();
    for (name, value) in &head.headers {
        headers.insert(name.to_string(), json!(value.to_str().unwrap_or("?")));
    }
    let said: Value = json!({
        "method": head.method.as_str(),
        "path": head.uri.path(),
        "query": head.uri.query(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    });
    axum::Json(said).into_response()
}
