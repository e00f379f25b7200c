//! A JSON-RPC endpoint that serves the accounts it is given and fails as it is
//! told.

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anchor_lang::{AccountSerialize, Discriminator};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tollgate_client::accounts::{ProgramAccount, encode};
use tollgate_client::{
    Addresses, Amount, Credits, DurationSeconds, Entitlement, EntitlementStatus, Merchant,
    PROGRAM_ID, Product, Pubkey, Slug, UnixSeconds,
};

use super::{SLUG, address};

/// Devnet's.
pub const GENESIS_HASH: &str = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG";
/// Devnet's USDC.
pub const MINT: &str = "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU";
pub const CLOCK: &str = "SysvarC1ock11111111111111111111111111111111";
pub const SYSVAR_OWNER: &str = "Sysvar1111111111111111111111111111111111111";
/// The price of the one product.
pub const PRICE: u64 = 10_000;
/// Chain time at the start.
pub const CHAIN_TIME: i64 = 1_800_000_000;

/// How the endpoint behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Answers.
    Healthy,
    /// Takes requests and never answers.
    Hanging,
    /// HTTP 500.
    Failing,
    /// HTTP 429 with a long Retry-After.
    Throttling,
    /// Something that is not JSON-RPC.
    Babbling,
    /// A JSON-RPC error.
    Erring,
    /// Accounts whose owner is another program.
    Lying,
}

pub struct Script {
    pub mood: Mood,
    /// Applies to every answer.
    pub delay: Duration,
    /// What the finalized chain holds; the same as the confirmed one when `None`.
    pub finalized: Option<HashMap<Pubkey, Vec<u8>>>,
    pub genesis_hash: String,
    pub slot: u64,
    pub chain_time: i64,
    /// Addresses that hold lamports of the system program and nothing else.
    pub empty: Vec<Pubkey>,
    accounts: HashMap<Pubkey, Vec<u8>>,
    calls: HashMap<String, usize>,
}

/// A running endpoint; ends with its owner.
pub struct ScriptedRpc {
    address: SocketAddr,
    pub script: Arc<Mutex<Script>>,
    task: JoinHandle<()>,
}

impl Drop for ScriptedRpc {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn addresses() -> Addresses {
    Addresses::new(PROGRAM_ID)
}

pub fn merchant_address() -> Pubkey {
    addresses().merchant(&address("owner"))
}

pub fn product_address() -> Pubkey {
    addresses().product(&merchant_address(), &Slug::new(SLUG).unwrap())
}

pub fn entitlement_address(name: &str) -> Pubkey {
    addresses().entitlement(&product_address(), &address(name))
}

/// The one product.
pub fn product() -> Product {
    let mint = MINT.parse().unwrap();
    Product {
        version: 1,
        bump: 255,
        active: true,
        decimals: 6,
        reserved: [0; 4],
        merchant: merchant_address(),
        mint,
        vault: addresses().vault(&merchant_address(), &mint),
        rent_payer: address("owner"),
        slug: Slug::new(SLUG).unwrap(),
        price: Amount(PRICE),
        access: DurationSeconds(86_400),
        credits: Credits(0),
        refund_window: DurationSeconds(0),
        created_at: UnixSeconds(0),
    }
}

impl ScriptedRpc {
    /// A healthy endpoint with a merchant and a product.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rpc_address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(Script {
            mood: Mood::Healthy,
            delay: Duration::ZERO,
            finalized: None,
            genesis_hash: GENESIS_HASH.to_owned(),
            slot: 1000,
            chain_time: CHAIN_TIME,
            empty: Vec::new(),
            accounts: HashMap::new(),
            calls: HashMap::new(),
        }));
        let router = Router::new()
            .route("/", post(answer))
            .with_state(Arc::clone(&script));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        let rpc = Self {
            address: rpc_address,
            script,
            task,
        };
        let owner = address("owner");
        let merchant = Merchant::new(owner, address("operator"), 255, UnixSeconds(0)).unwrap();
        rpc.put(merchant_address(), &merchant);
        rpc.put(product_address(), &product());
        rpc
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn set(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    /// How often a method was called.
    pub fn calls(&self, method: &str) -> usize {
        let script = self.script.lock().unwrap();
        script.calls.get(method).copied().unwrap_or(0)
    }

    pub fn put(&self, at: Pubkey, account: &(impl ProgramAccount + AccountSerialize)) {
        let bytes = encode(account);
        self.set(|script| {
            script.slot += 1;
            script.accounts.insert(at, bytes);
        });
    }

    pub fn remove(&self, at: &Pubkey) {
        self.set(|script| {
            script.slot += 1;
            script.accounts.remove(at);
        });
    }

    /// Gives `name` access until `expires_at`; `change` may spoil it.
    pub fn entitle(&self, name: &str, expires_at: i64, change: impl FnOnce(&mut Entitlement)) {
        let mut entitlement = entitlement(name, expires_at);
        change(&mut entitlement);
        self.put(entitlement_address(name), &entitlement);
    }
}

fn is_entitlement(data: &[u8]) -> bool {
    data.starts_with(Entitlement::DISCRIMINATOR)
}

/// Access of `name` to the one product until `expires_at`.
pub fn entitlement(name: &str, expires_at: i64) -> Entitlement {
    let mut entitlement = Entitlement::empty(
        merchant_address(),
        product_address(),
        address(name),
        address(name),
        255,
        UnixSeconds(0),
    );
    entitlement.status = EntitlementStatus::Active;
    entitlement.expires_at = UnixSeconds(expires_at);
    entitlement.payments = 1;
    entitlement
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let method = request["method"].as_str().unwrap().to_owned();
    let (mood, delay, result) = {
        let mut script = script.lock().unwrap();
        *script.calls.entry(method.clone()).or_default() += 1;
        let result = script.answer(&method, &request["params"]);
        (script.mood, script.delay, result)
    };
    tokio::time::sleep(delay).await;
    match mood {
        Mood::Hanging => hang().await,
        Mood::Failing => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Throttling => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "60")]).into_response()
        }
        Mood::Babbling => "<html>maintenance</html>".into_response(),
        Mood::Erring => axum::Json(json!({
            "jsonrpc": "2.0",
            "id": request["id"],
            "error": { "code": -32005, "message": "Node is behind by 42 slots" },
        }))
        .into_response(),
        Mood::Healthy | Mood::Lying => axum::Json(json!({
            "jsonrpc": "2.0",
            "id": request["id"],
            result.0: result.1,
        }))
        .into_response(),
    }
}

fn hang() -> impl Future<Output = Response> {
    futures::future::pending()
}

impl Script {
    /// The member of the answer and its value.
    fn answer(&self, method: &str, params: &Value) -> (&'static str, Value) {
        // The options come last, whatever the method.
        let options = params.as_array().and_then(|params| params.last());
        let least = options.and_then(|options| options["minContextSlot"].as_u64());
        if least > Some(self.slot) {
            let error =
                json!({ "code": -32016, "message": "Minimum context slot has not been reached" });
            return ("error", error);
        }
        ("result", self.result(method, params))
    }

    fn result(&self, method: &str, params: &Value) -> Value {
        match method {
            "getGenesisHash" => json!(self.genesis_hash),
            "getVersion" => json!({ "solana-core": "4.2.2", "feature-set": 1 }),
            "getLatestBlockhash" => json!({
                "context": { "slot": self.slot, "apiVersion": "4.2.2" },
                "value": { "blockhash": GENESIS_HASH, "lastValidBlockHeight": 150 },
            }),
            "getMultipleAccounts" => {
                let accounts: Vec<Value> = params[0]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|address| {
                        let finalized = params[1]["commitment"] == "finalized";
                        self.account(address.as_str().unwrap(), finalized)
                    })
                    .collect();
                json!({
                    "context": { "slot": self.slot, "apiVersion": "4.2.2" },
                    "value": accounts,
                })
            }
            "getProgramAccounts" => {
                let found: Vec<Value> = self
                    .accounts
                    .iter()
                    .filter(|(_, data)| is_entitlement(data))
                    .map(|(address, _)| {
                        let address = address.to_string();
                        json!({ "account": self.account(&address, false), "pubkey": address })
                    })
                    .collect();
                json!({ "context": { "apiVersion": "4.2.2", "slot": self.slot }, "value": found })
            }
            other => panic!("the script knows no method {other}"),
        }
    }

    fn account(&self, address: &str, finalized: bool) -> Value {
        let (owner, data) = if address == CLOCK {
            (
                SYSVAR_OWNER.to_owned(),
                clock_bytes(self.slot, self.chain_time),
            )
        } else if self.empty.contains(&address.parse().unwrap()) {
            (Pubkey::default().to_string(), Vec::new())
        } else {
            let accounts = match &self.finalized {
                Some(accounts) if finalized => accounts,
                _ => &self.accounts,
            };
            match accounts.get(&address.parse().unwrap()) {
                None => return Value::Null,
                Some(_) if self.mood == Mood::Lying => (SYSVAR_OWNER.to_owned(), vec![0; 8]),
                Some(data) => (PROGRAM_ID.to_string(), data.clone()),
            }
        };
        json!({
            "lamports": 1_000_000,
            "owner": owner,
            "data": [STANDARD.encode(&data), "base64"],
            "executable": false,
            "rentEpoch": 0,
            "space": data.len(),
        })
    }
}

/// The Clock sysvar: slot, epoch start, epoch, leader schedule epoch, unix time.
pub fn clock_bytes(slot: u64, chain_time: i64) -> Vec<u8> {
    let mut clock = slot.to_le_bytes().to_vec();
    clock.extend_from_slice(&[0; 24]);
    clock.extend_from_slice(&chain_time.to_le_bytes());
    clock
}
