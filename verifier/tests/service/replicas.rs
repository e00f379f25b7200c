//! Several replicas of one service, with nothing in common but their configuration.

use reqwest::StatusCode;
use serde_json::Value;
use tollgate_verifier::Verifier;
use tollgate_verifier::config::{PreviousSecret, Secret, Secrets};

use super::support::rpc::{CHAIN_TIME, ScriptedRpc};
use super::support::upstream::Upstream;
use super::support::{Stage, config, sign};

const PATH: &str = "/v1/quote/SOL";
const LATER: i64 = CHAIN_TIME + 3600;
/// What callers see in front of all of them.
const PUBLIC_URL: &str = "http://localhost:8402";

fn secret(byte: u8) -> Secret {
    Secret::new(vec![byte; 32]).unwrap()
}

fn secrets(current: u8, previous: &[u8]) -> Secrets {
    let previous = previous
        .iter()
        .map(|byte| PreviousSecret::new(secret(*byte)));
    Secrets {
        current: secret(current),
        previous: previous.collect(),
    }
}

/// A replica with a chain of its own that says the same.
async fn replica(secrets: Secrets) -> Stage {
    let rpc = ScriptedRpc::start().await;
    let upstream = Upstream::start().await;
    rpc.entitle("agent", LATER, |_| {});
    let mut config = config(&rpc, &upstream);
    config.secrets = secrets;
    config.server.public_url = PUBLIC_URL.parse().unwrap();
    let verifier = Verifier::start(config).await.unwrap();
    Stage {
        rpc,
        upstream,
        verifier,
        http: reqwest::Client::new(),
    }
}

fn url(replica: &Stage) -> String {
    format!("http://{}{PATH}", replica.address())
}

async fn challenge(replica: &Stage) -> String {
    let response = replica.http.get(url(replica)).send().await.unwrap();
    assert_eq!(response.status(), 402);
    use base64::Engine;
    let header = response.headers()["payment-required"].to_str().unwrap();
    let decoded = base64::engine::general_purpose::STANDARD
        .decode(header)
        .unwrap();
    let required: Value = serde_json::from_slice(&decoded).unwrap();
    sign(&required["extensions"]["sign-in-with-x"], "agent")
}

async fn sign_in(replica: &Stage, proof: &str) -> (StatusCode, Option<String>) {
    let request = replica
        .http
        .get(url(replica))
        .header("sign-in-with-x", proof);
    let response = request.send().await.unwrap();
    let token = response.headers().get("tollgate-session");
    let token = token.map(|token| token.to_str().unwrap().to_owned());
    (response.status(), token)
}

async fn session(replica: &Stage, token: &str) -> StatusCode {
    let request = replica.http.get(url(replica)).bearer_auth(token);
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn one_replica_challenges_another_signs_in_and_all_know_the_session() {
    let (one, two, three) = (
        replica(secrets(1, &[])).await,
        replica(secrets(1, &[])).await,
        replica(secrets(2, &[])).await,
    );
    let proof = challenge(&one).await;
    let (status, token) = sign_in(&two, &proof).await;
    assert_eq!(status, 200);
    let token = token.unwrap();
    assert_eq!(session(&one, &token).await, 200);
    assert_eq!(session(&two, &token).await, 200);
    assert_eq!(session(&three, &token).await, 401, "another secret");
    assert_eq!(sign_in(&two, &proof).await.0, 401, "used at this replica");
    // The limit that `nonces` states: at a replica that did not see the first use, a
    // stolen sign-in gives what the first use gave, a session for this product.
    let (status, token) = sign_in(&one, &proof).await;
    assert_eq!(status, 200);
    assert_eq!(session(&two, &token.unwrap()).await, 200);
    assert_eq!(sign_in(&one, &proof).await.0, 401);
}

/// A new secret is accepted everywhere before it is used anywhere, and the old one
/// is accepted for as long as something made with it lives: in every step replicas
/// of the step before and after run side by side.
#[tokio::test]
async fn a_rotation_loses_nobody() {
    let steps = [(1, &[][..]), (1, &[2][..]), (2, &[1][..]), (2, &[][..])];
    for pair in steps.windows(2) {
        let before = replica(secrets(pair[0].0, pair[0].1)).await;
        let after = replica(secrets(pair[1].0, pair[1].1)).await;
        for (from, to) in [(&before, &after), (&after, &before)] {
            let proof = challenge(from).await;
            let (status, token) = sign_in(to, &proof).await;
            assert_eq!(status, 200, "{pair:?}");
            assert_eq!(session(from, &token.unwrap()).await, 200, "{pair:?}");
        }
    }
}

#[tokio::test]
async fn a_previous_secret_ends_by_itself() {
    let old = replica(secrets(1, &[])).await;
    let (_, token) = sign_in(&old, &challenge(&old).await).await;
    let token = token.unwrap();
    for (not_after, status) in [(i64::MAX, 200), (0, 401)] {
        let mut secrets = secrets(2, &[1]);
        secrets.previous[0].not_after = Some(tollgate_client::UnixSeconds(not_after));
        let new = replica(secrets).await;
        assert_eq!(session(&new, &token).await, status);
    }
}
