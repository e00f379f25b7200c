//! Receipts under the published verifiers.

use libtest_mimic::Trial;
use serde_json::json;
use tollgate_interop_tests::Shop;
use tollgate_interop_tests::installation::Needs::Node;

use crate::{trial, waiting};

const SCRIPT: &str = "receipts.mjs";

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "receipts_verify_with_the_published_packages",
            Node,
            receipts,
        ),
        waiting("receipts_match_the_signed_offers_of_the_402", Node, offers),
    ]
}

async fn receipts() {
    let shop = Shop::open().await;
    let said = shop.run(Node, SCRIPT, json!({})).await;
    assert_eq!(said["status"], 200);

    let receipt = &said["offerReceipt"];
    assert_eq!(receipt["payer"], shop.customer_address());
    assert_eq!(receipt["resourceUrl"], shop.service.report());
    assert_eq!(receipt["network"], said["network"]);

    let record = &said["peac"];
    assert_eq!(
        (&record["valid"], &record["parsed"]),
        (&json!(true), &json!(true)),
        "{record:#}"
    );
    let (entitlement, _) = shop.held_by(&shop.customer_key()).await;
    let grounds = &record["claims"]["extensions"]["internal.tollgate/entitlement"];
    assert_eq!(
        grounds["last_intent"],
        entitlement.last_intent.to_string(),
        "{record:#}"
    );

    assert_eq!(said["refusedForgery"], true);
    assert_eq!(said["refusedRecord"], true);
    shop.close().await;
}

/// Signed offers in the 402 come with the rails.
async fn offers() {
    let shop = Shop::open().await;
    let said = shop.run(Node, SCRIPT, json!({})).await;
    let offers = said["offers"].as_array().unwrap();
    assert!(!offers.is_empty());
    for offer in offers {
        assert_eq!(offer["verified"]["resourceUrl"], shop.service.report());
    }
    assert!(
        offers.iter().any(|offer| offer["matches"] == true),
        "{said:#}"
    );
    shop.close().await;
}
