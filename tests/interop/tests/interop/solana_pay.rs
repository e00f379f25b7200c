//! Wallets that know Solana Pay.

use libtest_mimic::Trial;
use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use tollgate_client::{Addresses, IntentStatus, PaymentId, Rail, random_payment_id};
use tollgate_interop_tests::installation::Needs::Node;
use tollgate_interop_tests::rails::{Offered, Relay};
use tollgate_interop_tests::{PRICE, Shop};

use crate::trial;

const SCRIPT: &str = "solana_pay.mjs";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("solana_pay_makes_transaction_requests", Node, requests),
        trial("solana_pay_makes_transfers", Node, transfers),
        trial("actions_have_the_published_form", Node, actions),
    ]
}

async fn get(url: &str) -> Value {
    let response = reqwest::get(url).await.unwrap();
    let status = response.status().as_u16();
    let body = response.text().await.unwrap();
    assert!(matches!(status, 200 | 402), "{url}: {status} {body}");
    serde_json::from_str(&body).unwrap()
}

fn link(shop: &Shop, id: &PaymentId, rest: &str) -> String {
    format!("{}/v1/pay/day-pass/{id}{rest}", shop.service.url)
}

fn reference(shop: &Shop, id: &PaymentId) -> Pubkey {
    Addresses::default().quoted_intent(&shop.service.merchant.address, id)
}

async fn requests() {
    let shop = Shop::open().await;
    let asked = get(&shop.service.report()).await;
    let id: PaymentId = asked["reference"].as_str().unwrap().parse().unwrap();
    let task = json!({
        "paymentUri": asked["payment_uri"],
        "paymentReference": reference(&shop, &id).to_string(),
    });
    let said = shop.run(Node, SCRIPT, task).await;
    assert_eq!(said["found"], said["paid"]);
    let secure = link(&shop, &id, "").replace("http:", "https:");
    assert_eq!(said["link"], secure);
    let intent = shop.was_paid_once(Rail::Pay).await;
    assert_eq!(intent.payment_id, id);
    let status = get(&link(&shop, &id, "/status")).await;
    assert_eq!(status["status"], "paid", "{status}");
    assert_eq!(status["signature"], said["paid"]);
    shop.close().await;
}

async fn transfers() {
    let shop = Shop::open_with(&Relay::new(), Offered::Transfers).await;
    let id = random_payment_id();
    let request = get(&link(&shop, &id, "/transfer")).await;
    let task = json!({ "transferUri": request["payment_uri"] });
    let said = shop.run(Node, SCRIPT, task).await;
    assert_eq!(said["transferFound"], said["transferred"]);
    assert_eq!(said["valid"], true);
    assert_eq!(said["refusedOther"], "ValidateTransferError");
    // The first question records it, or one that follows.
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    let status = loop {
        let status = get(&link(&shop, &id, "/status")).await;
        if status["status"] == "paid" {
            break status;
        }
        assert_eq!(status["status"], "pending", "{status}");
        assert!(tokio::time::Instant::now() < deadline, "{status}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    assert_eq!(status["signature"], said["transferred"]);
    assert_eq!(status["beneficiary"], shop.customer_address());
    let intent = shop.was_paid_once(Rail::Attested).await;
    assert_eq!((intent.status, intent.amount), (IntentStatus::Paid, PRICE));
    shop.close().await;
}

async fn actions() {
    let shop = Shop::open().await;
    let said = shop.run(Node, "actions.mjs", json!({})).await;
    assert_eq!(said["noticed"], true, "{said:#}");
    assert_eq!(said["mistakes"], json!([]), "{said:#}");
    let expected = format!("{}/v1/pay/day-pass", shop.service.url);
    assert_eq!(said["mapped"], expected);
    assert_eq!(said["version"], "2.4");
    let chain = "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1";
    assert_eq!(said["blockchains"], chain);
    shop.was_paid_once(Rail::Pay).await;
    shop.close().await;
}
