//! Receipts: what they state, who can verify them, and that no change survives.

mod evidence;
mod signatures;

use crate::support::*;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tollgate_client::{Addresses, Credits, Entitlement, EntitlementStatus, UnixSeconds};
use tollgate_gate::receipt::{
    self, EntitlementFacts, Evidence, KeySet, Observation, ReceiptError, ReceiptFacts, ReceiptKey,
    Receipts, verify_offer_receipt, verify_peac,
};
use tollgate_gate::{Network, Origin};

const SLOT: u64 = 321_000_000;

fn receipt_key(name: &str) -> ReceiptKey {
    ReceiptKey::from_seed(&zeroize::Zeroizing::new(key(name).to_bytes()))
}

fn issuer_key() -> ReceiptKey {
    receipt_key("receipts")
}

fn key_set() -> KeySet {
    KeySet::new(
        issuer_key().public(),
        &[receipt_key("older receipts").public()],
    )
}

fn account() -> Entitlement {
    entitlement(&offer(), public("alice"))
}

fn facts_of(account: &Entitlement) -> ReceiptFacts {
    let addresses = Addresses::default();
    let at = addresses.entitlement(&account.product, &account.beneficiary);
    ReceiptFacts {
        issuer: ORIGIN.to_owned(),
        issued_at: NOW,
        network: Network::from_genesis_hash(DEVNET)
            .unwrap()
            .caip2()
            .to_owned(),
        resource_url: format!("{ORIGIN}/v1/quote/AAPL?range=1d"),
        action: "GET".to_owned(),
        grounds: EntitlementFacts::of(addresses.program_id, at, account, SLOT, NOW),
    }
}

fn facts() -> ReceiptFacts {
    facts_of(&account())
}

fn metered() -> Entitlement {
    Entitlement {
        metered: true,
        credits_granted: Credits(u64::MAX),
        credits_used: Credits(1 << 60),
        expires_at: UnixSeconds::NEVER,
        ..account()
    }
}

fn issued() -> Receipts {
    receipt::issue(&issuer_key(), &facts())
}

fn offer_receipt_of(receipts: &Receipts) -> String {
    let bytes = BASE64_STANDARD.decode(&receipts.payment_response).unwrap();
    let response: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(response["success"], true);
    assert_eq!(response["payer"], public("alice").to_string());
    let signed = &response["extensions"]["offer-receipt"]["info"]["receipt"];
    assert_eq!(signed["format"], "jws");
    signed["signature"].as_str().unwrap().to_owned()
}

fn peac(text: &str) -> Result<ReceiptFacts, ReceiptError> {
    verify_peac(text, &key_set(), ORIGIN).map(|(facts, _)| facts)
}

fn signed_by(key: &ReceiptKey, kid: &str, typ: Option<&str>, payload: &[u8]) -> String {
    receipt::sign_text(key, kid, typ, payload)
}

/// The record's claims, changed and signed again by the issuer itself.
fn resigned(change: impl FnOnce(&mut Value)) -> Result<ReceiptFacts, ReceiptError> {
    let text = issued().peac;
    let payload = text.split('.').nth(1).unwrap();
    let mut claims: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    change(&mut claims);
    let key = issuer_key();
    let payload = serde_json::to_vec(&claims).unwrap();
    let kid = key.public().key_id();
    peac(&signed_by(
        &key,
        &kid,
        Some("interaction-record+jwt"),
        &payload,
    ))
}

/// The vectors that `fixtures/stock-receipts.mjs` gives to the stock verifiers.
/// Ed25519 is deterministic, so that they change only when the formats do.
#[test]
fn the_receipts_as_published() {
    let origin = Origin::parse(ORIGIN).unwrap();
    let plain = issued();
    let endless = receipt::issue(&issuer_key(), &facts_of(&metered()));
    let local = receipt::issue(
        &issuer_key(),
        &ReceiptFacts {
            issuer: Origin::parse("http://127.0.0.1:8402").unwrap().issuer(),
            ..facts()
        },
    );
    let show = |receipts: &Receipts| {
        let payload = receipts.peac.split('.').nth(1).unwrap();
        let claims: Value =
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        json!({
            "claims": claims,
            "peac_receipt": receipts.peac,
            "payment_response": receipts.payment_response,
            "offer_receipt": offer_receipt_of(receipts),
        })
    };
    let keys = key_set();
    let vectors = json!({
        "jwks": keys.jwks(),
        "peac_issuer": keys.peac_issuer(&origin),
        "did_document": keys.did_document(&origin),
        "vectors": [show(&plain), show(&endless), show(&local)],
    });
    insta::assert_json_snapshot!(vectors);
}

#[test]
fn a_receipt_says_what_it_was_made_of() {
    for account in [account(), metered()] {
        let facts = facts_of(&account);
        let receipts = receipt::issue(&issuer_key(), &facts);
        let (read, id) = verify_peac(&receipts.peac, &key_set(), ORIGIN).unwrap();
        assert_eq!((read, &id), (facts.clone(), &receipts.id));
        let read = verify_offer_receipt(&offer_receipt_of(&receipts), &key_set()).unwrap();
        assert_eq!(read.payer, public("alice").to_string());
        assert_eq!(read.resource_url, facts.resource_url);
        assert_eq!(read.issued_at, NOW.0);
        assert_eq!(read.network, facts.network);
        assert!(receipts.peac.len() < receipt::MAX_PEAC_HEADER_BYTES);
    }
}

#[test]
fn the_same_statement_has_the_same_id_and_no_other_has_it() {
    assert_eq!(issued(), issued());
    let mut ids = vec![issued().id];
    for change in [
        (|facts: &mut ReceiptFacts| facts.issued_at.0 += 1) as fn(&mut ReceiptFacts),
        |facts| facts.resource_url.push('x'),
        |facts| facts.action = "POST".to_owned(),
        |facts| facts.grounds.slot += 1,
        |facts| facts.grounds.payments += 1,
        |facts| facts.grounds.expires_at.0 += 1,
    ] {
        let mut facts = facts();
        change(&mut facts);
        ids.push(receipt::issue(&issuer_key(), &facts).id);
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}
