//! The 402, byte by byte.

use crate::support::*;
use base64::Engine;
use http::{HeaderMap, Method};
use serde_json::Value;
use std::sync::Arc;
use tollgate_client::{
    Amount, Credits, DurationSeconds, Entitlement, PaymentId, Pubkey, UnixSeconds,
};
use tollgate_gate::limits::{
    MAX_DESCRIPTION_BYTES, MAX_PATH_BYTES, MAX_PAYMENT_REQUIRED_BYTES, MAX_TITLE_BYTES,
};
use tollgate_gate::{
    Access, Decision, Entropy, Gate, Next, OfferText, PaymentChallenge, PaymentDue, ProductOffer,
    Reading, RouteMatch, RouteTable,
};

fn anonymous_due(matched: &RouteMatch) -> PaymentDue {
    match gate().open(matched, &HeaderMap::new(), NOW) {
        Next::Done(Decision::Challenge(due)) => due,
        other => panic!("{other:?}"),
    }
}

fn known_due(reading: Reading) -> PaymentDue {
    let Next::Read(question) = gate().open(&quote(), &signed_in("alice"), NOW) else {
        panic!()
    };
    match question.answer(reading) {
        Decision::Challenge(due) => due,
        other => panic!("{other:?}"),
    }
}

fn challenge_by(gate: &Gate, due: &PaymentDue, entropy: u8) -> PaymentChallenge {
    let particular = (Some("range=1d"), NOW, &Entropy([entropy; 32]));
    challenge_of(gate, due, &quote(), particular, false)
}

fn challenge(due: &PaymentDue) -> PaymentChallenge {
    challenge_by(&gate(), due, 9)
}

fn header_json(challenge: &PaymentChallenge) -> Value {
    let header = challenge.header().unwrap();
    serde_json::from_slice(&base64::prelude::BASE64_STANDARD.decode(header).unwrap()).unwrap()
}

fn body_json(challenge: &PaymentChallenge) -> Value {
    serde_json::from_slice(challenge.body()).unwrap()
}

fn expired() -> Entitlement {
    Entitlement {
        expires_at: NOW,
        ..entitlement(&offer(), public("alice"))
    }
}

fn known(entitlement: Entitlement) -> Reading {
    Reading::Known {
        entitlement: Box::new(entitlement),
        chain_time: NOW,
        slot: 1,
    }
}

const ABSENT: Reading = Reading::Absent {
    chain_time: NOW,
    slot: 1,
};

/// Keys in alphabetical order: the order on the wire is kept by
/// [`the_response_as_it_is_sent`].
macro_rules! assert_json {
    ($value:expr) => {
        let mut settings = insta::Settings::clone_current();
        settings.set_sort_maps(true);
        settings.bind(|| insta::assert_json_snapshot!($value));
    };
}

#[test]
fn the_header_for_a_stranger() {
    assert_json!(header_json(&challenge(&anonymous_due(&quote()))));
}

#[test]
fn the_body_for_a_stranger() {
    assert_json!(body_json(&challenge(&anonymous_due(&quote()))));
}

#[test]
fn the_body_for_a_caller_whose_access_ended() {
    assert_json!(body_json(&challenge(&known_due(known(expired())))));
}

/// The very bytes that `fixtures/stock-client.mjs` gives to stock clients.
#[test]
fn the_response_as_it_is_sent() {
    let response = challenge(&anonymous_due(&quote())).into_response();
    let headers: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    let body = std::str::from_utf8(response.body()).unwrap();
    insta::assert_snapshot!(format!(
        "{}\n{}\n\n{body}",
        response.status(),
        headers.join("\n")
    ));
}

#[test]
fn all_dialects_name_the_same_purchase_and_price() {
    for due in [
        anonymous_due(&quote()),
        known_due(ABSENT),
        known_due(known(expired())),
    ] {
        let challenge = challenge(&due);
        let (header, body) = (header_json(&challenge), body_json(&challenge));
        let id = challenge.payment_id().to_string();
        assert_eq!(body["reference"], id);
        let (v1, v2) = (&body["accepts"][0], &header["accepts"][0]);
        assert_eq!(v1["extra"], v2["extra"]);
        assert_eq!(v2["extra"]["paymentId"], id);
        let request = format!("{ORIGIN}/v1/pay/quotes/{id}");
        assert_eq!(v2["extra"]["transactionRequest"], request);
        assert_eq!(
            body["payment_uri"],
            format!("solana:https%3A%2F%2Fapi.example.com%2Fv1%2Fpay%2Fquotes%2F{id}")
        );
        assert!(body["instructions"].as_str().unwrap().contains(&request));
        assert_eq!(v1["maxAmountRequired"], "10000");
        assert_eq!(v2["amount"], "10000");
        assert_eq!(body["amount"], "10000");
        for (one, other) in [
            ("payTo", "payTo"),
            ("asset", "asset"),
            ("maxTimeoutSeconds", "maxTimeoutSeconds"),
        ] {
            assert_eq!(v1[one], v2[other]);
        }
        assert_eq!(v1["resource"], header["resource"]["url"]);
        assert_eq!(body["error"], header["error"]);
        assert_eq!(body["error"], due.reason().code());
    }
}

#[test]
fn nothing_is_null() {
    fn check(value: &Value, path: &str) {
        match value {
            Value::Null => panic!("{path} is null"),
            Value::Array(entries) => entries.iter().for_each(|entry| check(entry, path)),
            Value::Object(fields) => fields
                .iter()
                .for_each(|(name, field)| check(field, &format!("{path}.{name}"))),
            _ => {}
        }
    }
    for due in [anonymous_due(&quote()), known_due(ABSENT)] {
        check(&header_json(&challenge(&due)), "header");
        check(&body_json(&challenge(&due)), "body");
    }
}

#[test]
fn a_known_caller_is_sent_to_the_same_purchase_until_it_is_paid() {
    let id = |reading: Reading, entropy| {
        *challenge_by(&gate(), &known_due(reading), entropy).payment_id()
    };
    let first = id(ABSENT, 1);
    assert_eq!(first, id(ABSENT, 2));
    let second = id(known(expired()), 1);
    assert_ne!(first, second);
    assert_eq!(second, id(known(expired()), 2));
    let paid_again = Entitlement {
        payments: 2,
        last_intent: public("second intent"),
        ..expired()
    };
    assert_ne!(second, id(known(paid_again), 1));
}

#[test]
fn a_stranger_gets_a_new_purchase_each_time() {
    let id = |entropy| -> PaymentId {
        *challenge_by(&gate(), &anonymous_due(&quote()), entropy).payment_id()
    };
    assert_ne!(id(1), id(2));
}

#[test]
fn a_mint_other_than_usdc_is_named_by_its_address() {
    let mint: Pubkey = public("another mint");
    let offer = Arc::new(ProductOffer {
        mint,
        decimals: 2,
        price: Amount(150),
        ..offer_of("quotes")
    });
    let table = RouteTable::new(vec![route("/x", &[Method::GET], Access::Paid(offer))]).unwrap();
    let due = anonymous_due(&resolve(&table, Method::GET, "/x"));
    let body = body_json(&challenge(&due));
    assert_eq!(body["settlement_rail"], "solana_spl_token");
    assert_eq!(body["currency"], mint.to_string());
    assert_eq!(body["product"]["price"], "1.5");
}

#[test]
fn the_sign_in_challenge_is_accepted_when_it_comes_back_signed() {
    let header = header_json(&challenge(&anonymous_due(&quote())));
    let info = &header["extensions"]["sign-in-with-x"]["info"];
    let mut fields = info.as_object().unwrap().clone();
    let chain = &header["extensions"]["sign-in-with-x"]["supportedChains"][0];
    fields.insert("chainId".to_owned(), chain["chainId"].clone());
    fields.insert("type".to_owned(), chain["type"].clone());
    fields.insert("address".to_owned(), public("alice").to_string().into());
    fields.insert("signature".to_owned(), "".into());
    let message = serde_json::from_value(Value::Object(fields)).unwrap();
    let signed = to_header(&sign(message, "alice"));
    let lines = headers(&[("sign-in-with-x", &signed)]);
    let next = gate().open(&quote(), &lines, UnixSeconds(NOW.0 + 299));
    assert!(matches!(next, Next::Read(_)), "{next:?}");
}

#[test]
fn the_largest_header_is_within_its_bound() {
    let text = OfferText::new(
        &"\u{fc}".repeat(MAX_TITLE_BYTES / 2),
        &"\"".repeat(MAX_DESCRIPTION_BYTES),
        "a/b",
    )
    .unwrap();
    let slug = "s".repeat(32);
    let offer = ProductOffer {
        price: Amount(u64::MAX),
        credits: Credits(u64::MAX),
        access: DurationSeconds(u64::MAX),
        refund_window: DurationSeconds(u64::MAX),
        text,
        ..offer_of(&slug)
    };
    let table = RouteTable::new(vec![route(
        "/*",
        &[Method::GET],
        Access::Paid(Arc::new(offer)),
    )])
    .unwrap();
    let path = format!("/{}", "a".repeat(MAX_PATH_BYTES - 1));
    let matched = resolve(&table, Method::GET, &path);
    let origin = format!("https://{}.example.com", vec!["a".repeat(60); 3].join("."));
    let gate = gate_of(&origin, keys());
    let header = signed_in("alice");
    let header = header.get("sign-in-with-x").unwrap().to_str().unwrap();
    assert!(header.len() < 8 * 1024);
    let due = anonymous_due(&matched);
    for query in [None, Some("q".repeat(200)), Some("q".repeat(9_000))] {
        let challenge = challenge_of(
            &gate,
            &due,
            &matched,
            (query.as_deref(), NOW, &ENTROPY),
            true,
        );
        let length = challenge.header().expect("within the bound").len();
        assert!(
            length > 6_000 && length <= MAX_PAYMENT_REQUIRED_BYTES,
            "{length}"
        );
    }
}
