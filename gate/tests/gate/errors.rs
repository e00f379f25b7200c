//! The table of refusals, whole.

use std::collections::BTreeSet;
use tollgate_client::DurationSeconds;
use tollgate_gate::{GateError, PaymentReason, Retry};

#[test]
fn the_table_of_refusals_is_as_published() {
    let table: Vec<_> = GateError::ALL
        .iter()
        .map(|error| {
            let retry = serde_json::to_value(error.retry()).unwrap();
            let retry = retry.as_str().unwrap();
            format!(
                "{} {} {retry}: {}",
                error.status().as_u16(),
                error.code(),
                error.detail()
            )
        })
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn codes_are_unique_words() {
    let codes: Vec<_> = GateError::ALL
        .iter()
        .map(|error| error.code())
        .chain(PaymentReason::ALL.iter().map(|reason| reason.code()))
        .collect();
    let unique: BTreeSet<_> = codes.iter().collect();
    assert_eq!(unique.len(), codes.len());
    let word = |code: &&str| {
        code.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
    };
    assert!(codes.iter().all(word));
}

#[test]
fn no_refusal_demands_money() {
    for error in GateError::ALL {
        assert!(error.status().is_client_error() || error.status().is_server_error());
        assert_ne!(error.status().as_u16(), 402, "{error:?}");
        // A new payment id is named only where the old one is known to be over.
        let over = error.status().as_u16() == 409;
        assert!(over || error.retry() != Retry::NewPaymentId, "{error:?}");
        if error.status().is_server_error() {
            assert_eq!(error.retry(), Retry::Later, "{error:?}");
        }
    }
}

#[test]
fn every_refusal_is_a_complete_response() {
    for error in GateError::ALL {
        let response = error.response(Some(DurationSeconds(7)));
        assert_eq!(response.status(), error.status());
        let headers = response.headers();
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["retry-after"], "7");
        assert!(headers.contains_key("vary"));
        assert_eq!(
            headers.contains_key("www-authenticate"),
            error.status().as_u16() == 401
        );
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["error"], error.code());
        assert_eq!(body["detail"], error.detail());
        assert_eq!(body["status"], error.status().as_u16());
        assert_eq!(
            body["type"],
            format!("urn:tollgate:problem:{}", error.code())
        );
        assert_eq!(body["retry"]["after"], 7);
    }
    let body = String::from_utf8(GateError::ChainUnavailable.body(None)).unwrap();
    assert!(!body.contains("null") && !body.contains("after"), "{body}");
}
