//! Clients that refuse recipients off the curve, and orders that they pay all the same.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};
use solana_keypair::Keypair;
use solana_signer::Signer;
use tollgate_client::{Amount, Rail};
use tollgate_interop_tests::Shop;
use tollgate_interop_tests::installation::Needs::Node;
use tollgate_interop_tests::rails::{Offered, Relay};

use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![trial("x402_solana_pays_an_order", Node, order)]
}

async fn order() {
    let shop = Shop::open_with(&Relay::new(), Offered::Orders).await;
    let facilitator = Keypair::new();
    let key = facilitator.pubkey();
    shop.cluster.fund(&key, 100_000_000, Amount(0)).await;
    let operators = shop.service.verifier.admin_addr().unwrap();
    let http = reqwest::Client::new();
    let response = http
        .post(format!("http://{operators}/v1/orders"))
        .json(&json!({ "product": "day-pass", "beneficiary": shop.customer_address() }))
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    let made: Value = response.json().await.unwrap();
    assert_eq!(status, 201, "{made}");
    // Callers cannot order.
    let outside = format!("{}/v1/orders", shop.service.url);
    let refused = http.post(outside).json(&json!({})).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 404);

    let task = json!({
        "facilitatorKey": facilitator.to_bytes().to_vec(),
        "requirements": made["requirements"],
        "intent": made["intent"],
    });
    let said = shop.run(Node, "x402_solana.mjs", task).await;
    assert_eq!(
        said["refused"]["error"], "TokenOwnerOffCurveError",
        "{said}"
    );
    assert_eq!(said["paid"]["status"], 200, "{said}");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let answer = http.get(made["status"].as_str().unwrap()).send().await;
        let answer: Value = answer.unwrap().json().await.unwrap();
        if answer["status"] == "paid" {
            assert_eq!(answer["intent"], made["intent"]);
            break;
        }
        assert_eq!(answer["status"], "pending", "{answer}");
        assert!(tokio::time::Instant::now() < deadline, "{answer}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let intent = shop.was_paid_once(Rail::Deposit).await;
    assert_eq!(intent.payment_id.to_string(), made["payment_id"]);
    shop.close().await;
}
