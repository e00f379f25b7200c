//! A scripted feed: a server that speaks Solana's pubsub protocol over WebSockets, or
//! Yellowstone's over gRPC, as far as the verifier uses them, and that can fall silent,
//! lie or hang up.

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
use tollgate_verifier::config::{Push, SecretUrl};

use crate::support::rpc::{SYSVAR_OWNER, Script, addresses, clock_bytes};

/// How often a slot is complete.
const SLOT: Duration = Duration::from_millis(40);

/// Which protocol a feed speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    WebSocket,
    #[cfg(feature = "yellowstone")]
    Yellowstone,
}

/// What happens, whatever the protocol.
#[derive(Clone, Debug)]
pub enum Event {
    /// The node works on a slot.
    Working(u64),
    /// A slot is complete, at this chain time.
    Complete(u64, i64),
    /// An account of this owner has this content as of a slot.
    Account(Pubkey, Pubkey, Vec<u8>, u64),
    /// These very messages, where the protocol is Yellowstone's.
    #[cfg(feature = "yellowstone")]
    Messages(Vec<crate::geyser::wire::SubscribeUpdate>),
    /// Every connection ends.
    Close,
}

pub struct State {
    script: Arc<Mutex<Script>>,
    pub events: broadcast::Sender<Event>,
    /// Connections stay open but nothing is sent.
    pub silent: AtomicBool,
    /// Connections are closed as soon as they are made.
    closed: AtomicBool,
    /// Added to every slot: the feed of another cluster.
    elsewhere: AtomicBool,
    pub connections: AtomicUsize,
    /// Slots begin, but none gets as far as the configured commitment.
    #[cfg(feature = "yellowstone")]
    pub stalled: AtomicBool,
    /// How many pings were answered.
    #[cfg(feature = "yellowstone")]
    pub pongs: Arc<AtomicUsize>,
    /// How many conditions each subscription to the program had.
    pub filters: Mutex<Vec<usize>>,
}

/// A running feed of the chain that a scripted RPC server serves: with every slot here
/// the chain there is a slot further.
pub struct ScriptedFeed {
    address: SocketAddr,
    protocol: Protocol,
    pub state: Arc<State>,
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
    pub async fn start(script: &Arc<Mutex<Script>>, protocol: Protocol) -> Self {
        Self::with(script, protocol, tick).await
    }

    /// Another feed of the same chain: as real ones do, it reports every slot that
    /// `first` reports.
    pub async fn beside(first: &Self, protocol: Protocol) -> Self {
        let slots = first.state.events.subscribe();
        Self::with(&first.state.script, protocol, |state| repeat(slots, state)).await
    }

    async fn with<F>(
        script: &Arc<Mutex<Script>>,
        protocol: Protocol,
        slots: impl FnOnce(Arc<State>) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (events, _) = broadcast::channel(1024);
        let state = Arc::new(State {
            script: Arc::clone(script),
            events,
            silent: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            elsewhere: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            #[cfg(feature = "yellowstone")]
            stalled: AtomicBool::new(false),
            #[cfg(feature = "yellowstone")]
            pongs: Arc::default(),
            filters: Mutex::default(),
        });
        let ticking = tokio::spawn(slots(Arc::clone(&state)));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state), protocol));
        Self {
            address,
            protocol,
            state,
            tasks: vec![ticking, accepting],
        }
    }

    /// Where a verifier has to listen.
    pub fn place(&self) -> Push {
        match self.protocol {
            Protocol::WebSocket => {
                let url = format!("ws://{}", self.address);
                Push::At(SecretUrl::parse_websocket(&url).unwrap())
            }
            #[cfg(feature = "yellowstone")]
            Protocol::Yellowstone => {
                let url = SecretUrl::parse(&format!("http://{}", self.address)).unwrap();
                Push::Yellowstone(tollgate_verifier::config::YellowstoneConfig::new(url))
            }
        }
    }

    /// How many connections subscribed to everything.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many conditions each subscription to the program had.
    pub fn filters(&self) -> Vec<usize> {
        self.state.filters.lock().unwrap().clone()
    }

    pub fn fall_silent(&self, silent: bool) {
        self.state.silent.store(silent, Ordering::SeqCst);
    }

    pub fn close(&self, closed: bool) {
        self.state.closed.store(closed, Ordering::SeqCst);
        self.say(Event::Close);
    }

    pub fn serve_another_cluster(&self) {
        self.state.elsewhere.store(true, Ordering::SeqCst);
    }

    /// Reports a change in the present slot; nothing changes on the RPC server.
    pub fn report(&self, entitlement: &Entitlement) -> u64 {
        let slot = self.state.script.lock().unwrap().slot;
        self.report_as_of(entitlement, slot);
        slot
    }

    /// The same, as of any slot.
    pub fn report_as_of(&self, entitlement: &Entitlement, slot: u64) {
        let at = addresses().entitlement(&entitlement.product, &entitlement.beneficiary);
        self.report_bytes(at, &PROGRAM_ID.to_string(), &encode(entitlement), slot);
    }

    pub fn report_bytes(&self, at: Pubkey, owner: &str, data: &[u8], slot: u64) {
        let owner = owner.parse().unwrap();
        self.say(Event::Account(at, owner, data.to_vec(), slot));
    }

    pub fn say(&self, event: Event) {
        // Nobody listens.
        let _ = self.state.events.send(event);
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
        for event in [Event::Working(slot + 1), Event::Complete(slot, time)] {
            // Nobody listens.
            let _ = state.events.send(event);
        }
    }
}

/// Passes on which slots begin and are complete.
async fn repeat(mut slots: broadcast::Receiver<Event>, state: Arc<State>) {
    while let Ok(event) = slots.recv().await {
        if matches!(event, Event::Working(_) | Event::Complete(..)) {
            // Nobody listens.
            let _ = state.events.send(event);
        }
    }
}

/// An event as a notification.
fn notification(event: &Event) -> Option<String> {
    Some(match event {
        Event::Working(slot) => json!({
            "jsonrpc": "2.0",
            "method": "slotNotification",
            "params": { "result": { "slot": slot, "parent": slot - 1, "root": 0 }, "subscription": 3 },
        })
        .to_string(),
        Event::Complete(slot, time) => {
            let clock = shown(SYSVAR_OWNER, &clock_bytes(*slot, *time));
            notice("accountNotification", *slot, clock)
        }
        Event::Account(at, owner, data, slot) => {
            let account = shown(&owner.to_string(), data);
            let value = json!({ "pubkey": at.to_string(), "account": account });
            notice("programNotification", *slot, value)
        }
        _ => return None,
    })
}

async fn accept(listener: TcpListener, state: Arc<State>, protocol: Protocol) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        if !state.closed.load(Ordering::SeqCst) {
            let state = Arc::clone(&state);
            match protocol {
                Protocol::WebSocket => tokio::spawn(serve(stream, state)),
                #[cfg(feature = "yellowstone")]
                Protocol::Yellowstone => tokio::spawn(crate::yellowstone::serve(stream, state)),
            };
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let Ok(mut socket) = accept_async(stream).await else {
        return;
    };
    let mut events = state.events.subscribe();
    let mut subscribed = 0;
    loop {
        tokio::select! {
            heard = socket.next() => {
                let Some(Ok(Message::Text(text))) = heard else {
                    return;
                };
                let request: Value = serde_json::from_str(&text).unwrap();
                if request["method"] == "programSubscribe" {
                    let filters = request["params"][1]["filters"].as_array().unwrap().len();
                    state.filters.lock().unwrap().push(filters);
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
            Ok(event) = events.recv() => {
                if matches!(event, Event::Close) {
                    return;
                }
                let mute = subscribed < 3 || state.silent.load(Ordering::SeqCst);
                let message = notification(&event).filter(|_| !mute);
                if let Some(message) = message
                    && socket.send(Message::text(message)).await.is_err()
                {
                    return;
                }
            }
        }
    }
}
