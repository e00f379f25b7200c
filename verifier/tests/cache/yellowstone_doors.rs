//! Yellowstone servers that ask for a token, speak TLS, or say nothing at all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tollgate_verifier::config::{AccessToken, Push, SecretUrl, YellowstoneConfig};

use crate::feed::{Protocol, ScriptedFeed};
use crate::feeding::{access, settled};
use crate::support::rpc::{CHAIN_TIME, ScriptedRpc};
use crate::support::upstream::Upstream;
use crate::support::{Stage, eventually};
use crate::yellowstone::{geyser, paid};

const LATER: i64 = CHAIN_TIME + 3600;

/// A server of its own for each test: who listens, and with what.
struct Guarded {
    address: std::net::SocketAddr,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Another door to the scripted feed: with a token, and with TLS.
async fn guarded(feed: &ScriptedFeed, token: Option<&str>, tls: Option<TlsAcceptor>) -> Guarded {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let (state, token) = (Arc::clone(&feed.state), token.map(str::to_owned));
    let count = Arc::clone(&connections);
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let geyser = geyser(Arc::clone(&state), token.as_deref());
            let tls = tls.clone();
            tokio::spawn(async move {
                let Some(tls) = tls else {
                    return geyser.serve(stream).await;
                };
                // Who does not trust us goes away.
                if let Ok(stream) = tls.accept(stream).await {
                    geyser.serve(stream).await;
                }
            });
        }
    });
    Guarded {
        address,
        connections,
        task,
    }
}

/// A verifier that listens to a server at `url`.
async fn at(url: &str, rpc: ScriptedRpc, change: impl FnOnce(&mut YellowstoneConfig)) -> Stage {
    let mut place = YellowstoneConfig::new(SecretUrl::parse(url).unwrap());
    place.connect_timeout = Duration::from_secs(5);
    change(&mut place);
    Stage::over(rpc, Upstream::start().await, |config| {
        config.chain.push = Push::Yellowstone(place);
        config.chain.refresh_interval = Duration::from_secs(300);
        config.chain.ready_within = Duration::from_secs(600);
        config.chain.request_timeout = Duration::from_secs(2);
    })
    .await
}

#[tokio::test]
async fn the_token_opens_the_server_and_no_other_does() {
    const TOKEN: &str = "token-of-the-tests";
    for shown in [Some(TOKEN), Some("another-token"), None] {
        let rpc = ScriptedRpc::start().await;
        let feed = ScriptedFeed::start(&rpc.script, Protocol::Yellowstone).await;
        let door = guarded(&feed, Some(TOKEN), None).await;
        let stage = at(&format!("http://{}", door.address), rpc, |place| {
            place.token = shown.map(|token| AccessToken::parse(token).unwrap());
        })
        .await;
        if shown == Some(TOKEN) {
            settled(&stage, 1).await;
            feed.report(&paid("payer"));
            eventually(async || access(&stage, "payer").await == Some(true)).await;
            continue;
        }
        // It knocks again and again, and reads meanwhile.
        eventually(async || door.connections.load(Ordering::SeqCst) >= 3).await;
        assert_eq!(feed.connections(), 0);
        stage.rpc.entitle("payer", LATER, |_| {});
        eventually(async || access(&stage, "payer").await == Some(true)).await;
    }
}

fn certificate() -> (CertifiedKey<rcgen::KeyPair>, TlsAcceptor) {
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    (made, TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn over_tls_the_server_is_believed_by_its_certificate_alone() {
    let (own, tls) = certificate();
    let (other, _) = certificate();
    for (trusted, believed) in [(own.cert.der(), true), (other.cert.der(), false)] {
        let rpc = ScriptedRpc::start().await;
        let feed = ScriptedFeed::start(&rpc.script, Protocol::Yellowstone).await;
        let door = guarded(&feed, None, Some(tls.clone())).await;
        let url = format!("https://localhost:{}", door.address.port());
        let stage = at(&url, rpc, |place| {
            place.trusted_certificates = Some(vec![trusted.clone()]);
        })
        .await;
        if believed {
            settled(&stage, 1).await;
            feed.report(&paid("payer"));
            eventually(async || access(&stage, "payer").await == Some(true)).await;
        } else {
            eventually(async || door.connections.load(Ordering::SeqCst) >= 3).await;
            assert_eq!(feed.connections(), 0);
        }
    }
}

/// A server that takes connections and never says a word is given up on, and asked
/// again.
#[tokio::test]
async fn a_server_that_never_answers_is_given_up_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let held: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
    let keep = Arc::clone(&held);
    let accepting = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            keep.lock().unwrap().push(stream);
        }
    });
    let stage = at(&url, ScriptedRpc::start().await, |place| {
        place.connect_timeout = Duration::from_millis(100);
    })
    .await;
    stage.rpc.entitle("payer", LATER, |_| {});
    eventually(async || held.lock().unwrap().len() >= 3).await;
    assert_eq!(access(&stage, "payer").await, Some(true));
    accepting.abort();
}
