//! Receipts over HTTP: who gets which, that they can be verified with what the
//! service publishes, and that a key can be changed.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tollgate_client::{Addresses, UnixSeconds};
use tollgate_gate::receipt::evidence::check_statement;
use tollgate_gate::receipt::{KeySet, ReceiptFacts, ReceiptKey, verify_offer_receipt, verify_peac};
use tollgate_gate::{Network, Origin};
use tollgate_verifier::config::{Config, ReceiptsConfig};
use zeroize::Zeroizing;

use super::support::rpc::{self, CHAIN_TIME, GENESIS_HASH};
use super::support::{Stage, address, key};

const PATH: &str = "/v1/quote/SOL";
const LATER: i64 = CHAIN_TIME + 3600;

fn receipt_key(name: &str) -> ReceiptKey {
    ReceiptKey::from_seed(&Zeroizing::new(key(name).to_bytes()))
}

fn with_key(name: &str) -> impl FnOnce(&mut Config) {
    let receipts = ReceiptsConfig::new(receipt_key(name));
    move |config| config.receipts = Some(receipts)
}

async fn token(stage: &Stage, name: &str) -> String {
    let proof = stage.sign_in(PATH, name).await;
    let response = stage
        .http
        .get(stage.url(PATH))
        .header("sign-in-with-x", proof)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("peac-receipt"));
    response.headers()["tollgate-session"]
        .to_str()
        .unwrap()
        .to_owned()
}

async fn get(stage: &Stage, path: &str, token: &str) -> reqwest::Response {
    let request = stage.http.get(stage.url(path)).bearer_auth(token);
    request.send().await.unwrap()
}

async fn keys(stage: &Stage) -> KeySet {
    let response = stage.get("/.well-known/jwks.json").await;
    assert_eq!(response.headers()["cache-control"], "public, max-age=300");
    assert_eq!(response.headers()["content-type"], "application/json");
    KeySet::from_jwks(&response.json().await.unwrap()).unwrap()
}

fn origin(stage: &Stage) -> Origin {
    Origin::parse(&stage.url("")).unwrap()
}

fn header<'a>(response: &'a reqwest::Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

async fn facts(stage: &Stage, response: &reqwest::Response) -> ReceiptFacts {
    let issuer = origin(stage).issuer();
    let record = header(response, "peac-receipt");
    verify_peac(record, &keys(stage).await, &issuer).unwrap().0
}

fn offer_receipt(response: &reqwest::Response) -> String {
    let decoded = STANDARD
        .decode(header(response, "payment-response"))
        .unwrap();
    let settled: Value = serde_json::from_slice(&decoded).unwrap();
    settled["extensions"]["offer-receipt"]["info"]["receipt"]["signature"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn every_grant_carries_receipts_that_anybody_can_verify() {
    let stage = Stage::with(with_key("receipts")).await;
    stage.rpc.entitle("agent", LATER, |_| {});
    let token = token(&stage, "agent").await;
    let response = get(&stage, &format!("{PATH}?depth=2"), &token).await;
    assert_eq!(response.status(), 200);
    let facts = facts(&stage, &response).await;
    assert_eq!(facts.resource_url, stage.url(&format!("{PATH}?depth=2")));
    assert_eq!(facts.action, "GET");
    assert_eq!(facts.grounds.beneficiary, address("agent"));
    assert_eq!(facts.grounds.product, rpc::product_address());
    assert_eq!(facts.grounds.entitlement, rpc::entitlement_address("agent"));
    assert_eq!(facts.grounds.expires_at, UnixSeconds(LATER));
    let network = Network::from_genesis_hash(GENESIS_HASH).unwrap();
    assert_eq!(
        check_statement(&facts, &Addresses::default(), &network),
        Ok(())
    );

    let offered = verify_offer_receipt(&offer_receipt(&response), &keys(&stage).await).unwrap();
    assert_eq!(offered.payer, address("agent").to_string());
    assert_eq!(offered.resource_url, facts.resource_url);
    assert_eq!(offered.network, facts.network);

    let document: Value = stage
        .get("/.well-known/did.json")
        .await
        .json()
        .await
        .unwrap();
    let did = origin(&stage).did_web();
    assert_eq!(document["id"], did);
    assert_eq!(
        document["verificationMethod"][0]["id"],
        format!("{did}#{}", receipt_key("receipts").public().key_id())
    );
    // PEAC knows https only; there is no such document for the own machine.
    assert_eq!(
        stage.get("/.well-known/peac-issuer.json").await.status(),
        404
    );
}

#[tokio::test]
async fn what_was_not_granted_has_no_receipt_and_what_failed_no_delivery() {
    let stage = Stage::with(with_key("receipts")).await;
    let demand = stage.get(PATH).await;
    assert_eq!(demand.status(), 402);
    let free = stage.get("/free/a").await;
    assert_eq!(free.status(), 200);
    let refused = get(&stage, PATH, "tgs1_AAAA").await;
    assert_eq!(refused.status(), 401);
    for response in [&demand, &free, &refused] {
        assert!(!response.headers().contains_key("peac-receipt"));
        assert!(!response.headers().contains_key("payment-response"));
    }
    stage.rpc.entitle("agent", LATER, |_| {});
    let token = token(&stage, "agent").await;
    // The upstream fails after the grant: let through, but not delivered.
    let failed = get(&stage, "/v1/quote/DEMAND", &token).await;
    assert_eq!(failed.status(), 502);
    assert!(failed.headers().contains_key("peac-receipt"));
    assert!(!failed.headers().contains_key("payment-response"));
}

#[tokio::test]
async fn receipts_are_signed_anew_when_there_is_something_new_to_say() {
    let stage = Stage::with(with_key("receipts")).await;
    stage.rpc.entitle("agent", LATER, |_| {});
    let token = token(&stage, "agent").await;
    let record =
        async |path: &str| header(&get(&stage, path, &token).await, "peac-receipt").to_owned();
    let first = record(PATH).await;
    assert_eq!(record(PATH).await, first);
    assert_ne!(record("/v1/quote/BTC").await, first);
    let posted = stage.http.post(stage.url(PATH)).bearer_auth(&token);
    let posted = posted.send().await.unwrap();
    assert_eq!(facts(&stage, &posted).await.action, "POST");
    // The entitlement changes; as soon as that is read, receipts say so.
    stage
        .rpc
        .entitle("agent", LATER, |entitlement| entitlement.payments = 2);
    super::support::eventually(async || {
        let response = get(&stage, PATH, &token).await;
        facts(&stage, &response).await.grounds.payments == 2
    })
    .await;

    let always = Stage::with(|config| {
        let mut receipts = ReceiptsConfig::new(receipt_key("receipts"));
        receipts.reuse = Duration::ZERO;
        config.receipts = Some(receipts);
    })
    .await;
    always.rpc.entitle("agent", LATER, |_| {});
    let token = self::token(&always, "agent").await;
    let first = facts(&always, &get(&always, PATH, &token).await).await;
    super::support::eventually(async || {
        facts(&always, &get(&always, PATH, &token).await)
            .await
            .issued_at
            > first.issued_at
    })
    .await;
}

#[tokio::test]
async fn what_the_key_before_signed_can_still_be_verified() {
    let before = Stage::with(with_key("old receipts")).await;
    before.rpc.entitle("agent", LATER, |_| {});
    let token = token(&before, "agent").await;
    let response = get(&before, PATH, &token).await;
    let after = Stage::with(|config| {
        let mut receipts = ReceiptsConfig::new(receipt_key("new receipts"));
        receipts.previous_keys = vec![receipt_key("old receipts").public()];
        config.receipts = Some(receipts);
    })
    .await;
    let keys = keys(&after).await;
    let issuer = origin(&before).issuer();
    assert!(verify_peac(header(&response, "peac-receipt"), &keys, &issuer).is_ok());
    assert!(verify_offer_receipt(&offer_receipt(&response), &keys).is_ok());
}

#[tokio::test]
async fn without_a_key_there_is_nothing_of_it() {
    let stage = Stage::new().await;
    stage.rpc.entitle("agent", LATER, |_| {});
    let proof = stage.sign_in(PATH, "agent").await;
    let request = stage
        .http
        .get(stage.url(PATH))
        .header("sign-in-with-x", proof);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key("peac-receipt"));
    for document in ["jwks.json", "did.json", "peac-issuer.json"] {
        let response = stage.get(&format!("/.well-known/{document}")).await;
        assert_eq!(response.status(), 404);
    }
}
