//! What the 402 offers to stock clients, and what it does not.

use crate::support::*;
use base64::Engine;
use http::HeaderMap;
use serde_json::{Value, json};
use tollgate_gate::x402::PaymentPayload;
use tollgate_gate::{Decision, Gate, Next, PaymentDue, RefusedPayment, Settlement};

fn due(gate: &Gate) -> PaymentDue {
    match gate.open(&quote(), &HeaderMap::new(), NOW) {
        Next::Done(Decision::Challenge(due)) => due,
        other => panic!("{other:?}"),
    }
}

/// Header and body of a stranger's 402.
fn offered(gate: &Gate, due: &PaymentDue, takes_transfers: bool) -> (Value, Value) {
    let particular = (None, NOW, &ENTROPY);
    let challenge = challenge_of(gate, due, &quote(), particular, takes_transfers);
    let header = challenge.header().unwrap();
    let header = base64::prelude::BASE64_STANDARD.decode(header).unwrap();
    (
        serde_json::from_slice(&header).unwrap(),
        serde_json::from_slice(challenge.body()).unwrap(),
    )
}

fn schemes(part: &Value) -> Vec<&str> {
    let accepts = part["accepts"].as_array().unwrap();
    accepts
        .iter()
        .map(|entry| entry["scheme"].as_str().unwrap())
        .collect()
}

#[test]
fn version_2_pays_into_the_intent_and_version_1_into_the_vault() {
    let gate = gate();
    let (header, body) = offered(&gate, &due(&gate), true);
    assert_eq!(schemes(&header), ["exact", "entitlement"]);
    // Clients of version 1 refuse a list with a scheme that they do not know.
    assert_eq!(schemes(&body), ["exact"]);
    let (v2, v1) = (&header["accepts"][0], &body["accepts"][0]);
    let payment_id = body["reference"].as_str().unwrap();
    let offer = offer();
    let intent = gate
        .addresses()
        .quoted_intent(&offer.merchant, &payment_id.parse().unwrap());
    assert_eq!(v2["payTo"], intent.to_string());
    assert_eq!(v1["payTo"], offer.merchant.to_string());
    assert_eq!(v2["extra"]["memo"], format!("tollgate:{payment_id}"));
    // They send no memo.
    assert!(v1["extra"].get("memo").is_none());
    for entry in [v1, v2] {
        assert_eq!(entry["extra"]["feePayer"], public("relay").to_string());
        assert_eq!(entry["asset"], offer.mint.to_string());
    }
    assert_eq!(v2["amount"], "10000");
    assert_eq!(v1["maxAmountRequired"], "10000");
    assert_eq!(header["accepts"][1]["extra"]["paymentId"], payment_id);
}

#[test]
fn without_a_relay_or_without_its_money_nothing_of_it_is_offered() {
    let gate = gate();
    let (header, body) = offered(&gate, &due(&gate), false);
    assert_eq!(schemes(&header), ["entitlement"]);
    assert_eq!(schemes(&body), ["entitlement"]);
    assert!(header["extensions"].get("payment-identifier").is_none());
}

#[test]
fn a_payment_that_was_refused_is_named_in_the_next_402() {
    let gate = gate();
    let refused = due(&gate).refusing(RefusedPayment {
        code: "invalid_exact_svm_payload_amount_mismatch",
        detail: "the \"amount\" is another".to_owned(),
    });
    let (header, body) = offered(&gate, &refused, true);
    for part in [&header, &body] {
        assert_eq!(part["error"], "invalid_exact_svm_payload_amount_mismatch");
    }
    assert_eq!(body["detail"], "the \"amount\" is another");
}

#[test]
fn what_was_not_offered_is_no_payment_here() {
    let gate = gate();
    let (header, _) = offered(&gate, &due(&gate), true);
    let accepted = &header["accepts"][0];
    let payload = |change: &dyn Fn(&mut Value)| {
        let mut accepted = accepted.clone();
        change(&mut accepted);
        let payload = json!({
            "x402Version": 2, "accepted": accepted, "payload": { "transaction": "" },
        });
        let mut headers = HeaderMap::new();
        let text = base64::prelude::BASE64_STANDARD.encode(payload.to_string());
        headers.insert("payment-signature", text.parse().unwrap());
        PaymentPayload::from_headers(&headers).unwrap().unwrap()
    };
    let judged = |payload: &PaymentPayload, settlement| {
        let judged = gate.transfer(payload, &offer(), settlement);
        judged.map(|found| found.is_some())
    };
    let name = |error: tollgate_gate::x402::X402Error| error.code(tollgate_gate::x402::Version::V2);
    // The offer itself fails for its empty transaction only.
    let own = judged(&payload(&|_| ()), Settlement::Deposit).unwrap_err();
    assert_eq!(
        name(own),
        "invalid_exact_svm_payload_transaction_could_not_be_decoded"
    );
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Value));
    let changes: [Change<'_>; 5] = [
        ("a lower price", &|entry| entry["amount"] = "1".into()),
        ("another payee", &|entry| {
            entry["payTo"] = public("thief").to_string().into()
        }),
        ("another mint", &|entry| {
            entry["asset"] = public("mint").to_string().into()
        }),
        ("another purchase", &|entry| {
            entry["extra"]["memo"] = format!("tollgate:{}", public("id")).into();
        }),
        ("no purchase", &|entry| {
            entry["extra"]["memo"] = "hello".into()
        }),
    ];
    for (what, change) in changes {
        let error = judged(&payload(change), Settlement::Deposit).unwrap_err();
        assert_eq!(name(error), "invalid_payment_requirements", "{what}");
    }
    // A deposit is not what a route offers whose money goes to the vault.
    let error = judged(&payload(&|_| ()), Settlement::Vault).unwrap_err();
    assert_eq!(name(error), "invalid_payment_requirements");
    // The program's own payment has gone its own way.
    let program = payload(&|entry| entry["scheme"] = "entitlement".into());
    assert_eq!(judged(&program, Settlement::Deposit), Ok(false));
}
