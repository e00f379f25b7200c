//! The audit log of a running service: what is in it, what is not, and that it
//! holds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tollgate_client::EntitlementStatus;
use tollgate_gate::receipt::{KeySet, ReceiptKey};
use tollgate_verifier::Verifier;
use tollgate_verifier::audit::verify::{Expectations, Findings, verify};
use tollgate_verifier::audit::{Kind, Proof, Record};
use tollgate_verifier::config::{
    AuditConfig, Config, ReceiptsConfig, RedisConfig, RedisUrl, SignInStoreConfig,
};
use zeroize::Zeroizing;

use super::redis_server::RedisServer;
use super::support::rpc::{self, CHAIN_TIME, Mood, ScriptedRpc};
use super::support::upstream::Upstream;
use super::support::{Stage, address, config, key, post};

const PATH: &str = "/v1/quote/SOL";
const LATER: i64 = CHAIN_TIME + 3600;

fn receipts() -> ReceiptsConfig {
    let seed = Zeroizing::new(key("receipts").to_bytes());
    ReceiptsConfig::new(ReceiptKey::from_seed(&seed))
}

async fn stage(folder: &Path) -> Stage {
    Stage::with(|config| {
        config.receipts = Some(receipts());
        config.audit = Some(AuditConfig {
            checkpoint_every: 4,
            ..AuditConfig::new(folder.to_owned())
        });
    })
    .await
}

fn read(folder: &Path) -> (Findings, Vec<Record>) {
    let expectations = Expectations {
        keys: Some(KeySet::new(receipts().signing_key.public(), &[])),
        ..Expectations::default()
    };
    let mut records = Vec::new();
    let findings = verify(folder, &expectations, |record| records.push(record.clone())).unwrap();
    (findings, records)
}

#[tokio::test]
async fn every_decision_is_recorded_with_its_grounds_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let stage = stage(folder.path()).await;
    let proof = stage.sign_in(PATH, "agent").await;
    let get = async |path: &str, name: &str, value: &str| {
        let request = stage.http.get(stage.url(path)).header(name, value);
        request.send().await.unwrap()
    };
    stage.rpc.entitle("agent", LATER, |_| {});
    let served = get(&format!("{PATH}?secret=x"), "sign-in-with-x", &proof).await;
    assert_eq!(served.status(), 200);
    let request_id = served.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let token = served.headers()["tollgate-session"]
        .to_str()
        .unwrap()
        .to_owned();
    let bearer = format!("Bearer {token}");
    assert_eq!(get(PATH, "authorization", &bearer).await.status(), 200);
    assert_eq!(get(PATH, "sign-in-with-x", &proof).await.status(), 401);
    assert_eq!(
        get(PATH, "authorization", "Bearer tgs1_A").await.status(),
        401
    );
    let question = json!({ "product_slug": "quotes", "wallet": address("agent").to_string() });
    assert_eq!(
        post(&stage, "/v1/access/entitlements/check", question)
            .await
            .0,
        200
    );
    stage.rpc.entitle("agent", LATER, |entitlement| {
        entitlement.status = EntitlementStatus::Revoked;
    });
    super::support::eventually(async || get(PATH, "authorization", &bearer).await.status() == 403)
        .await;
    stage.rpc.set(|script| script.mood = Mood::Failing);
    super::support::eventually(async || get(PATH, "authorization", &bearer).await.status() == 503)
        .await;
    // Neither of these concerns anything that is sold.
    assert_eq!(stage.get("/free/a").await.status(), 200);
    assert_eq!(stage.get("/nothing").await.status(), 404);
    stage.verifier.shutdown().await;

    let (findings, records) = read(folder.path());
    assert!(findings.checkpoints >= 2, "{findings:?}");
    assert_eq!((findings.dropped, findings.recoveries), (0, 0));
    let decisions: Vec<&Record> = records
        .iter()
        .filter(|record| Kind::DECISIONS.contains(&record.kind))
        .collect();
    let said: Vec<_> = decisions
        .iter()
        .map(|record| (record.kind, record.code.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        said[..8],
        [
            (Kind::Challenge, "payment_required"),
            (Kind::Verification, "granted"),
            (Kind::Grant, "granted"),
            (Kind::Grant, "granted"),
            (Kind::Verification, "invalid_siwx_nonce_used"),
            (Kind::Refusal, "invalid_siwx_nonce_used"),
            (Kind::Refusal, "session_malformed"),
            (Kind::Verification, "entitlement_active"),
        ]
    );
    assert!(said.contains(&(Kind::Refusal, "entitlement_revoked")));
    assert_eq!(said.last(), Some(&(Kind::Refusal, "chain_unavailable")));
    assert!(decisions[0].payment_id.is_some() && decisions[0].beneficiary.is_none());
    let grant = decisions[2];
    assert_eq!(grant.request.as_deref(), Some(request_id.as_str()));
    assert_eq!(grant.route.as_deref(), Some("/v1/quote/{symbol}"));
    assert_eq!(grant.product.as_deref(), Some("quotes"));
    assert_eq!(grant.beneficiary, Some(address("agent")));
    assert_eq!(grant.proof, Some(Proof::SignIn));
    let entitlement = rpc::entitlement_address("agent");
    assert_eq!(grant.entitlement, Some(entitlement));
    assert!(grant.slot.is_some() && grant.last_intent.is_some() && grant.receipt.is_some());
    assert_eq!(decisions[3].proof, Some(Proof::Session));
    assert_eq!(decisions[7].proof, Some(Proof::None));
    assert_eq!(records.last().unwrap().kind, Kind::Closed);

    let mut text = String::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        text.push_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    assert!(text.contains("entitlement_revoked"));
    for secret in [
        token.as_str(),
        proof.as_str(),
        "secret",
        "/SOL",
        "127.0.0.1",
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_chain_goes_on_after_a_restart_and_only_one_process_may_write() {
    let folder = tempfile::tempdir().unwrap();
    let first = stage(folder.path()).await;
    assert_eq!(first.get(PATH).await.status(), 402);
    let rpc = ScriptedRpc::start().await;
    let upstream = Upstream::start().await;
    let mut second = config(&rpc, &upstream);
    second.audit = Some(AuditConfig::new(folder.path().to_owned()));
    let refused = Verifier::start(second).await.unwrap_err();
    assert_eq!(refused.code(), "audit_locked");
    first.verifier.shutdown().await;
    let second = stage(folder.path()).await;
    assert_eq!(second.get(PATH).await.status(), 402);
    second.verifier.shutdown().await;
    let (_, records) = read(folder.path());
    let count = |kind| records.iter().filter(|record| record.kind == kind).count();
    assert_eq!(
        (
            count(Kind::Opened),
            count(Kind::Challenge),
            count(Kind::Closed)
        ),
        (2, 2, 2)
    );
}

#[tokio::test]
async fn only_the_wanted_kinds_are_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::with(|config| {
        config.audit = Some(AuditConfig {
            kinds: vec![Kind::Grant],
            ..AuditConfig::new(folder.path().to_owned())
        });
    })
    .await;
    stage.rpc.entitle("agent", LATER, |_| {});
    let proof = stage.sign_in(PATH, "agent").await;
    let request = stage
        .http
        .get(stage.url(PATH))
        .header("sign-in-with-x", &proof);
    assert_eq!(request.send().await.unwrap().status(), 200);
    stage.verifier.shutdown().await;
    let (_, records) = read(folder.path());
    let kinds: Vec<_> = records.iter().map(|record| record.kind).collect();
    assert_eq!(kinds, [Kind::Opened, Kind::Grant, Kind::Closed]);
}

/// Puts folders where the log would begin its next files, as a full disk would keep it
/// from doing. Returns them.
fn obstruct(folder: &Path) -> Vec<PathBuf> {
    let next = (1..200).map(|number| folder.join(format!("audit-{number:020}.jsonl")));
    let missing: Vec<_> = next.filter(|path| !path.exists()).collect();
    for path in &missing {
        std::fs::create_dir(path).unwrap();
    }
    missing
}

/// Nothing is granted without a record; and a sign-in that opened nothing is not used
/// up.
async fn what_could_not_be_recorded_is_not_used_up(change: impl FnOnce(&mut Config)) {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::with(|config| {
        config.audit = Some(AuditConfig {
            queue: 1,
            // Every batch begins a file.
            max_file_bytes: 1,
            ..AuditConfig::new(folder.path().to_owned())
        });
        change(config);
    })
    .await;
    stage.rpc.entitle("agent", LATER, |_| {});
    let proof = stage.sign_in(PATH, "agent").await;
    let sign_in = async || {
        let request = stage.http.get(stage.url(PATH));
        request.header("sign-in-with-x", &proof).send().await
    };
    let obstacles = obstruct(folder.path());
    super::support::eventually(async || stage.get(PATH).await.status() == 503).await;
    let refused = sign_in().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(!refused.headers().contains_key("tollgate-session"));
    let body: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(body["error"], "overloaded");
    assert_eq!(stage.upstream.requests(), 0);
    for path in obstacles {
        std::fs::remove_dir(path).unwrap();
    }
    let mut last = 503;
    super::support::eventually(async || {
        last = sign_in().await.unwrap().status().as_u16();
        last != 503
    })
    .await;
    assert_eq!(last, 200);
    assert_eq!(sign_in().await.unwrap().status(), 401);
    stage.verifier.shutdown().await;
    let (_, records) = read(folder.path());
    let grants = records.iter().filter(|record| record.kind == Kind::Grant);
    assert_eq!(grants.count(), 1);
}

#[tokio::test]
async fn a_sign_in_that_could_not_be_recorded_may_be_sent_again() {
    what_could_not_be_recorded_is_not_used_up(|_| {}).await;
}

#[tokio::test]
async fn a_shared_store_of_sign_ins_gives_back_what_could_not_be_recorded() {
    let Some(redis) = RedisServer::start() else {
        return;
    };
    let url = RedisUrl::parse(&redis.url()).unwrap();
    what_could_not_be_recorded_is_not_used_up(|config| {
        config.sign_ins.store = SignInStoreConfig::Shared(RedisConfig::new(url));
        config.sign_ins.store_timeout = Duration::from_secs(30);
    })
    .await;
}
