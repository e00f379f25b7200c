//! Several replicas that share a Redis server for used sign-ins: one use at all of
//! them together.

use std::net::TcpListener;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reqwest::StatusCode;
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use tollgate_client::Credits;
use tollgate_verifier::Verifier;
use tollgate_verifier::config::{
    Config, CreditStoreConfig, CreditsConfig, RedisConfig, RedisPassword, RedisUrl, Secret,
    SignInStoreConfig,
};

use super::redis_server::RedisServer;
use super::support::rpc::{CHAIN_TIME, ScriptedRpc};
use super::support::upstream::Upstream;
use super::support::{Stage, answer_challenge, config, eventually};

const PATH: &str = "/v1/quote/SOL";
const LATER: i64 = CHAIN_TIME + 3600;

fn shared(config: &mut Config, server: RedisConfig) {
    config.sign_ins.store = SignInStoreConfig::Shared(server);
    // The busiest machine must not turn a slow answer into a 503.
    config.sign_ins.store_timeout = std::time::Duration::from_secs(30);
}

/// One of several replicas behind the same public URL.
async fn replica(server: RedisConfig) -> Stage {
    Stage::with(|config| {
        shared(config, server);
        config.secrets.current = Secret::new(vec![1; 32]).unwrap();
        config.server.public_url = "http://localhost:8402".parse().unwrap();
    })
    .await
}

fn url(replica: &Stage) -> String {
    format!("http://{}{PATH}", replica.address())
}

/// A sign-in by the challenge of `replica`.
async fn sign_in(replica: &Stage) -> String {
    let response = replica.http.get(url(replica)).send().await.unwrap();
    assert_eq!(response.status(), 402);
    answer_challenge(response.headers(), "agent")
}

/// The status, the code of a refusal, and the session, where there is one.
async fn send(replica: &Stage, proof: &str) -> (StatusCode, String, Option<String>) {
    let request = replica.http.get(url(replica));
    let response = request
        .header("sign-in-with-x", proof)
        .send()
        .await
        .unwrap();
    let status = response.status();
    let session = response.headers().get("tollgate-session");
    let session = session.map(|token| token.to_str().unwrap().to_owned());
    let body: Value = response.json().await.unwrap_or_default();
    let code = body["error"].as_str().unwrap_or_default().to_owned();
    (status, code, session)
}

fn plain(server: &RedisServer) -> RedisConfig {
    RedisConfig::new(RedisUrl::parse(&server.url()).unwrap())
}

#[tokio::test]
async fn a_sign_in_is_good_for_one_use_at_all_replicas_together() {
    let Some(redis) = RedisServer::start() else {
        return;
    };
    let (one, two) = (replica(plain(&redis)).await, replica(plain(&redis)).await);
    for replica in [&one, &two] {
        replica.rpc.entitle("agent", LATER, |_| {});
    }
    let used = "invalid_siwx_nonce_used".to_owned();
    let proof = sign_in(&one).await;
    let (status, _, session) = send(&two, &proof).await;
    assert_eq!((status.as_u16(), session.is_some()), (200, true));
    for replica in [&one, &two] {
        let refused = (StatusCode::UNAUTHORIZED, used.clone(), None);
        assert_eq!(send(replica, &proof).await, refused);
    }
    for _ in 0..10 {
        let proof = sign_in(&two).await;
        let sending = [&one, &two, &one, &two].map(|replica| send(replica, &proof));
        let answers = futures::future::join_all(sending).await;
        let served = answers.iter().filter(|(status, ..)| *status == 200);
        assert_eq!(served.count(), 1, "{answers:?}");
        let refused = answers.iter().filter(|(_, code, _)| *code == used);
        assert_eq!(refused.count(), 3, "{answers:?}");
    }
}

/// Nobody is let in on a sign-in of which it is not known whether it was used; and
/// nobody has to sign in anew because of it, or lose a session.
#[tokio::test]
async fn without_the_server_a_sign_in_is_neither_granted_nor_used_up() {
    let Some(mut redis) = RedisServer::start() else {
        return;
    };
    let replica = replica(plain(&redis)).await;
    replica.rpc.entitle("agent", LATER, |_| {});
    let (status, _, session) = send(&replica, &sign_in(&replica).await).await;
    assert_eq!(status, 200);
    let proof = sign_in(&replica).await;
    redis.kill();
    let served = replica.upstream.requests();
    for _ in 0..3 {
        let (status, code, session) = send(&replica, &proof).await;
        let found = (status.as_u16(), code.as_str(), session);
        assert_eq!(found, (503, "sign_ins_unavailable", None));
    }
    assert_eq!(replica.upstream.requests(), served);
    let request = replica.http.get(url(&replica));
    let response = request.bearer_auth(session.unwrap()).send().await.unwrap();
    assert_eq!(response.status(), 200, "a session asks nobody");
    redis.start_again();
    let mut last = StatusCode::SERVICE_UNAVAILABLE;
    eventually(async || {
        last = send(&replica, &proof).await.0;
        last != 503
    })
    .await;
    assert_eq!(last, 200);
    assert_eq!(send(&replica, &proof).await.0, 401);
    // Nor does a new process forget what the server knows.
    redis.start_again();
    let mut last = StatusCode::SERVICE_UNAVAILABLE;
    eventually(async || {
        last = send(&replica, &proof).await.0;
        last != 503
    })
    .await;
    assert_eq!(last, 401);
}

/// A server that could forget a used sign-in before its time is refused at the start.
#[tokio::test]
async fn a_server_that_forgets_sign_ins_is_refused() {
    let Some(mut redis) = RedisServer::start() else {
        return;
    };
    // Good enough for credits, whose keys do not expire.
    redis.start_with(&["--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"]);
    let (rpc, upstream) = (ScriptedRpc::start().await, Upstream::start().await);
    let mut config = config(&rpc, &upstream);
    let server = plain(&redis);
    config.credits = Some(CreditsConfig::new(CreditStoreConfig::Shared(
        server.clone(),
    )));
    Verifier::start(config.clone()).await.unwrap();
    shared(&mut config, server);
    let refused = Verifier::start(config).await.unwrap_err();
    assert_eq!(refused.code(), "sign_ins_store_unfit");
}

/// A certificate authority of its own, and a certificate by it for `localhost`; both in
/// `folder`, as a Redis server wants them.
fn certificates(folder: &Path) -> CertificateDer<'static> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let server_key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let server = server.signed_by(&server_key, &issuer).unwrap();
    for (name, text) in [
        ("ca.pem", authority.pem()),
        ("server.pem", server.pem()),
        ("server.key", server_key.serialize_pem()),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    authority.der().clone()
}

/// Credits and sign-ins over TLS with a password; and nothing at all through a
/// connection that cannot be trusted.
#[tokio::test]
async fn tls_with_an_own_authority_and_a_password() {
    let Some(mut redis) = RedisServer::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let authority = certificates(folder.path());
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let chosen = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = chosen.local_addr().unwrap().port().to_string();
    drop(chosen);
    #[rustfmt::skip]
    redis.start_with(&[
        "--tls-port", &port, "--tls-auth-clients", "no",
        "--tls-cert-file", &file("server.pem"), "--tls-key-file", &file("server.key"),
        "--tls-ca-cert-file", &file("ca.pem"),
        "--requirepass", "a word that nobody knows",
    ]);
    let place = RedisUrl::parse(&format!("rediss://localhost:{port}")).unwrap();
    let good = RedisConfig {
        password: Some(RedisPassword::parse("a word that nobody knows").unwrap()),
        trusted_certificates: Some(vec![authority]),
        ..RedisConfig::new(place)
    };
    let stage = async |server: &RedisConfig| {
        let stage = Stage::with(|config| {
            shared(config, server.clone());
            let store = CreditStoreConfig::Shared(server.clone());
            let mut credits = CreditsConfig::new(store);
            credits.store_timeout = config.sign_ins.store_timeout;
            config.credits = Some(credits);
        })
        .await;
        stage.rpc.entitle("agent", LATER, |entitlement| {
            entitlement.metered = true;
            entitlement.credits_granted = Credits(7);
        });
        stage
    };
    let served = stage(&good).await;
    let proof = sign_in(&served).await;
    let request = served.http.get(url(&served));
    let response = request
        .header("sign-in-with-x", &proof)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["tollgate-credits-remaining"], "6");
    assert_eq!(send(&served, &proof).await.1, "invalid_siwx_nonce_used");

    let mut stranger = good.clone();
    let other = tempfile::tempdir().unwrap();
    stranger.trusted_certificates = Some(vec![certificates(other.path())]);
    let mut unnamed = good.clone();
    unnamed.url = RedisUrl::parse(&format!("rediss://127.0.0.1:{port}")).unwrap();
    let mut locked = good.clone();
    locked.password = Some(RedisPassword::parse("another word").unwrap());
    let mut plain = good.clone();
    plain.url = RedisUrl::parse(&format!("redis://localhost:{port}")).unwrap();
    for (what, server) in [
        ("another authority", stranger),
        ("another name", unnamed),
        ("another password", locked),
        ("no TLS", plain),
    ] {
        let refused = stage(&server).await;
        let proof = sign_in(&refused).await;
        let (status, code, session) = send(&refused, &proof).await;
        let found = (status.as_u16(), code.as_str(), session);
        assert_eq!(found, (503, "sign_ins_unavailable", None), "{what}");
    }
}
