//! Stands between a settlement and the chain's JSON-RPC, and fails as it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    Pass,
    /// The chain never hears of it.
    Fail,
    /// The chain hears of it; its answer is lost.
    LoseAnswer,
    /// Nobody ever answers; the chain never hears of it.
    HangBefore,
    /// Nobody ever answers; the chain heard of it.
    HangAfter,
    /// It takes its time.
    Slow(Duration),
}

type Plan = Box<dyn FnMut(usize, &str) -> Fault + Send>;

struct Script {
    plan: Plan,
    calls: Vec<String>,
}

struct Inside {
    script: Mutex<Script>,
    hangs: Notify,
    upstream: String,
    http: reqwest::Client,
}

/// A running door; ends with its owner.
pub struct Door {
    address: SocketAddr,
    inside: Arc<Inside>,
    task: JoinHandle<()>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Door {
    /// An open door to the JSON-RPC at `upstream`.
    pub async fn to(upstream: &str) -> Self {
        let inside = Arc::new(Inside {
            script: Mutex::new(Script {
                plan: Box::new(|_, _| Fault::Pass),
                calls: Vec::new(),
            }),
            hangs: Notify::new(),
            upstream: upstream.to_owned(),
            http: reqwest::Client::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(pass).with_state(Arc::clone(&inside));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            inside,
            task,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Decides about each call from now on, by its number (from 0) and its method. The
    /// question for the genesis hash is not counted and always passes.
    pub fn set(&self, plan: impl FnMut(usize, &str) -> Fault + Send + 'static) {
        let mut script = self.inside.script.lock().unwrap();
        script.plan = Box::new(plan);
        script.calls.clear();
    }

    /// The methods that were called since.
    pub fn calls(&self) -> Vec<String> {
        self.inside.script.lock().unwrap().calls.clone()
    }

    /// Waits until a call hangs.
    pub async fn hangs(&self) {
        self.inside.hangs.notified().await;
    }
}

async fn pass(State(inside): State<Arc<Inside>>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let method = request["method"].as_str().unwrap().to_owned();
    let fault = if method == "getGenesisHash" {
        Fault::Pass
    } else {
        let mut script = inside.script.lock().unwrap();
        let number = script.calls.len();
        script.calls.push(method.clone());
        (script.plan)(number, &method)
    };
    match fault {
        Fault::Fail => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Fault::HangBefore => {
            inside.hangs.notify_one();
            std::future::pending::<()>().await;
        }
        Fault::Slow(time) => tokio::time::sleep(time).await,
        Fault::Pass | Fault::LoseAnswer | Fault::HangAfter => {}
    }
    let sending = inside.http.post(&inside.upstream);
    let answer = sending
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    match fault {
        Fault::LoseAnswer => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Fault::HangAfter => {
            inside.hangs.notify_one();
            std::future::pending::<Response>().await
        }
        _ => ([("content-type", "application/json")], answer).into_response(),
    }
}
