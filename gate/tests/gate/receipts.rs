//! Receipts: what they state, who can verify them, and that no change survives.

use crate::support::*;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_client::{Addresses, Credits, Entitlement, EntitlementStatus, UnixSeconds};
use tollgate_gate::receipt::evidence::{check_statement, compare};
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

#[test]
fn keys_are_found_by_name_and_before_a_rotation_as_after() {
    let older = receipt::issue(&receipt_key("older receipts"), &facts());
    assert!(peac(&older.peac).is_ok());
    assert!(verify_offer_receipt(&offer_receipt_of(&older), &key_set()).is_ok());
    let stranger = receipt::issue(&receipt_key("stranger"), &facts());
    assert_eq!(peac(&stranger.peac), Err(ReceiptError::UnknownKey));
    assert_eq!(
        verify_offer_receipt(&offer_receipt_of(&stranger), &key_set()),
        Err(ReceiptError::UnknownKey)
    );
    let read = KeySet::from_jwks(&key_set().jwks()).unwrap();
    assert_eq!(read, key_set());
    // A set may hold other keys; it may not rename ours.
    let mut set = key_set().jwks();
    set["keys"]
        .as_array_mut()
        .unwrap()
        .push(json!({"kty": "RSA"}));
    set["keys"][0]["kid"] = json!("another name");
    assert_eq!(KeySet::from_jwks(&set), Some(key_set()));
    for none in [
        json!({}),
        json!({"keys": []}),
        json!({"keys": [{"kty": "RSA"}]}),
    ] {
        assert_eq!(KeySet::from_jwks(&none), None);
    }
    assert_eq!(
        verify_peac(&issued().peac, &key_set(), "https://other.example.com").unwrap_err(),
        ReceiptError::Issuer
    );
}

/// Whoever has no key: one name for another, one signature for another.
#[test]
fn a_signature_belongs_to_its_key_and_text() {
    let stranger = receipt_key("stranger");
    let payload = BASE64_URL_SAFE_NO_PAD
        .decode(issued().peac.split('.').nth(1).unwrap())
        .unwrap();
    let kid = issuer_key().public().key_id();
    let typ = Some("interaction-record+jwt");
    assert_eq!(
        peac(&signed_by(&stranger, &kid, typ, &payload)),
        Err(ReceiptError::Signature)
    );
    for wrong in [None, Some("JWT"), Some("peac-receipt/0.1")] {
        assert_eq!(
            peac(&signed_by(&issuer_key(), &kid, wrong, &payload)),
            Err(ReceiptError::Header)
        );
    }
    // Neither format passes for the other.
    assert_eq!(
        peac(&offer_receipt_of(&issued())),
        Err(ReceiptError::Header)
    );
    assert_eq!(
        verify_offer_receipt(&issued().peac, &key_set()),
        Err(ReceiptError::Header)
    );
    // What could change how it is verified.
    for header in [
        json!({"alg": "none", "kid": kid, "typ": typ}),
        json!({"alg": "HS256", "kid": kid, "typ": typ}),
        json!({"alg": "EdDSA", "kid": kid, "typ": typ, "crit": ["b64"], "b64": false}),
        json!({"alg": "EdDSA", "kid": kid, "typ": typ, "jwk": {"kty": "OKP"}}),
        json!({"alg": "EdDSA", "typ": typ}),
    ] {
        let header = BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
        let text = format!("{header}.{}", issued().peac.split_once('.').unwrap().1);
        assert_eq!(peac(&text), Err(ReceiptError::Header));
    }
    for text in ["", ".", "..", "a.b", "a.b.c.d", &"A".repeat(20_000)] {
        assert!(matches!(
            peac(text),
            Err(ReceiptError::Malformed | ReceiptError::TooLong | ReceiptError::Header)
        ));
    }
}

/// Even the issuer cannot sign something that reads like one of our receipts and
/// is none.
#[test]
fn every_claim_that_is_changed_added_or_left_out_is_refused() {
    assert_eq!(resigned(|_| {}), Ok(facts()));
    let text = issued().peac;
    let payload = BASE64_URL_SAFE_NO_PAD
        .decode(text.split('.').nth(1).unwrap())
        .unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    let mut pointers = Vec::new();
    collect(&claims, String::new(), &mut pointers);
    assert!(pointers.len() > 22, "{pointers:?}");
    for pointer in &pointers {
        let changed = resigned(|claims| {
            let value = claims.pointer_mut(pointer).unwrap();
            *value = match value {
                Value::String(text) => json!(format!("{text}1")),
                Value::Number(number) => json!(number.as_i64().unwrap() + 1),
                other => panic!("{other}"),
            };
        });
        assert!(
            matches!(changed, Err(ReceiptError::Payload | ReceiptError::Id)),
            "{pointer}: {changed:?}"
        );
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let name = name.replace("~1", "/");
        let removed = resigned(|claims| match claims.pointer_mut(parent).unwrap() {
            Value::Object(map) => drop(map.remove(&name)),
            Value::Array(list) => list.clear(),
            other => panic!("{other}"),
        });
        assert!(
            matches!(removed, Err(ReceiptError::Payload | ReceiptError::Id)),
            "{pointer}: {removed:?}"
        );
    }
    for parent in ["", "/extensions", "/extensions/org.peacprotocol~1access"] {
        let added = resigned(|claims| claims.pointer_mut(parent).unwrap()["more"] = json!("x"));
        assert_eq!(added, Err(ReceiptError::Payload), "{parent}");
    }
    assert_eq!(
        resigned(|claims| claims["sub"] = json!("alice")),
        Err(ReceiptError::Payload)
    );
}

fn collect(value: &Value, at: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                collect(value, format!("{at}/{}", name.replace('/', "~1")), pointers);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                collect(value, format!("{at}/{index}"), pointers);
            }
        }
        _ => pointers.push(at),
    }
}

#[test]
fn the_address_and_the_statement_are_checked_without_a_chain() {
    let addresses = Addresses::default();
    let network = Network::from_genesis_hash(DEVNET).unwrap();
    assert_eq!(check_statement(&facts(), &addresses, &network), Ok(()));
    type Change = fn(&mut ReceiptFacts);
    let changes: [(Change, ReceiptError); 9] = [
        (|facts| facts.network.push('x'), ReceiptError::Network),
        (
            |facts| facts.grounds.program = public("x"),
            ReceiptError::Program,
        ),
        (
            |facts| facts.grounds.product = public("x"),
            ReceiptError::Address,
        ),
        (
            |facts| facts.grounds.beneficiary = public("x"),
            ReceiptError::Address,
        ),
        (
            |facts| facts.grounds.entitlement = public("x"),
            ReceiptError::Address,
        ),
        (
            |facts| facts.grounds.expires_at = NOW,
            ReceiptError::NotUsable,
        ),
        (
            |facts| facts.grounds.chain_time.0 += 600,
            ReceiptError::NotUsable,
        ),
        (
            |facts| facts.grounds.created_at.0 += 601,
            ReceiptError::NotUsable,
        ),
        (
            |facts| facts.grounds.credits = Some((Credits(3), Credits(3))),
            ReceiptError::NotUsable,
        ),
    ];
    for (index, (change, error)) in changes.into_iter().enumerate() {
        let mut facts = facts();
        change(&mut facts);
        assert_eq!(
            check_statement(&facts, &addresses, &network),
            Err(error),
            "change {index}"
        );
    }
}

#[test]
fn a_later_reading_confirms_explains_or_contradicts() {
    type Change = fn(&mut Entitlement);
    let at = |slot, account: Option<&Entitlement>, stated: &Entitlement| {
        compare(
            &facts_of(stated),
            &Observation {
                slot,
                entitlement: account,
            },
        )
    };
    let base = metered();
    assert_eq!(at(SLOT, Some(&base), &base), Ok(Evidence::Confirmed));
    assert_eq!(
        at(SLOT - 1, Some(&base), &base),
        Err(ReceiptError::ReadingTooOld)
    );
    assert_eq!(at(SLOT, None, &base), Ok(Evidence::Gone));
    let moved: [Change; 6] = [
        |account| account.payments += 1,
        |account| account.status = EntitlementStatus::Revoked,
        |account| account.credits_used.0 += 1,
        |account| account.expires_at = UnixSeconds(NOW.0 + 1),
        |account| {
            account.generation += 1;
            account.metered = false;
            account.credits_granted = Credits(0);
            account.credits_used = Credits(0);
        },
        |account| account.last_intent = public("another intent"),
    ];
    for (index, change) in moved.into_iter().enumerate() {
        let mut account = base;
        change(&mut account);
        assert_eq!(
            at(SLOT + 1, Some(&account), &base),
            Ok(Evidence::MovedOn),
            "{index}"
        );
    }
    // Counted here, not booked there yet.
    let mut unbooked = base;
    unbooked.credits_used.0 -= 1;
    assert_eq!(at(SLOT, Some(&unbooked), &base), Ok(Evidence::Confirmed));
    let mut next_life = base;
    next_life.created_at = UnixSeconds(NOW.0 + 1);
    assert_eq!(at(SLOT + 1, Some(&next_life), &base), Ok(Evidence::Gone));
    let contradictions: [Change; 6] = [
        |account| account.merchant = public("x"),
        |account| account.product = public("x"),
        |account| account.beneficiary = public("x"),
        |account| account.generation -= 1,
        |account| account.metered = false,
        |account| account.created_at.0 -= 1,
    ];
    for (index, change) in contradictions.into_iter().enumerate() {
        let mut account = base;
        change(&mut account);
        assert_eq!(
            at(SLOT + 1, Some(&account), &base),
            Err(ReceiptError::Contradicted),
            "{index}"
        );
    }
    // Another life that began well before the stated reading.
    let mut early = base;
    early.created_at = UnixSeconds(NOW.0 - 61);
    assert_eq!(
        at(SLOT + 1, Some(&early), &base),
        Err(ReceiptError::Contradicted)
    );
}

proptest! {
    #[test]
    fn any_changed_byte_is_refused(index in any::<prop::sample::Index>(), bit in 0..7_u32, peac_one in any::<bool>()) {
        let receipts = issued();
        let original = if peac_one { receipts.peac.clone() } else { offer_receipt_of(&receipts) };
        let mut bytes = original.clone().into_bytes();
        let index = index.index(bytes.len());
        bytes[index] ^= 1 << bit;
        if let Ok(text) = String::from_utf8(bytes) {
            if peac_one {
                prop_assert!(peac(&text).is_err());
            } else {
                prop_assert!(verify_offer_receipt(&text, &key_set()).is_err());
            }
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,300}") {
        prop_assert!(peac(&text).is_err());
        prop_assert!(verify_offer_receipt(&text, &key_set()).is_err());
    }
}
