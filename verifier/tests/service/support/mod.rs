//! What the tests share: keys, a scripted chain, an upstream, and a verifier
//! between them.

pub mod admin;
pub mod certificates;
pub mod raw_upstream;
pub mod rpc;
pub mod spelling;
pub mod upstream;

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tollgate_client::Pubkey;
use tollgate_gate::siwx::SignInMessage;
use tollgate_verifier::config::{
    ChainConfig, Config, LimitsConfig, LogConfig, MerchantConfig, MerchantId, ReloadConfig,
    RouteConfig, Secret, SecretUrl, Secrets, ServerConfig, SignInsConfig, SourceDigest,
    UpstreamConfig,
};
use tollgate_verifier::{RunningVerifier, Verifier};

use self::rpc::ScriptedRpc;
use self::upstream::Upstream;

/// The slug of the product that the scripted merchant sells.
pub const SLUG: &str = "quotes";

/// A test key: its seed follows from its name.
pub fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(format!("tollgate test key: {name}")).into())
}

/// The address of a test key.
pub fn address(name: &str) -> Pubkey {
    Pubkey::new_from_array(key(name).verifying_key().to_bytes())
}

/// A verifier with everything around it.
pub struct Stage {
    pub rpc: ScriptedRpc,
    pub upstream: Upstream,
    pub verifier: RunningVerifier,
    pub http: reqwest::Client,
}

impl Stage {
    /// A healthy chain, the usual routes, short times.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with a changed configuration.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::over(ScriptedRpc::start().await, Upstream::start().await, change).await
    }

    /// The same over a chain and an upstream that run already.
    pub async fn over(
        rpc: ScriptedRpc,
        upstream: Upstream,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = config(&rpc, &upstream);
        change(&mut config);
        let verifier = Verifier::start(config).await.expect("the verifier starts");
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // The verifiers of these tests let idle connections go within moments;
            // reusing one would race with that.
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self {
            rpc,
            upstream,
            verifier,
            http,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.verifier.local_addr()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.verifier.public_url())
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    /// The value of a `SIGN-IN-WITH-X` header for the present challenge of `path`.
    pub async fn sign_in(&self, path: &str, name: &str) -> String {
        let response = self.get(path).await;
        answer_challenge(response.headers(), name)
    }
}

/// The value of a `SIGN-IN-WITH-X` header for the challenge in a 402's headers.
pub fn answer_challenge(headers: &http::HeaderMap, name: &str) -> String {
    let header = headers["payment-required"].to_str().unwrap();
    let required: Value = serde_json::from_slice(&STANDARD.decode(header).unwrap()).unwrap();
    sign(&required["extensions"]["sign-in-with-x"], name)
}

/// Posts JSON to an endpoint; none of their answers may be stored.
pub async fn post(stage: &Stage, path: &str, body: Value) -> (u16, Value) {
    let response = stage
        .http
        .post(stage.url(path))
        .json(&body)
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    assert_eq!(response.headers()["cache-control"], "no-store");
    (status, response.json().await.unwrap())
}

/// Signs a sign-in challenge as the stock client does.
pub fn sign(challenge: &Value, name: &str) -> String {
    let mut message = challenge["info"].clone();
    message["address"] = address(name).to_string().into();
    message["chainId"] = challenge["supportedChains"][0]["chainId"].clone();
    message["type"] = challenge["supportedChains"][0]["type"].clone();
    message["signature"] = "".into();
    let mut message: SignInMessage = serde_json::from_value(message).unwrap();
    let signature = key(name).sign(message.text().unwrap().as_bytes());
    message.signature = bs58::encode(signature.to_bytes()).into_string();
    STANDARD.encode(serde_json::to_vec(&message).unwrap())
}

/// A configuration for a scripted chain and an upstream.
pub fn config(rpc: &ScriptedRpc, upstream: &Upstream) -> Config {
    let mut upstream_config = UpstreamConfig::new(upstream.url().parse().unwrap());
    upstream_config.response_timeout = Duration::from_millis(800);
    upstream_config.idle_timeout = Duration::from_secs(2);
    Config {
        upstream: Some(upstream_config),
        ..config_without_upstream(rpc)
    }
}

/// The same for a service that forwards nothing.
pub fn config_without_upstream(rpc: &ScriptedRpc) -> Config {
    let mut server = ServerConfig::new(
        "127.0.0.1:0".parse().unwrap(),
        "http://127.0.0.1:0".parse().unwrap(),
    );
    server.header_read_timeout = Duration::from_millis(600);
    server.stall_timeout = Duration::from_millis(600);
    server.idle_timeout = Duration::from_secs(3);
    server.shutdown_deadline = Duration::from_secs(3);
    server.max_request_body = 64 * 1024;
    let mut chain = ChainConfig::new(
        SecretUrl::parse(&rpc.url()).unwrap(),
        tollgate_client::PROGRAM_ID,
        rpc::GENESIS_HASH.parse().unwrap(),
    );
    chain.request_timeout = Duration::from_millis(500);
    chain.max_staleness = Duration::from_millis(500);
    chain.refresh_interval = Duration::from_millis(200);
    chain.ready_within = Duration::from_millis(1500);
    let mut paid = RouteConfig::paid("/v1/quote/{symbol}", SLUG);
    paid.methods = vec![http::Method::GET, http::Method::POST];
    let mut free = RouteConfig::free("/free/*");
    free.methods = vec![http::Method::GET, http::Method::POST];
    Config {
        server,
        chain,
        merchant: MerchantConfig {
            name: "Test Merchant".to_owned(),
            ..MerchantConfig::new(MerchantId::Owner(address("owner")))
        },
        secrets: Secrets {
            current: Secret::random(),
            previous: Vec::new(),
        },
        upstream: None,
        forward_auth: None,
        credits: None,
        sign_ins: SignInsConfig::default(),
        receipts: None,
        audit: None,
        relay: None,
        limits: LimitsConfig::default(),
        admin: None,
        log: LogConfig::default(),
        reload: ReloadConfig::default(),
        routes: vec![paid, free],
        source: SourceDigest::default(),
    }
}

/// Waits until `holds`, for a minute at most: machines are shared.
pub async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .expect("it never came to hold");
}

/// Sends bytes over a fresh connection and returns all that comes back until the
/// server closes it (at most `wait`).
pub async fn raw(address: SocketAddr, bytes: &[u8], wait: Duration) -> RawAnswer {
    let mut socket = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before everything is sent.
    let _ = socket.write_all(bytes).await;
    let started = std::time::Instant::now();
    let mut answer = Vec::new();
    let reading = async {
        let mut piece = [0; 4096];
        loop {
            match socket.read(&mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(count) => answer.extend_from_slice(&piece[..count]),
            }
        }
    };
    let closed = tokio::time::timeout(wait, reading).await.is_ok();
    RawAnswer {
        text: String::from_utf8_lossy(&answer).into_owned(),
        closed,
        after: started.elapsed(),
    }
}

pub struct RawAnswer {
    pub text: String,
    pub closed: bool,
    pub after: Duration,
}

impl RawAnswer {
    /// The status of the first response; 0 when there is none.
    pub fn status(&self) -> u16 {
        self.text
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3))
            .and_then(|status| status.parse().ok())
            .unwrap_or(0)
    }

    /// The statuses of all responses.
    pub fn statuses(&self) -> Vec<u16> {
        self.text
            .split("HTTP/1.1 ")
            .skip(1)
            .filter_map(|rest| rest.get(..3)?.parse().ok())
            .collect()
    }

    /// The `error` of the first response's JSON body.
    pub fn code(&self) -> String {
        let body = self.text.split("\r\n\r\n").nth(1).unwrap_or_default();
        let end = body.find("HTTP/1.1").unwrap_or(body.len());
        serde_json::from_str::<Value>(&body[..end])
            .map(|body| body["error"].as_str().unwrap_or_default().to_owned())
            .unwrap_or_default()
    }
}
