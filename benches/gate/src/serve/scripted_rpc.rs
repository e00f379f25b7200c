//! A JSON-RPC server that answers with recorded accounts after a fixed time, and
//! counts what it is asked.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::stage::{Recorded, Stage};

const CLOCK: &str = "SysvarC1ock11111111111111111111111111111111";
const SYSVAR: &str = "Sysvar1111111111111111111111111111111111111";
const SLOT_MS: u128 = 400;

struct Script {
    genesis_hash: String,
    accounts: HashMap<String, Recorded>,
    delay: Duration,
    calls: Mutex<BTreeMap<String, u64>>,
}

/// Serves the recording, and at `/calls` how often each method was called.
pub(super) fn start(listener: TcpListener, stage: &Path, delay_ms: u64, made_up: u64) {
    let stage = Stage::read(stage);
    let mut accounts: HashMap<_, _> = stage.accounts.clone().into_iter().collect();
    accounts.extend((0..made_up).map(|number| {
        let (address, account) = stage.made_up(number);
        (address.to_string(), account)
    }));
    let script = Arc::new(Script {
        genesis_hash: stage.genesis_hash,
        accounts,
        delay: Duration::from_millis(delay_ms),
        calls: Mutex::default(),
    });
    let router = Router::new()
        .route("/", post(answer))
        .route("/calls", get(calls))
        .with_state(script);
    tokio::spawn(async move { axum::serve(listener, router).await });
}

async fn calls(State(script): State<Arc<Script>>) -> Json<Value> {
    Json(json!(*script.calls.lock().unwrap()))
}

async fn answer(State(script): State<Arc<Script>>, Json(request): Json<Value>) -> Json<Value> {
    let method = request["method"].as_str().unwrap_or_default();
    *script
        .calls
        .lock()
        .unwrap()
        .entry(method.to_owned())
        .or_default() += 1;
    tokio::time::sleep(script.delay).await;
    let context = json!({ "slot": slot(), "apiVersion": "4.2.2" });
    let result = match method {
        "getGenesisHash" => json!(script.genesis_hash),
        "getVersion" => json!({ "solana-core": "4.2.2", "feature-set": 1 }),
        "getSlot" => json!(slot()),
        "getMultipleAccounts" => {
            let addresses = request["params"][0].as_array().into_iter().flatten();
            let accounts: Vec<_> = addresses
                .map(|address| script.account(address.as_str().unwrap_or_default()))
                .collect();
            json!({ "context": context, "value": accounts })
        }
        _ => {
            return Json(json!({
                "jsonrpc": "2.0",
                "id": request["id"],
                "error": { "code": -32601, "message": "Method not found" },
            }));
        }
    };
    Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }))
}

impl Script {
    fn account(&self, address: &str) -> Value {
        if address == CLOCK {
            let mut clock = slot().to_le_bytes().to_vec();
            clock.extend_from_slice(&[0; 24]);
            clock.extend_from_slice(&i64::try_from(now().as_secs()).unwrap().to_le_bytes());
            let data = STANDARD.encode(clock);
            return account(SYSVAR, 1_169_280, &data);
        }
        self.accounts.get(address).map_or(Value::Null, |recorded| {
            account(&recorded.owner, recorded.lamports, &recorded.data)
        })
    }
}

fn account(owner: &str, lamports: u64, data: &str) -> Value {
    json!({
        "owner": owner,
        "lamports": lamports,
        "data": [data, "base64"],
        "executable": false,
        "rentEpoch": 0,
        "space": data.len() / 4 * 3,
    })
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// Slots that go on by themselves.
fn slot() -> u64 {
    u64::try_from(now().as_millis() / SLOT_MS).unwrap()
}
