//! A replica's way to the chain, which can be broken, and where calls are counted.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How old an answer of a server that lags may be.
pub(crate) const LAG: Duration = Duration::from_millis(400);

/// What is wrong with the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Every call gets HTTP 500.
    Failing,
    /// No call gets an answer.
    Hanging,
    /// Calls get something that is not JSON-RPC.
    Babbling,
    /// Calls get HTTP 429.
    Throttling,
    /// Answers take a while, but come in time.
    Slow,
    /// The same question gets the same answer for up to [`LAG`].
    Lagging,
}

impl Fault {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Failing,
        Self::Hanging,
        Self::Babbling,
        Self::Throttling,
        Self::Slow,
        Self::Lagging,
    ];

    /// Whether readings still succeed.
    pub(crate) fn works(self) -> bool {
        matches!(self, Self::Slow | Self::Lagging)
    }
}

/// The way. It ends with its owner.
pub(crate) struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    target: String,
    http: reqwest::Client,
    fault: watch::Sender<Option<Fault>>,
    waiting: AtomicUsize,
    most: AtomicUsize,
    /// Question (without its number) → answer and when it was had.
    answers: Mutex<HashMap<String, (Instant, Bytes)>>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Relay {
    pub(crate) async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            target: format!("http://{target}"),
            http: reqwest::Client::new(),
            fault: watch::Sender::new(None),
            waiting: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            answers: Mutex::default(),
        });
        let router = Router::new()
            .route("/", post(call))
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self {
            address,
            shared,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn set(&self, fault: Option<Fault>) {
        self.shared.fault.send_replace(fault);
    }

    /// The most calls that waited for an answer at the same time.
    pub(crate) fn most_in_flight(&self) -> usize {
        self.shared.most.load(Ordering::SeqCst)
    }
}

/// Counts a call until it is answered or given up.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn new(shared: &'a Shared) -> Self {
        let now = shared.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most.fetch_max(now, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn call(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let _waiting = Waiting::new(&shared);
    let fault = *shared.fault.borrow();
    match fault {
        Some(Fault::Failing) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Fault::Throttling) => StatusCode::TOO_MANY_REQUESTS.into_response(),
        Some(Fault::Babbling) => "<html>maintenance</html>".into_response(),
        Some(Fault::Hanging) => {
            // Until the fault is over; then the answer is an error all the same.
            let mut changes = shared.fault.subscribe();
            let _ = changes
                .wait_for(|fault| *fault != Some(Fault::Hanging))
                .await;
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Some(Fault::Slow) => {
            tokio::time::sleep(Duration::from_millis(150)).await;
            shared.ask(&body, Duration::ZERO).await
        }
        Some(Fault::Lagging) => shared.ask(&body, LAG).await,
        None => shared.ask(&body, Duration::ZERO).await,
    }
}

impl Shared {
    /// Asks the chain, or answers with what it said at most `oldest` ago.
    async fn ask(&self, body: &Bytes, oldest: Duration) -> Response {
        let mut question: serde_json::Value = serde_json::from_slice(body).unwrap();
        let id = question["id"].take();
        let question = question.to_string();
        let known = self.answers.lock().unwrap().get(&question).cloned();
        let answer = match known {
            Some((asked, answer)) if asked.elapsed() < oldest => Some(answer),
            _ => {
                let asked = Instant::now();
                let answer = self.forward(body).await;
                if let Some(answer) = &answer {
                    let mut answers = self.answers.lock().unwrap();
                    answers.insert(question, (asked, answer.clone()));
                }
                answer
            }
        };
        let Some(answer) = answer else {
            return StatusCode::BAD_GATEWAY.into_response();
        };
        let mut answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        answer["id"] = id;
        ([(CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
    }

    async fn forward(&self, body: &Bytes) -> Option<Bytes> {
        let request = self.http.post(&self.target).body(body.clone());
        let answer = request
            .header(CONTENT_TYPE, "application/json")
            .send()
            .await
            .ok()?;
        if !answer.status().is_success() {
            return None;
        }
        answer.bytes().await.ok()
    }
}
