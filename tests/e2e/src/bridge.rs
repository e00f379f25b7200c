//! A local chain's account updates over Yellowstone's gRPC protocol, on the way a
//! network may bring them: out of order, more than once, and with those that have not
//! reached the commitment among them.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::{SinkExt, StreamExt, stream};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tollgate_client::PROGRAM_ID;
use tollgate_client::chain::CLOCK;

use crate::geyser::wire::{SubscribeRequest, SubscribeUpdate, level};
use crate::geyser::{Geyser, PROCESSED, Updates, account, slot};

/// How many updates wait to change places.
const DISORDER: usize = 6;

/// A running bridge; ends with its owner.
pub struct Bridge {
    address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Bridge {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Bridge {
    /// A bridge from the chain's WebSocket; `seed` decides what changes places.
    pub async fn over(websocket_url: &str, seed: u64) -> Self {
        let (updates, _) = broadcast::channel(8192);
        let carrying = tokio::spawn(carry(websocket_url.to_owned(), updates.clone(), seed));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let geyser = Geyser {
            token: None,
            subscribe: Arc::new(move |request| answer(&request, &updates)),
            pongs: Arc::default(),
        };
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(geyser.clone().serve(stream));
            }
        });
        Self {
            address,
            tasks: [carrying, accepting],
        }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn answer(request: &SubscribeRequest, updates: &broadcast::Sender<SubscribeUpdate>) -> Updates {
    assert_eq!(request.commitment, Some(level::CONFIRMED));
    let owner = &request.accounts["entitlements"].owner;
    assert_eq!(owner, &[PROGRAM_ID.to_string()]);
    stream::unfold(updates.subscribe(), |mut updates| async move {
        // Who is too far behind is cut off.
        let update = updates.recv().await.ok()?;
        Some((Ok(update), updates))
    })
    .boxed()
}

async fn carry(url: String, updates: broadcast::Sender<SubscribeUpdate>, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut socket, _) = connect_async(url).await.unwrap();
    let filters = json!([{ "dataSize": tollgate_client::Entitlement::SPACE }]);
    let of_program = |commitment: &str| {
        let options = json!({ "encoding": "base64", "commitment": commitment, "filters": filters });
        json!([PROGRAM_ID.to_string(), options])
    };
    let clock = json!({ "encoding": "base64", "commitment": "confirmed" });
    for (method, params) in [
        ("programSubscribe", of_program("processed")),
        ("programSubscribe", of_program("confirmed")),
        ("accountSubscribe", json!([CLOCK.to_string(), clock])),
        ("slotSubscribe", json!([])),
    ] {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        socket
            .send(Message::text(request.to_string()))
            .await
            .unwrap();
    }
    let mut waiting = Vec::new();
    let mut write_version = 0;
    while let Some(Ok(message)) = socket.next().await {
        let Ok(notice) = serde_json::from_slice::<Value>(&message.into_data()) else {
            continue;
        };
        write_version += 1;
        for update in told(&notice, write_version) {
            if random.random_ratio(1, 4) {
                waiting.push(update.clone());
            }
            waiting.push(update);
        }
        waiting.shuffle(&mut random);
        while waiting.len() > DISORDER {
            // Nobody listens.
            let _ = waiting.pop().map(|update| updates.send(update));
        }
    }
}

/// What a notification of the chain says in the other protocol.
fn told(notice: &Value, write_version: u64) -> Vec<SubscribeUpdate> {
    let result = &notice["params"]["result"];
    let as_of = result["context"]["slot"].as_u64();
    match notice["method"].as_str() {
        Some("slotNotification") => {
            vec![slot(result["slot"].as_u64().unwrap(), PROCESSED)]
        }
        Some("programNotification") => {
            let at = result["value"]["pubkey"].as_str().unwrap().parse().unwrap();
            let shown = &result["value"]["account"];
            vec![state(at, shown, as_of.unwrap(), write_version)]
        }
        Some("accountNotification") => {
            let as_of = as_of.unwrap();
            vec![
                state(CLOCK, &result["value"], as_of, write_version),
                slot(as_of, level::CONFIRMED),
            ]
        }
        _ => Vec::new(),
    }
}

fn state(at: Pubkey, shown: &Value, as_of: u64, write_version: u64) -> SubscribeUpdate {
    let owner: Pubkey = shown["owner"].as_str().unwrap().parse().unwrap();
    let data = STANDARD.decode(shown["data"][0].as_str().unwrap()).unwrap();
    let parts = (at.as_ref(), owner.as_ref(), data.as_slice());
    account(parts, as_of, write_version)
}
