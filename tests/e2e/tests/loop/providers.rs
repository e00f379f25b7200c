//! RPC providers that are not what they should be, in front of or beside the embedded
//! chain: what several endpoints are for.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONNECTION;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tollgate_client::accounts::encode;
use tollgate_client::{
    Addresses, Amount, Entitlement, EntitlementStatus, PROGRAM_ID, Slug, UnixSeconds,
};
use tollgate_e2e_tests::{Cluster, Service, local};
use tollgate_verifier::config::{Push, SecretUrl};

use crate::scene::{FUNDS, PRICE, SLOT};

/// An RPC provider in front of an honest one.
pub struct Provider {
    address: SocketAddr,
    state: Arc<Doings>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Doings {
    honest: String,
    /// Takes requests and never answers.
    frozen: Mutex<bool>,
    /// Ends connections that are still open.
    gone: Mutex<bool>,
    /// The genesis hash that it claims, if not the honest one.
    genesis: Mutex<Option<String>>,
    /// Accounts that it makes up.
    invented: Mutex<HashMap<String, Vec<u8>>>,
    /// The methods it was asked for.
    asked: Mutex<Vec<String>>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Provider {
    /// One that passes everything on to the provider at `honest`.
    pub async fn before(honest: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Doings {
            honest: honest.to_owned(),
            ..Doings::default()
        });
        let router = Router::new()
            .route("/", post(answer))
            .with_state(Arc::clone(&state));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            state,
            task,
        }
    }

    pub fn url(&self) -> SecretUrl {
        SecretUrl::parse(&format!("http://{}", self.address)).unwrap()
    }

    pub fn freeze(&self) {
        *self.state.frozen.lock().unwrap() = true;
    }

    /// Ends: its port refuses connections, and the open ones get nothing more.
    pub fn refuse(&self) {
        *self.state.gone.lock().unwrap() = true;
        self.task.abort();
    }

    pub fn claim_genesis(&self, hash: &str) {
        *self.state.genesis.lock().unwrap() = Some(hash.to_owned());
    }

    /// Whether it was ever asked for a method.
    pub fn was_asked(&self, method: &str) -> bool {
        let asked = self.state.asked.lock().unwrap();
        asked.iter().any(|known| known == method)
    }

    fn invent(&self, entitlement: &Entitlement) {
        let at =
            Addresses::new(PROGRAM_ID).entitlement(&entitlement.product, &entitlement.beneficiary);
        let mut invented = self.state.invented.lock().unwrap();
        invented.insert(at.to_string(), encode(entitlement));
    }

    fn come_clean(&self) {
        self.state.invented.lock().unwrap().clear();
    }
}

async fn answer(State(state): State<Arc<Doings>>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let method = request["method"].as_str().unwrap().to_owned();
    state.asked.lock().unwrap().push(method.clone());
    if *state.frozen.lock().unwrap() {
        return futures::future::pending().await;
    }
    if *state.gone.lock().unwrap() {
        return (StatusCode::BAD_GATEWAY, [(CONNECTION, "close")]).into_response();
    }
    let http = reqwest::Client::new();
    let honest = http
        .post(&state.honest)
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap();
    let mut answer: Value = honest.json().await.unwrap();
    let genesis = state.genesis.lock().unwrap().clone();
    if let ("getGenesisHash", Some(genesis)) = (method.as_str(), genesis) {
        answer["result"] = json!(genesis);
    }
    if method == "getMultipleAccounts" {
        let invented = state.invented.lock().unwrap();
        let addresses = request["params"][0].as_array().unwrap();
        for (index, address) in addresses.iter().enumerate() {
            if let Some(data) = invented.get(address.as_str().unwrap()) {
                answer["result"]["value"][index] = json!({
                    "lamports": 3_000_000,
                    "owner": PROGRAM_ID.to_string(),
                    "data": [STANDARD.encode(data), "base64"],
                    "executable": false,
                    "rentEpoch": 0,
                    "space": data.len(),
                });
            }
        }
    }
    axum::Json(answer).into_response()
}

/// A service whose first provider is `provider` and whose second is the chain itself.
async fn service(cluster: &Cluster, provider: &Provider, above: Option<Amount>) -> Service {
    let honest = SecretUrl::parse(&cluster.rpc_url).unwrap();
    Service::start_with(cluster, provider.url().expose(), |config| {
        config.chain.rpc_fallbacks = vec![honest];
        config.chain.second_opinion_above = above;
        config.chain.push = Push::Off;
    })
    .await
}

/// What the service says of a wallet; `None` when it does not know.
async fn access(service: &Service, wallet: &Pubkey) -> Option<bool> {
    let answer = reqwest::Client::new()
        .post(format!("{}/v1/access/entitlements/check", service.url))
        .json(&json!({ "product_id": slug().as_str(), "wallet": wallet.to_string() }))
        .send()
        .await
        .unwrap();
    match answer.status().as_u16() {
        200 => {
            let body: Value = answer.json().await.unwrap();
            body["has_access"].as_bool()
        }
        503 => {
            assert!(answer.headers().contains_key("retry-after"));
            None
        }
        other => panic!("{other}"),
    }
}

/// The product of the local merchant.
fn slug() -> Slug {
    Slug::new("day-pass").unwrap()
}

/// Access for ever that nobody paid for.
fn unpaid(merchant: Pubkey, wallet: Pubkey) -> Entitlement {
    let addresses = Addresses::new(PROGRAM_ID);
    let product = addresses.product(&merchant, &slug());
    let mut entitlement =
        Entitlement::empty(merchant, product, wallet, wallet, 255, UnixSeconds(1));
    entitlement.status = EntitlementStatus::Active;
    entitlement.expires_at = UnixSeconds::NEVER;
    entitlement.payments = 1;
    entitlement
}

/// A provider that makes up an entitlement is believed where one provider is enough, and
/// not where two have to agree. What was really paid for is served there as well.
#[tokio::test(flavor = "multi_thread")]
async fn an_entitlement_that_one_provider_invents_opens_nothing_dear() {
    let (localnet, cluster) = local(SLOT).await;
    let wallet = cluster.wallet(100_000_000, FUNDS).await;
    let provider = Provider::before(&cluster.rpc_url).await;
    let trusting = service(&cluster, &provider, None).await;
    provider.invent(&unpaid(trusting.merchant.address, wallet.pubkey()));
    // The control: every check that one provider can be put to is passed.
    assert_eq!(access(&trusting, &wallet.pubkey()).await, Some(true));
    let careful = service(&cluster, &provider, Some(Amount(PRICE - 1))).await;
    provider.invent(&unpaid(careful.merchant.address, wallet.pubkey()));
    for _ in 0..3 {
        assert_eq!(access(&careful, &wallet.pubkey()).await, None);
    }
    // Another wallet is told the truth, and can buy.
    let buyer = cluster.wallet(100_000_000, FUNDS).await;
    assert_eq!(access(&careful, &buyer.pubkey()).await, Some(false));
    let journal = tempfile::tempdir().unwrap();
    let fetched = careful
        .agent(&cluster, &buyer, journal.path())
        .fetch(&careful.report(), None)
        .await
        .unwrap();
    assert_eq!(fetched.answer.status.as_u16(), 200);
    assert_eq!(access(&careful, &buyer.pubkey()).await, Some(true));
    // Found out, it says what the other says.
    provider.come_clean();
    let patience = tokio::time::timeout(Duration::from_secs(60), async {
        while access(&careful, &wallet.pubkey()).await != Some(false) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    patience.await.expect("the invention is forgotten");
    trusting.verifier.shutdown().await;
    careful.verifier.shutdown().await;
    localnet.shutdown().await;
}
