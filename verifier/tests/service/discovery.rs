//! What agents find before they ask, and what wallets and pages show of it.

use serde_json::{Value, json};
use tollgate_verifier::config::RouteConfig;

use super::support::rpc::{self, PRICE};
use super::support::{SLUG, Stage, post};

async fn json(stage: &Stage, path: &str) -> Value {
    let response = stage.get(path).await;
    assert_eq!(response.status(), 200, "{path}");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    response.json().await.unwrap()
}

/// The port is the system's choice, the time is now.
fn settled(stage: &Stage, document: &Value) -> Value {
    let mut text = document.to_string();
    text = text.replace(&stage.url(""), "https://shop.example");
    let mut document: Value = serde_json::from_str(&text).unwrap();
    for item in document["items"].as_array_mut().unwrap() {
        let at = item["lastUpdated"].as_str().unwrap();
        assert!(at.starts_with("20") && at.ends_with('Z'), "{at}");
        item["lastUpdated"] = "2026-11-21T00:00:00Z".into();
    }
    document
}

#[tokio::test]
async fn what_is_sold_is_listed_as_published() {
    let stage = Stage::new().await;
    let list = json(&stage, "/discovery/resources").await;
    insta::assert_json_snapshot!("resources", settled(&stage, &list));
    let seller = json(&stage, "/.well-known/x402").await;
    insta::assert_json_snapshot!("seller", settled(&stage, &seller));
    let rules = json(&stage, "/actions.json").await;
    insta::assert_json_snapshot!("rules", rules);
}

/// What the list says of a price is what the 402 says, except for what belongs to one
/// request.
#[tokio::test]
async fn the_list_says_what_the_402_says() {
    let stage = Stage::new().await;
    let list = json(&stage, "/discovery/resources").await;
    let listed = &list["items"][0]["accepts"][0];
    let body: Value = stage.get("/v1/quote/SOL").await.json().await.unwrap();
    let asked = &body["accepts"][0];
    assert_eq!(listed["scheme"], asked["scheme"]);
    assert_eq!(listed["amount"], asked["maxAmountRequired"]);
    assert_eq!(listed["amount"], PRICE.to_string());
    assert_eq!(listed["payTo"], rpc::merchant_address().to_string());
    for (name, value) in listed["extra"].as_object().unwrap() {
        assert_eq!(value, &asked["extra"][name], "{name}");
    }
    let text = list.to_string();
    for foreign in ["paymentId", "transactionRequest"] {
        assert!(asked["extra"][foreign].is_string());
        assert!(!text.contains(foreign), "{foreign}");
    }
    assert_eq!(text, json(&stage, "/discovery/resources").await.to_string());
}

#[tokio::test]
async fn the_list_is_read_in_pages() {
    let stage = Stage::with(|config| {
        for number in 0..130 {
            config
                .routes
                .push(RouteConfig::paid(&format!("/more/{number:03}"), SLUG));
        }
    })
    .await;
    let mut seen = Vec::new();
    for (query, limit, offset, count) in [
        ("", 20, 0, 20),
        ("?limit=100&type=http&network=any", 100, 0, 100),
        ("?limit=50&offset=100", 50, 100, 31),
        ("?offset=131", 20, 131, 0),
        ("?offset=9000000000", 20, 9_000_000_000_u64, 0),
    ] {
        let page = json(&stage, &format!("/discovery/resources{query}")).await;
        let expected = json!({ "limit": limit, "offset": offset, "total": 131 });
        assert_eq!(page["pagination"], expected, "{query}");
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), count, "{query}");
        if limit != 20 {
            seen.extend(items.iter().map(|item| item["resource"].to_string()));
        }
    }
    assert_eq!(seen.len(), 131);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 131, "each once");
    let others = json(&stage, "/discovery/resources?type=mcp").await;
    assert_eq!(others["items"], json!([]));
    for wrong in ["limit=0", "limit=101", "limit=-1", "limit=x", "offset=-1"] {
        let response = stage.get(&format!("/discovery/resources?{wrong}")).await;
        assert_eq!(response.status(), 400, "{wrong}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"], "query_invalid", "{wrong}");
    }
}

/// What cannot be bought now is not recommended.
#[tokio::test]
async fn what_is_not_for_sale_is_not_listed() {
    let stage = Stage::new().await;
    let mut product = rpc::product();
    product.active = false;
    stage.rpc.put(rpc::product_address(), &product);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    while json(&stage, "/discovery/resources").await["pagination"]["total"] != 0 {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let action = json(&stage, &format!("/v1/pay/{SLUG}")).await;
    assert_eq!(action["disabled"], true);
    assert!(action["error"]["message"].is_string());
}

#[tokio::test]
async fn routes_of_the_configuration_have_the_first_word() {
    let own = ["/discovery/resources", "/.well-known/x402", "/actions.json"];
    let stage = Stage::with(|config| {
        config.routes.extend(own.map(RouteConfig::free));
    })
    .await;
    let described = json(&stage, "/openapi.json").await;
    for path in own {
        assert_eq!(json(&stage, path).await["path"], path);
        let operation = &described["paths"][path]["get"]["operationId"];
        assert!(operation.as_str().unwrap().starts_with("get"), "{path}");
    }
}

/// An action is a button whose link is a transaction request of its own.
#[tokio::test]
async fn a_product_is_shown_as_an_action() {
    let stage = Stage::new().await;
    let at = format!("/v1/pay/{SLUG}");
    let response = stage.get(&at).await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-action-version"], "2.4");
    assert_eq!(
        response.headers()["x-blockchain-ids"],
        "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1"
    );
    assert_eq!(response.headers()["access-control-expose-headers"], "*");
    let action: Value = response.json().await.unwrap();
    assert_eq!(action["type"], "action");
    assert_eq!(action["label"], "Pay 0.01 USDC");
    assert_eq!(action["disabled"], false);
    for field in ["icon", "title", "description"] {
        assert!(!action[field].as_str().unwrap().is_empty(), "{field}");
    }
    let link = |action: &Value| {
        let link = &action["links"]["actions"][0];
        assert_eq!(link["type"], "transaction");
        let href = link["href"].as_str().unwrap();
        href.strip_prefix(&stage.url("")).unwrap().to_owned()
    };
    let first = link(&action);
    let account = super::support::address("wallet").to_string();
    let request = json!({ "type": "transaction", "account": account, "data": {} });
    let (status, body) = post(&stage, &first, request).await;
    assert_eq!((status, &body["type"]), (200, &json!("transaction")));
    let second = link(&json(&stage, &at).await);
    assert_ne!(first, second, "each a purchase of its own");
    let missing = stage.get("/v1/pay/nothing").await;
    assert_eq!(missing.status(), 404);
}

#[tokio::test]
async fn a_transaction_request_is_drawn_as_a_code() {
    let stage = Stage::new().await;
    let id = tollgate_client::PaymentId([9; 32]);
    let response = stage.get(&format!("/v1/pay/{SLUG}/{id}/qr.svg")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "image/svg+xml");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let policy = &response.headers()["content-security-policy"];
    assert_eq!(policy, "default-src 'none'");
    let picture = response.text().await.unwrap();
    assert!(picture.contains("<svg "), "{picture}");
    let other = stage.get(&format!("/v1/pay/nothing/{id}/qr.svg")).await;
    assert_eq!(other.status(), 404);
    let broken = stage.get(&format!("/v1/pay/{SLUG}/id/qr.svg")).await;
    assert_eq!(broken.status(), 400);
}
