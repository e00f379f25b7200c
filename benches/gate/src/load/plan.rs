//! Which requests to send.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tollgate_client::{Addresses, DurationSeconds, Pubkey, UnixSeconds};
use tollgate_gate::siwx::SignInMessage;
use tollgate_gate::{KeyId, KeyRing, Origin, Secret, session};

use super::client::Client;
use super::{Arguments, Caller};
use crate::serve::payment;
use crate::stage::{Stage, beneficiary};

const SIGN_IN: HeaderName = HeaderName::from_static("sign-in-with-x");

/// The requests, shared by all connections.
#[derive(Clone)]
pub(super) enum Plan {
    /// The same again and again.
    Same(HeaderMap),
    /// Each once.
    Each(Arc<Vec<HeaderMap>>, Arc<AtomicUsize>),
    /// One after the other, and from the first again.
    Around(Arc<Vec<HeaderMap>>, Arc<AtomicUsize>),
}

impl Plan {
    /// The next request's headers; `None` when all were sent.
    pub(super) fn next(&self) -> Option<HeaderMap> {
        match self {
            Self::Same(headers) => Some(headers.clone()),
            Self::Each(all, next) => all.get(next.fetch_add(1, Ordering::Relaxed)).cloned(),
            Self::Around(all, next) => {
                let number = next.fetch_add(1, Ordering::Relaxed) % all.len().max(1);
                all.get(number).cloned()
            }
        }
    }
}

/// Makes the requests.
pub(super) async fn prepare(arguments: &Arguments) -> Plan {
    let stage = || Stage::read(arguments.stage.as_deref().expect("--stage"));
    match arguments.caller {
        Caller::Stranger => Plan::Same(HeaderMap::new()),
        Caller::X402 => Plan::Same(one(
            HeaderName::from_static("payment-signature"),
            &payment(),
        )),
        Caller::Session => Plan::Same(bearer(&session_of(arguments.address, &stage()).await)),
        Caller::SignIn => {
            let wallet = SigningKey::from_bytes(&stage().wallet_seed);
            let mut client = Client::connect(arguments.address).await;
            let mut all = Vec::new();
            for _ in 0..arguments.distinct {
                all.push(one(SIGN_IN, &sign_in(&mut client, &wallet).await));
            }
            each(all, arguments)
        }
        Caller::Distinct => {
            let token = session_of(arguments.address, &stage()).await;
            each(sessions(arguments, &stage(), &token), arguments)
        }
    }
}

fn each(all: Vec<HeaderMap>, arguments: &Arguments) -> Plan {
    if arguments.again {
        Plan::Around(Arc::new(all), Arc::default())
    } else {
        Plan::Each(Arc::new(all), Arc::default())
    }
}

fn one(name: HeaderName, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("a header value"))])
}

fn bearer(token: &str) -> HeaderMap {
    one(AUTHORIZATION, &format!("Bearer {token}"))
}

/// The session token that the wallet of the recording gets for signing in.
async fn session_of(address: SocketAddr, stage: &Stage) -> String {
    let wallet = SigningKey::from_bytes(&stage.wallet_seed);
    let mut client = Client::connect(address).await;
    let header = sign_in(&mut client, &wallet).await;
    let answer = client.get(one(SIGN_IN, &header)).await;
    assert_eq!(answer.status(), 200, "{:?}", answer.body());
    let token = answer.headers()["tollgate-session"].to_str();
    token.expect("text").to_owned()
}

/// Signs the challenge of a fresh 402.
async fn sign_in(client: &mut Client, wallet: &SigningKey) -> String {
    let answer = client.get(HeaderMap::new()).await;
    let header = answer.headers()["payment-required"].to_str().unwrap();
    let required: Value = serde_json::from_slice(&STANDARD.decode(header).unwrap()).unwrap();
    let challenge = &required["extensions"]["sign-in-with-x"];
    let mut message = challenge["info"].clone();
    let chain = &challenge["supportedChains"][0];
    message["address"] = bs58::encode(wallet.verifying_key().to_bytes())
        .into_string()
        .into();
    message["chainId"] = chain["chainId"].clone();
    message["type"] = chain["type"].clone();
    message["signature"] = "".into();
    let mut message: SignInMessage = serde_json::from_value(message).unwrap();
    let signature = wallet.sign(message.text().unwrap().as_bytes());
    message.signature = bs58::encode(signature.to_bytes()).into_string();
    STANDARD.encode(serde_json::to_vec(&message).unwrap())
}

/// Session tokens of made-up callers, as the verifier with this secret makes them.
fn sessions(arguments: &Arguments, stage: &Stage, token: &str) -> Vec<HeaderMap> {
    let keys = key_ring(arguments.secret.as_deref().expect("--secret"), token);
    let origin = Origin::parse(&format!("http://{}", arguments.address)).expect("an origin");
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let now = UnixSeconds(i64::try_from(seconds).unwrap());
    let product: Pubkey = stage.product();
    (0..arguments.distinct)
        .map(|index| {
            let beneficiary = beneficiary(arguments.first + index * arguments.stride);
            let session = session::Session {
                entitlement: Addresses::default().entitlement(&product, &beneficiary),
                product,
                beneficiary,
                issued_at: now,
                expires_at: UnixSeconds(now.0 + 3_600),
            };
            let token = session::issue(&keys, &origin, &session, DurationSeconds(3_600))
                .expect("it is not over");
            bearer(token.expose())
        })
        .collect()
}

/// The verifier's keys. Which number its key has, a token of its own says.
fn key_ring(file: &Path, token: &str) -> KeyRing {
    let secret = std::fs::read_to_string(file).expect("the secret is readable");
    let bytes = secret.trim().as_bytes().to_vec();
    let token = token.strip_prefix("tgs1_").expect("a session token");
    let token = URL_SAFE_NO_PAD.decode(token).expect("base64url");
    let id = KeyId(token[0]);
    KeyRing::new((id, Secret::new(bytes).expect("long enough")), Vec::new()).expect("one key")
}
