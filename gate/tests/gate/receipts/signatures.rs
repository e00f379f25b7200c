//! Who signed a receipt, and that no change to it survives.

use super::*;
use proptest::prelude::*;

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
