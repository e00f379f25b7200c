//! The service's own endpoints, except for payments.

use std::time::Duration;

use serde_json::{Value, json};
use tollgate_client::{Credits, EntitlementStatus};

use super::support::rpc::{self, CHAIN_TIME, PRICE};
use super::support::{SLUG, Stage, address, post, raw};

const CHECK: &str = "/v1/access/entitlements/check";

#[tokio::test]
async fn the_check_says_where_an_entitlement_stands() {
    let stage = Stage::new().await;
    stage.rpc.entitle("active", CHAIN_TIME + 60, |_| {});
    stage.rpc.entitle("forever", i64::MAX, |entitlement| {
        entitlement.metered = true;
        entitlement.credits_granted = Credits(10);
        entitlement.credits_used = Credits(3);
    });
    stage.rpc.entitle("expired", CHAIN_TIME, |_| {});
    stage
        .rpc
        .entitle("revoked", CHAIN_TIME + 60, |entitlement| {
            entitlement.status = EntitlementStatus::Revoked;
        });
    stage
        .rpc
        .entitle("exhausted", CHAIN_TIME + 60, |entitlement| {
            entitlement.metered = true;
            entitlement.credits_granted = Credits(2);
            entitlement.credits_used = Credits(2);
        });
    for (wallet, status, reason) in [
        ("active", "active", "entitlement_active"),
        ("forever", "active", "entitlement_active"),
        ("expired", "expired", "entitlement_expired"),
        ("revoked", "revoked", "entitlement_revoked"),
        ("exhausted", "exhausted", "credits_exhausted"),
        ("nobody", "none", "entitlement_missing"),
    ] {
        let question = json!({ "product_slug": SLUG, "wallet": address(wallet).to_string() });
        let (code, body) = post(&stage, CHECK, question).await;
        assert_eq!(code, 200, "{wallet}");
        assert_eq!(body["has_access"], status == "active", "{wallet}");
        assert_eq!(body["status"], status, "{wallet}");
        assert_eq!(body["reason"], reason, "{wallet}");
        assert_eq!(
            body["entitlement"],
            rpc::entitlement_address(wallet).to_string()
        );
        assert!(body["slot"].as_u64().unwrap() > 1000, "{wallet}");
        assert!(
            body["chain_time"].as_i64().unwrap() >= CHAIN_TIME,
            "{wallet}"
        );
        match wallet {
            "active" => {
                assert_eq!(body["expires_at"], CHAIN_TIME + 60);
                assert_eq!(body["credits_remaining"], Value::Null);
                assert_eq!(body["never_expires"], false);
            }
            "forever" => {
                assert_eq!(body["expires_at"], Value::Null);
                assert_eq!(body["credits_remaining"], 7);
                assert_eq!(body["never_expires"], true);
            }
            "nobody" => assert_eq!(body["expires_at"], Value::Null),
            _ => {}
        }
    }
}

#[tokio::test]
async fn the_check_takes_the_product_in_one_of_three_ways() {
    let stage = Stage::new().await;
    let wallet = address("nobody").to_string();
    let product = rpc::product_address().to_string();
    for body in [
        json!({ "product": product, "wallet": wallet }),
        json!({ "product_slug": SLUG, "wallet": wallet }),
        json!({ "product_id": product, "wallet": wallet }),
        json!({ "product_id": SLUG, "wallet": wallet }),
    ] {
        assert_eq!(post(&stage, CHECK, body.clone()).await.0, 200, "{body}");
    }
    for (body, status, code) in [
        (json!({ "wallet": wallet }), 400, "request_body_invalid"),
        (
            json!({ "product": product, "product_slug": SLUG, "wallet": wallet }),
            400,
            "request_body_invalid",
        ),
        (json!({ "product_slug": SLUG }), 400, "request_body_invalid"),
        (
            json!({ "product_slug": SLUG, "wallet": wallet, "extra": 1 }),
            400,
            "request_body_invalid",
        ),
        (
            json!({ "product_slug": SLUG, "wallet": 7 }),
            400,
            "request_body_invalid",
        ),
        (json!([]), 400, "request_body_invalid"),
        (
            json!({ "product_slug": SLUG, "wallet": "not a key" }),
            400,
            "public_key_invalid",
        ),
        (
            json!({ "product_slug": "other", "wallet": wallet }),
            404,
            "product_not_found",
        ),
        (
            json!({ "product": wallet, "wallet": wallet }),
            404,
            "product_not_found",
        ),
        (
            json!({ "product": SLUG, "wallet": wallet }),
            404,
            "product_not_found",
        ),
    ] {
        let (found, answer) = post(&stage, CHECK, body.clone()).await;
        assert_eq!(
            (found, answer["error"].as_str().unwrap()),
            (status, code),
            "{body}"
        );
    }
}

#[tokio::test]
async fn bodies_of_endpoints_are_bounded_and_json() {
    let stage = Stage::new().await;
    let send = async |body: &str, media_type: &str| {
        let response = stage
            .http
            .post(stage.url(CHECK))
            .header("content-type", media_type)
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        (status, body["error"].as_str().unwrap().to_owned())
    };
    let long = format!("{{\"wallet\":\"{}\"}}", "x".repeat(5000));
    assert_eq!(
        send(&long, "application/json").await,
        (413, "request_body_too_large".to_owned())
    );
    assert_eq!(
        send("{}", "text/plain").await,
        (415, "media_type_unsupported".to_owned())
    );
    assert_eq!(
        send("{", "application/json; charset=utf-8").await,
        (400, "request_body_invalid".to_owned())
    );
    let deep = "[".repeat(4000);
    assert_eq!(
        send(&deep, "application/json").await,
        (400, "request_body_invalid".to_owned())
    );
}

#[tokio::test]
async fn products_are_listed_as_the_chain_has_them() {
    let stage = Stage::new().await;
    let response = stage.get("/v1/products").await;
    assert_eq!(response.status(), 200);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["network"], "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1");
    assert_eq!(body["merchant"], rpc::merchant_address().to_string());
    let product = &body["products"][0];
    assert_eq!(product["slug"], SLUG);
    assert_eq!(product["address"], rpc::product_address().to_string());
    assert_eq!(product["amount"], PRICE.to_string());
    assert_eq!(product["price"], "0.01");
    assert_eq!(product["for_sale"], true);
}

#[tokio::test]
async fn health_needs_no_chain_and_readiness_does() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/health/live").await.status(), 200);
    let ready: Value = stage.get("/health/ready").await.json().await.unwrap();
    assert_eq!(ready["status"], "ready");
    assert!(ready["last_chain_read_ms_ago"].as_u64().unwrap() < 1000);
}

/// An endpoint's path in another spelling is no way around anything: it is a path
/// without a route.
#[tokio::test]
async fn endpoints_have_one_spelling() {
    let stage = Stage::new().await;
    for path in [
        "/v1/products/",
        "/V1/products",
        "/v1//products",
        "/v1/%70roducts",
    ] {
        let text = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = raw(stage.address(), text.as_bytes(), Duration::from_secs(5)).await;
        assert!(
            matches!(answer.status(), 400 | 404),
            "{path}: {}",
            answer.text
        );
    }
    assert_eq!(stage.upstream.requests(), 0);
}
