//! The protected API: writes down who was let through.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use http::HeaderMap;
use solana_pubkey::Pubkey;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::REQUEST_NUMBER;
use crate::history::{Event, Recorder};

/// The upstream. It ends with its owner.
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Visitors {
    recorder: Recorder,
    callers: Vec<Pubkey>,
}

impl Upstream {
    pub(super) async fn start(recorder: Recorder, callers: Vec<Pubkey>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::new(Visitors { recorder, callers }));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self { address, task }
    }
}

async fn answer(State(visitors): State<Arc<Visitors>>, headers: HeaderMap) -> &'static str {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // The agents' own requests carry no number; their answers are judged, their
    // visits are not.
    if let Some(request) = text(REQUEST_NUMBER) {
        let beneficiary = text("tollgate-beneficiary").and_then(|key| key.parse().ok());
        visitors.recorder.add(Event::Upstream {
            at: visitors.recorder.now(),
            request: request.parse().unwrap_or(u64::MAX),
            beneficiary: visitors
                .callers
                .iter()
                .position(|caller| Some(*caller) == beneficiary),
        });
    }
    "lemonade"
}
