//! A scripted feed: a WebSocket server that speaks Solana's pubsub protocol as far as
//! the verifier uses it, and that can fall silent, lie or hang up.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tollgate_client::accounts::encode;
use tollgate_client::{Entitlement, PROGRAM_ID, Pubkey};

use crate::support::rpc::{SYSVAR_OWNER, Script, addresses, clock_bytes};

/// How often a slot is complete.
const SLOT: Duration = Duration::from_millis(40);

struct State {
    script: Arc<Mutex<Script>>,
    messages: broadcast::Sender<String>,
    /// Connections stay open but nothing is sent.
    silent: AtomicBool,
    /// Connections are closed as soon as they are made.
    closed: AtomicBool,
    /// Added to every slot: the feed of another cluster.
    elsewhere: AtomicBool,
    connections: AtomicUsize,
    subscriptions: Mutex<Vec<Value>>,
}

/// A running feed of the chain that a scripted RPC server serves: with every slot here
/// the chain there is a slot further.
pub struct ScriptedFeed {
    address: SocketAddr,
    state: Arc<State>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for ScriptedFeed {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl ScriptedFeed {
    pub async fn start(script: &Arc<Mutex<Script>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (messages, _) = broadcast::channel(1024);
        let state = Arc::new(State {
            script: Arc::clone(script),
            messages,
            silent: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            elsewhere: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            subscriptions: Mutex::default(),
        });
        let ticking = tokio::spawn(tick(Arc::clone(&state)));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self {
            address,
            state,
            tasks: vec![ticking, accepting],
        }
    }

    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// How many connections subscribed to everything.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// The parameters of the subscriptions to the program.
    pub fn subscriptions(&self) -> Vec<Value> {
        self.state.subscriptions.lock().unwrap().clone()
    }

    pub fn fall_silent(&self, silent: bool) {
        self.state.silent.store(silent, Ordering::SeqCst);
    }

    pub fn close(&self, closed: bool) {
        self.state.closed.store(closed, Ordering::SeqCst);
        let _ = self.state.messages.send("close".to_owned());
    }

    pub fn serve_another_cluster(&self) {
        self.state.elsewhere.store(true, Ordering::SeqCst);
    }

    /// Reports a change in the present slot; nothing changes on the RPC server.
    pub fn push(&self, entitlement: &Entitlement) -> u64 {
        let slot = self.state.script.lock().unwrap().slot;
        self.push_as_of(entitlement, slot);
        slot
    }

    /// The same, as of any slot.
    pub fn push_as_of(&self, entitlement: &Entitlement, slot: u64) {
        let at = addresses().entitlement(&entitlement.product, &entitlement.beneficiary);
        self.push_bytes(at, &PROGRAM_ID.to_string(), &encode(entitlement), slot);
    }

    pub fn push_bytes(&self, at: Pubkey, owner: &str, data: &[u8], slot: u64) {
        let value = json!({ "pubkey": at.to_string(), "account": shown(owner, data) });
        self.notify("programNotification", slot, value);
    }

    fn notify(&self, method: &str, slot: u64, value: Value) {
        let _ = self.state.messages.send(notice(method, slot, value));
    }
}

fn shown(owner: &str, data: &[u8]) -> Value {
    json!({
        "lamports": 1_000_000,
        "owner": owner,
        "data": [STANDARD.encode(data), "base64"],
        "executable": false,
        "rentEpoch": 0,
        "space": data.len(),
    })
}

fn notice(method: &str, slot: u64, value: Value) -> String {
    json!({
        "jsonrpc": "2.0",
        "method": method,
        "params": { "result": { "context": { "slot": slot }, "value": value }, "subscription": 1 },
    })
    .to_string()
}

async fn tick(state: Arc<State>) {
    loop {
        tokio::time::sleep(SLOT).await;
        let (mut slot, time) = {
            let mut script = state.script.lock().unwrap();
            script.slot += 1;
            (script.slot, script.chain_time)
        };
        if state.elsewhere.load(Ordering::SeqCst) {
            slot += 10_000_000;
        }
        let heartbeat = json!({
            "jsonrpc": "2.0",
            "method": "slotNotification",
            "params": { "result": { "slot": slot + 1, "parent": slot, "root": 0 }, "subscription": 3 },
        });
        let clock = shown(SYSVAR_OWNER, &clock_bytes(slot, time));
        for message in [
            heartbeat.to_string(),
            notice("accountNotification", slot, clock),
        ] {
            // Nobody listens.
            let _ = state.messages.send(message);
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        if !state.closed.load(Ordering::SeqCst) {
            tokio::spawn(serve(stream, Arc::clone(&state)));
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let Ok(mut socket) = accept_async(stream).await else {
        return;
    };
    let mut messages = state.messages.subscribe();
    let mut subscribed = 0;
    loop {
        tokio::select! {
            heard = socket.next() => {
                let Some(Ok(Message::Text(text))) = heard else {
                    return;
                };
                let request: Value = serde_json::from_str(&text).unwrap();
                if request["method"] == "programSubscribe" {
                    state.subscriptions.lock().unwrap().push(request["params"].clone());
                }
                if state.silent.load(Ordering::SeqCst) {
                    continue;
                }
                let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": 7 });
                if socket.send(Message::text(answer.to_string())).await.is_err() {
                    return;
                }
                subscribed += 1;
                if subscribed == 3 {
                    state.connections.fetch_add(1, Ordering::SeqCst);
                }
            }
            Ok(message) = messages.recv() => {
                if message == "close" {
                    return;
                }
                let mute = subscribed < 3 || state.silent.load(Ordering::SeqCst);
                if !mute && socket.send(Message::text(message)).await.is_err() {
                    return;
                }
            }
        }
    }
}
