//! Transaction requests: what a wallet gets to sign, and when it gets nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tollgate_client::transaction::from_bytes;
use tollgate_client::{
    Amount, DurationSeconds, IntentStatus, IntentTerms, Offer, PROGRAM_ID, PaymentId,
    PaymentIntent, Pubkey, UnixSeconds,
};

use super::support::rpc::{self, CHAIN_TIME, PRICE};
use super::support::{SLUG, Stage, address, post};

fn pay_path(id: &PaymentId) -> String {
    format!("/v1/pay/{SLUG}/{id}")
}

fn intent(
    payer: &str,
    id: PaymentId,
    change: impl FnOnce(&mut PaymentIntent),
) -> (Pubkey, PaymentIntent) {
    let product = rpc::product();
    let origin = tollgate::state::IntentOrigin {
        bump: 255,
        creator: address(payer),
        rent_payer: address(payer),
        product: rpc::product_address(),
        payment_id: id,
        beneficiary: address(payer),
        expires_at: UnixSeconds(CHAIN_TIME + 600),
        now: UnixSeconds(CHAIN_TIME),
    };
    let terms = IntentTerms::ListPrice(Offer {
        amount: product.price,
        access: product.access,
        credits: product.credits,
    });
    let mut intent = PaymentIntent::open(origin, &terms, &product).unwrap();
    change(&mut intent);
    let at = rpc::addresses().intent(&rpc::merchant_address(), &address(payer), &id);
    (at, intent)
}

#[tokio::test]
async fn a_wallet_gets_the_purchase_to_sign() {
    let stage = Stage::new().await;
    let id = PaymentId([7; 32]);
    let description = stage.get(&pay_path(&id)).await;
    assert_eq!(description.status(), 200);
    assert_eq!(description.headers()["access-control-allow-origin"], "*");
    let description: Value = description.json().await.unwrap();
    assert_eq!(description["label"], "Test Merchant");
    let icon = stage
        .http
        .get(description["icon"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(icon.headers()["content-type"], "image/svg+xml");
    assert!(icon.text().await.unwrap().starts_with("<svg "));

    let payer = address("wallet");
    let (status, body) = post(
        &stage,
        &pay_path(&id),
        json!({ "account": payer.to_string() }),
    )
    .await;
    assert_eq!(status, 200, "{body}");
    assert!(body["message"].as_str().unwrap().contains("Test Merchant"));
    let bytes = STANDARD
        .decode(body["transaction"].as_str().unwrap())
        .unwrap();
    let transaction = from_bytes(&bytes).unwrap();
    assert_eq!(transaction.signatures.len(), 1, "the payer alone signs");
    assert!(
        transaction
            .signatures
            .iter()
            .all(|signature| signature.as_ref() == [0; 64])
    );
    let message = &transaction.message;
    let keys = message.static_account_keys();
    assert_eq!(keys[0], payer, "and pays the fee");
    let programs: Vec<&Pubkey> = message
        .instructions()
        .iter()
        .map(|instruction| &keys[usize::from(instruction.program_id_index)])
        .collect();
    assert_eq!(programs.len(), 3, "compute budget, create_intent, pay");
    assert_eq!(programs[1..], [&PROGRAM_ID, &PROGRAM_ID]);
    let (intent_address, _) = intent("wallet", id, |_| {});
    for needed in [
        intent_address,
        rpc::entitlement_address("wallet"),
        rpc::product().vault,
    ] {
        assert!(keys.contains(&needed), "{needed}");
    }
    // Asking again before paying gives the same purchase again.
    let (status, again) = post(
        &stage,
        &pay_path(&id),
        json!({ "account": payer.to_string() }),
    )
    .await;
    assert_eq!((status, &again["transaction"]), (200, &body["transaction"]));
}

#[tokio::test]
async fn a_payment_id_is_paid_once() {
    let stage = Stage::new().await;
    let account = json!({ "account": address("wallet").to_string() });
    let ask = async |id: PaymentId, change: fn(&mut PaymentIntent)| {
        let (at, intent) = intent("wallet", id, change);
        stage.rpc.put(at, &intent);
        post(&stage, &pay_path(&id), account.clone()).await
    };
    for (number, change, status, code) in [
        (
            1,
            (|intent| intent.status = IntentStatus::Paid) as fn(&mut PaymentIntent),
            409,
            "already_paid",
        ),
        (
            2,
            |intent| intent.status = IntentStatus::Cancelled,
            409,
            "payment_id_spent",
        ),
        (
            3,
            |intent| intent.status = IntentStatus::Refunded,
            409,
            "payment_id_spent",
        ),
        (
            4,
            |intent| intent.expires_at = UnixSeconds(CHAIN_TIME),
            409,
            "payment_expired",
        ),
        (
            5,
            |intent| intent.product = address("another product"),
            409,
            "payment_id_taken",
        ),
    ] {
        let (found, body) = ask(PaymentId([number; 32]), change).await;
        assert_eq!(
            (found, body["error"].as_str().unwrap()),
            (status, code),
            "{number}"
        );
    }
    // One that was created but not paid needs only its payment, on its own terms.
    let (status, body) = ask(PaymentId([6; 32]), |intent| {
        intent.amount = Amount(PRICE + 1);
        intent.access = DurationSeconds(60);
    })
    .await;
    assert_eq!(status, 200, "{body}");
    let bytes = STANDARD
        .decode(body["transaction"].as_str().unwrap())
        .unwrap();
    let transaction = from_bytes(&bytes).unwrap();
    assert_eq!(transaction.message.instructions().len(), 2);
    // The same id of another payer is another purchase.
    let other = json!({ "account": address("other wallet").to_string() });
    assert_eq!(
        post(&stage, &pay_path(&PaymentId([1; 32])), other).await.0,
        200
    );
}

#[tokio::test]
async fn transaction_requests_are_checked() {
    let stage = Stage::new().await;
    let id = PaymentId([7; 32]);
    let account = json!({ "account": address("wallet").to_string() });
    let off_curve = json!({ "account": rpc::product_address().to_string() });
    for (path, body, status, code) in [
        (
            format!("/v1/pay/other/{id}"),
            account.clone(),
            404,
            "product_not_found",
        ),
        (
            format!("/v1/pay/UPPER/{id}"),
            account.clone(),
            404,
            "product_not_found",
        ),
        (
            format!("/v1/pay/{SLUG}/abc"),
            account.clone(),
            400,
            "payment_id_invalid",
        ),
        (
            format!("/v1/pay/%ff/{id}"),
            account.clone(),
            400,
            "path_invalid_utf8",
        ),
        (pay_path(&id), json!({}), 400, "request_body_invalid"),
        (
            pay_path(&id),
            json!({ "account": "abc" }),
            400,
            "public_key_invalid",
        ),
        (pay_path(&id), off_curve, 400, "public_key_invalid"),
    ] {
        let (found, body) = post(&stage, &path, body).await;
        assert_eq!(
            (found, body["error"].as_str().unwrap()),
            (status, code),
            "{path}"
        );
    }
    let mut product = rpc::product();
    product.active = false;
    stage.rpc.put(rpc::product_address(), &product);
    let (status, body) = post(&stage, &pay_path(&id), account).await;
    assert_eq!(
        (status, body["error"].as_str().unwrap()),
        (403, "product_not_for_sale")
    );
    let response = stage
        .http
        .put(stage.url(&pay_path(&id)))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 405);
    assert!(response.headers().contains_key("allow"));
}
