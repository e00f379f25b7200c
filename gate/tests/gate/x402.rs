//! What x402 clients and facilitators write: read within bounds, and answered in the
//! protocol's own words. Which transactions pay is shown in tests/interop/facilitator.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tollgate_client::Pubkey;
use tollgate_gate::exact::{ExactError, Policy};
use tollgate_gate::headers::{PAYMENT_SIGNATURE, X_PAYMENT};
use tollgate_gate::limits::{MAX_PAYMENT_HEADER_BYTES, MAX_PAYMENT_JSON_DEPTH};
use tollgate_gate::x402::{
    FacilitatorRequest, PaymentPayload, SettleResponse, VerifyResponse, Version, X402Error,
};

fn requirements() -> Value {
    json!({
        "scheme": "exact",
        "network": "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1",
        "amount": "10000",
        "asset": "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU",
        "payTo": "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin",
        "maxTimeoutSeconds": 60,
        "extra": {"feePayer": Pubkey::default().to_string()},
    })
}

fn payload() -> Value {
    json!({
        "x402Version": 2,
        "resource": {"url": "https://api.example.com/v1/quote", "mimeType": "application/json"},
        "accepted": requirements(),
        "payload": {"transaction": "AAAA"},
        "extensions": {"payment-identifier": {"info": {"required": false}}},
    })
}

fn payload_v1() -> Value {
    json!({
        "x402Version": 1,
        "scheme": "exact",
        "network": "solana-devnet",
        "payload": {"transaction": "AAAA"},
    })
}

fn requirements_v1() -> Value {
    let mut requirements = requirements();
    let fields = requirements.as_object_mut().unwrap();
    let amount = fields.remove("amount").unwrap();
    fields.insert("maxAmountRequired".to_owned(), amount);
    fields.insert("network".to_owned(), "solana-devnet".into());
    fields.insert("resource".to_owned(), "https://api.example.com/".into());
    fields.insert("description".to_owned(), "".into());
    requirements
}

fn header(json: &Value) -> String {
    STANDARD.encode(json.to_string())
}

fn read(json: &Value) -> Result<PaymentPayload, X402Error> {
    PaymentPayload::from_header(&header(json), Version::V2)
}

/// The payload with the value at `pointer` replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut json = payload();
    *json.pointer_mut(pointer).unwrap() = value;
    json
}

#[test]
fn a_payment_of_version_two_says_what_it_accepts() {
    let payment = read(&payload()).unwrap();
    assert_eq!(payment.version(), Version::V2);
    assert_eq!(payment.scheme(), "exact");
    assert_eq!(payment.network(), "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1");
    assert_eq!(payment.transaction(), Some("AAAA"));
    let url = payment.resource_url();
    assert_eq!(url, Some("https://api.example.com/v1/quote"));
    let accepted = payment.accepted().unwrap();
    assert_eq!(
        (accepted.amount.as_str(), accepted.max_timeout_seconds),
        ("10000", 60)
    );
    assert_eq!(serde_json::to_value(accepted).unwrap(), requirements());
    assert!(
        payment
            .extensions()
            .unwrap()
            .contains_key("payment-identifier")
    );
}

#[test]
fn a_payment_of_version_one_accepts_nothing_by_name() {
    let payment = PaymentPayload::from_header(&header(&payload_v1()), Version::V1).unwrap();
    assert_eq!(payment.version(), Version::V1);
    assert_eq!(
        (payment.scheme(), payment.network()),
        ("exact", "solana-devnet")
    );
    assert_eq!(payment.transaction(), Some("AAAA"));
    assert!(payment.accepted().is_none() && payment.extensions().is_none());
}

#[test]
fn what_is_optional_may_be_null_or_missing() {
    for name in ["resource", "extensions"] {
        assert!(
            read(&with(&format!("/{name}"), Value::Null)).is_ok(),
            "{name}"
        );
        let mut json = payload();
        json.as_object_mut().unwrap().remove(name);
        assert!(read(&json).is_ok(), "{name}");
    }
    assert!(read(&with("/accepted/extra", Value::Null)).is_ok());
    assert_eq!(
        read(&with("/payload", json!({}))).unwrap().transaction(),
        None
    );
    let number = read(&with("/payload/transaction", json!(1))).unwrap();
    assert_eq!(number.transaction(), None);
}

#[test]
fn what_is_no_payment_is_refused_by_name() {
    for name in ["accepted", "payload", "x402Version"] {
        let mut json = payload();
        json.as_object_mut().unwrap().remove(name);
        assert_eq!(read(&json), Err(X402Error::InvalidPayload), "{name}");
    }
    for (pointer, value) in [
        ("/accepted", json!({})),
        ("/accepted/amount", json!(10_000)),
        ("/accepted/maxTimeoutSeconds", json!(-1)),
        ("/accepted/maxTimeoutSeconds", json!(0.5)),
        ("/accepted/extra", json!([])),
        ("/payload", json!("AAAA")),
        ("/extensions", json!([])),
    ] {
        let found = read(&with(pointer, value));
        assert_eq!(found, Err(X402Error::InvalidPayload), "{pointer}");
    }
    for version in [
        json!(0),
        json!(1),
        json!(3),
        json!("2"),
        json!(2.5),
        Value::Null,
    ] {
        let found = read(&with("/x402Version", version.clone()));
        // Version 1 has other fields.
        let expected = match version.as_u64() {
            Some(1) => X402Error::InvalidPayload,
            _ => X402Error::InvalidX402Version,
        };
        assert_eq!(found, Err(expected), "{version}");
    }
    for text in ["", "e30", "W10=", "bnVsbA==", "%%%", "e30=e30="] {
        let found = PaymentPayload::from_header(text, Version::V2);
        assert_eq!(found, Err(X402Error::InvalidPayload), "{text}");
    }
}

#[test]
fn headers_are_bounded_in_size_and_depth() {
    let long = |length: usize| with("/payload/transaction", "A".repeat(length).into());
    assert!(read(&long(8_000)).is_ok());
    let most = MAX_PAYMENT_HEADER_BYTES / 4 * 3;
    assert_eq!(read(&long(most)), Err(X402Error::InvalidPayload));

    // The extension's value is two levels down.
    let deep = |depth: usize| {
        let nested = (0..depth).fold(json!(1), |inner, _| json!([inner]));
        with("/extensions/payment-identifier", nested)
    };
    assert!(read(&deep(MAX_PAYMENT_JSON_DEPTH - 2)).is_ok());
    let found = read(&deep(MAX_PAYMENT_JSON_DEPTH - 1));
    assert_eq!(found, Err(X402Error::InvalidPayload));
}

#[test]
fn a_request_holds_one_payment_in_the_header_of_its_version() {
    let [second, first] = [payload(), payload_v1()].map(|json| header(&json));
    let headers = |values: &[(&http::HeaderName, &str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        PaymentPayload::from_headers(&headers)
            .map(|payment| payment.map(|payment| payment.version()))
    };
    let (v2, v1) = (&PAYMENT_SIGNATURE, &X_PAYMENT);
    assert_eq!(headers(&[]), Ok(None));
    assert_eq!(headers(&[(v2, &second)]), Ok(Some(Version::V2)));
    assert_eq!(headers(&[(v1, &first)]), Ok(Some(Version::V1)));
    for twice in [
        [(v2, &second), (v2, &second)],
        [(v1, &first), (v1, &first)],
        [(v2, &second), (v1, &first)],
    ] {
        let twice = twice.map(|(name, value)| (name, value.as_str()));
        assert_eq!(headers(&twice), Err(X402Error::InvalidPayload));
    }
    let swapped = Err(X402Error::InvalidX402Version);
    assert_eq!(headers(&[(v2, &first)]), swapped);
    assert_eq!(headers(&[(v1, &second)]), swapped);
    let mut unreadable = HeaderMap::new();
    unreadable.insert(PAYMENT_SIGNATURE, HeaderValue::from_bytes(b"\xff").unwrap());
    let found = PaymentPayload::from_headers(&unreadable);
    assert_eq!(found, Err(X402Error::InvalidPayload));
}

#[test]
fn a_facilitator_is_asked_in_one_version() {
    let ask = |outer: Value, payload: Value, requirements: Value| {
        let mut body = json!({"paymentPayload": payload, "paymentRequirements": requirements});
        if !outer.is_null() {
            body["x402Version"] = outer;
        }
        FacilitatorRequest::from_body(body.to_string().as_bytes())
            .map(|request| request.requirements.version())
    };
    assert_eq!(ask(json!(2), payload(), requirements()), Ok(Version::V2));
    assert_eq!(
        ask(json!(1), payload_v1(), requirements_v1()),
        Ok(Version::V1)
    );
    assert_eq!(
        ask(Value::Null, payload_v1(), requirements_v1()),
        Ok(Version::V1)
    );
    let version = Err(X402Error::InvalidX402Version);
    assert_eq!(ask(json!(1), payload(), requirements()), version);
    assert_eq!(ask(json!(3), payload(), requirements()), version);
    let requirement = Err(X402Error::InvalidPaymentRequirements);
    assert_eq!(ask(json!(2), payload(), requirements_v1()), requirement);
    assert_eq!(ask(json!(1), payload_v1(), requirements()), requirement);
    assert_eq!(ask(json!(2), payload(), Value::Null), requirement);
    assert_eq!(
        ask(json!(2), json!([]), requirements()),
        Err(X402Error::InvalidPayload)
    );
}

#[test]
fn what_the_requirements_lack_is_said_by_name() {
    let judge = |change: fn(&mut Value)| {
        let mut requirements = requirements();
        change(&mut requirements);
        let mut payment = payload();
        payment["accepted"] = requirements.clone();
        let body = json!({"paymentPayload": payment, "paymentRequirements": requirements});
        let request = FacilitatorRequest::from_body(body.to_string().as_bytes()).unwrap();
        let policy = Policy::x402_v2(vec![Pubkey::default()]);
        let judged = request.payload.verify_exact(&request.requirements, &policy);
        judged.unwrap_err()
    };
    let invalid = X402Error::InvalidPaymentRequirements;
    for (change, expected) in [
        ((|_| {}) as fn(&mut Value), ExactError::Undecodable.into()),
        (|it| it["asset"] = "USDC".into(), invalid),
        (|it| it["payTo"] = "".into(), invalid),
        (|it| it["amount"] = "".into(), invalid),
        (|it| it["amount"] = "+1".into(), invalid),
        (|it| it["amount"] = "0.01".into(), invalid),
        (|it| it["amount"] = "18446744073709551616".into(), invalid),
        (|it| it["extra"]["memo"] = 1.into(), invalid),
        (
            |it| it["scheme"] = "upto".into(),
            X402Error::UnsupportedScheme,
        ),
        (
            |it| it["extra"] = Value::Null,
            ExactError::MissingFeePayer.into(),
        ),
        (
            |it| it["extra"]["feePayer"] = it["asset"].clone(),
            ExactError::FeePayerNotManaged.into(),
        ),
    ] {
        assert_eq!(judge(change), expected);
    }
}

#[test]
fn results_are_the_protocols_own() {
    let payer = Pubkey::new_from_array([1; 32]);
    let settled = SettleResponse::settled("solana-devnet", "5sig".to_owned(), &payer);
    let expected = json!({
        "success": true,
        "transaction": "5sig",
        "network": "solana-devnet",
        "payer": payer.to_string(),
    });
    assert_eq!(serde_json::to_value(&settled).unwrap(), expected);
    let header = settled.to_header().unwrap();
    let decoded = STANDARD.decode(header.as_bytes()).unwrap();
    let read: SettleResponse = serde_json::from_slice(&decoded).unwrap();
    assert_eq!(read, settled);

    let error = X402Error::SettlementPending;
    let refused = SettleResponse::refused(error, Version::V1, "solana-devnet", None);
    let expected = json!({
        "success": false,
        "errorReason": "settlement_pending",
        "errorMessage": error.to_string(),
        "transaction": "",
        "network": "solana-devnet",
    });
    assert_eq!(serde_json::to_value(&refused).unwrap(), expected);

    let valid = serde_json::to_value(VerifyResponse::valid(&payer)).unwrap();
    assert_eq!(valid, json!({"isValid": true, "payer": payer.to_string()}));
    let error = X402Error::SimulationFailed;
    for (version, reason) in [
        (Version::V1, "transaction_simulation_failed"),
        (
            Version::V2,
            "invalid_exact_svm_transaction_simulation_failed",
        ),
    ] {
        let invalid = serde_json::to_value(VerifyResponse::invalid(error, version)).unwrap();
        assert_eq!(invalid["invalidReason"], reason);
        assert_eq!(invalid["isValid"], false);
    }
}

#[test]
fn the_table_of_reasons_is_as_published() {
    let exact = ExactError::ALL.iter().copied().map(X402Error::Exact);
    let table: Vec<String> = X402Error::GENERIC
        .iter()
        .copied()
        .chain(exact)
        .map(|error| {
            let [v2, v1] = [Version::V2, Version::V1].map(|version| error.code(version));
            match v1 == v2 {
                true => format!("{v2}: {error}"),
                false => format!("{v2} (version 1: {v1}): {error}"),
            }
        })
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}
