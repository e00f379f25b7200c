//! What no Solana client shows: status codes, headers, limits, and the exact shape of errors.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod support;

use futures::{SinkExt, StreamExt};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use solana_account::Account;
use solana_keypair::Keypair;
use solana_signer::Signer;
use support::{start, start_still};
use tokio_tungstenite::tungstenite::Message;
use tollgate_localnet::{Localnet, USDC_MINT};

async fn call(localnet: &Localnet, method: &str, params: Value) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": "a-string", "method": method, "params": params});
    let response = Client::new()
        .post(localnet.rpc_url())
        .json(&request)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["id"], "a-string");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn health_can_be_asked_without_json() {
    let localnet = start().await;
    let url = format!("{}/health", localnet.rpc_url());
    let ask = async || {
        let response = Client::new().get(&url).send().await.unwrap();
        response.text().await.unwrap()
    };
    assert_eq!(ask().await, "ok");
    localnet.faults().reply_node_unhealthy(None);
    assert_eq!(ask().await, "unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_origin_may_call() {
    let localnet = start().await;
    let preflight = Client::new()
        .request(reqwest::Method::OPTIONS, localnet.rpc_url())
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "content-type,solana-client",
        )
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), StatusCode::OK);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    let headers = &preflight.headers()["access-control-allow-headers"];
    assert!(["*", "content-type,solana-client"].contains(&headers.to_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_limited_in_size_and_number() {
    let localnet = start().await;
    let long = "x".repeat(60_000);
    let response = Client::new()
        .post(localnet.rpc_url())
        .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "getHealth", "params": [long]}))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let one = json!({"jsonrpc": "2.0", "id": 1, "method": "getHealth"});
    let batch = async |calls: usize| -> Value {
        let response = Client::new()
            .post(localnet.rpc_url())
            .json(&vec![one.clone(); calls])
            .send()
            .await
            .unwrap();
        response.json().await.unwrap()
    };
    assert_eq!(batch(2).await[1]["result"], "ok");
    assert!(batch(129).await["error"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_carry_the_codes_of_a_node() {
    let localnet = start_still().await;
    let wallet = Keypair::new().pubkey().to_string();
    let big = Keypair::new().pubkey();
    let account = Account::new(10_000_000, 129, &big);
    localnet.set_account(big, account).unwrap();
    localnet.finalize();
    let cases = [
        ("noSuchMethod", json!([]), -32601),
        ("getBalance", json!([]), -32602),
        ("getBalance", json!(["not base58 at all!"]), -32602),
        ("getAccountInfo", json!([big.to_string()]), -32600),
        (
            "getAccountInfo",
            json!([wallet, {"minContextSlot": 9_999}]),
            -32016,
        ),
        (
            "getMultipleAccounts",
            json!([vec![wallet.clone(); 101]]),
            -32602,
        ),
        (
            "getSignatureStatuses",
            json!([vec![bs58::encode([1; 64]).into_string(); 257]]),
            -32602,
        ),
        ("getTokenAccountBalance", json!([wallet]), -32602),
        (
            "sendTransaction",
            json!(["AQ==", {"encoding": "base64"}]),
            -32602,
        ),
        (
            "sendTransaction",
            json!(["A".repeat(1_645), {"encoding": "base64"}]),
            -32602,
        ),
        (
            "sendTransaction",
            json!(["AQ==", {"encoding": "jsonParsed"}]),
            -32602,
        ),
        ("getBlockTime", json!([9_999]), -32004),
        (
            "getSignaturesForAddress",
            json!([wallet, {"limit": 1_001}]),
            -32602,
        ),
        (
            "getTransaction",
            json!([bs58::encode([1; 64]).into_string(), {"commitment": "processed"}]),
            -32602,
        ),
        ("accountSubscribe", json!([wallet]), -32603),
    ];
    for (method, params, code) in cases {
        let body = call(&localnet, method, params.clone()).await;
        assert_eq!(body["error"]["code"], code, "{method} {params}: {body}");
    }
    let slow = call(&localnet, "getSlot", json!([{"minContextSlot": 9_999}])).await;
    assert!(slow["error"]["data"]["contextSlot"].is_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_come_in_every_encoding() {
    let localnet = start_still().await;
    let mint = USDC_MINT.to_string();
    let data = async |encoding: &str| {
        let body = call(
            &localnet,
            "getAccountInfo",
            json!([mint, {"encoding": encoding}]),
        )
        .await;
        assert_eq!(body["result"]["context"]["apiVersion"], "4.2.2");
        assert_eq!(body["result"]["value"]["space"], 82);
        body["result"]["value"]["data"].clone()
    };
    assert_eq!(data("base64").await[1], "base64");
    assert_eq!(data("base64+zstd").await[1], "base64+zstd");
    assert_eq!(data("base58").await[1], "base58");
    let parsed = data("jsonParsed").await;
    assert_eq!(parsed["program"], "spl-token");
    assert_eq!(parsed["parsed"]["info"]["decimals"], 6);
    let sliced = call(
        &localnet,
        "getAccountInfo",
        json!([mint, {"encoding": "base64", "dataSlice": {"offset": 44, "length": 1}}]),
    )
    .await;
    assert_eq!(sliced["result"]["value"]["data"][0], "Bg==");
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_have_number_ids_and_notifications_no_version() {
    let localnet = start_still().await;
    // WebSockets work on the RPC port, too.
    let url = localnet.rpc_url().replace("http", "ws");
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let mut ask = async |request: Value| -> Value {
        socket
            .send(Message::text(request.to_string()))
            .await
            .unwrap();
        let text = socket.next().await.unwrap().unwrap().into_text().unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let address = Keypair::new().pubkey();
    let body = ask(
        json!({"jsonrpc": "2.0", "id": 7, "method": "accountSubscribe",
        "params": [address.to_string(), {"commitment": "processed"}]}),
    )
    .await;
    let id = body["result"].as_u64().unwrap();
    let refused = ask(
        json!({"jsonrpc": "2.0", "id": 8, "method": "accountSubscribe",
        "params": ["not an address"]}),
    )
    .await;
    assert_eq!(refused["error"]["code"], -32602);
    localnet.airdrop(&address, 1_000_000_000).unwrap();
    let slot = localnet.slot();
    let notification: Value = {
        let text = socket.next().await.unwrap().unwrap().into_text().unwrap();
        serde_json::from_str(&text).unwrap()
    };
    assert_eq!(
        notification,
        json!({
            "jsonrpc": "2.0",
            "method": "accountNotification",
            "params": {
                "subscription": id,
                "result": {
                    "context": {"slot": slot},
                    "value": {
                        "lamports": 1_000_000_000,
                        "data": "",
                        "owner": "11111111111111111111111111111111",
                        "executable": false,
                        "rentEpoch": u64::MAX,
                        "space": 0,
                    },
                },
            },
        })
    );
    let unsubscribe = json!({"jsonrpc": "2.0", "id": 9, "method": "accountUnsubscribe",
        "params": [id]});
    socket
        .send(Message::text(unsubscribe.to_string()))
        .await
        .unwrap();
    let text = socket.next().await.unwrap().unwrap().into_text().unwrap();
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["result"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_and_connections_are_limited() {
    let localnet = Localnet::builder()
        .max_subscriptions(3, 2)
        .max_connections(2)
        .start()
        .await
        .unwrap();
    let subscribe = json!({"jsonrpc": "2.0", "id": 1, "method": "slotSubscribe"}).to_string();
    let mut replies = Vec::new();
    let mut sockets = Vec::new();
    for subscriptions in [3, 2] {
        let (mut socket, _) = tokio_tungstenite::connect_async(localnet.websocket_url())
            .await
            .unwrap();
        for _ in 0..subscriptions {
            socket.send(Message::text(subscribe.clone())).await.unwrap();
            let reply: Value = loop {
                let text = socket.next().await.unwrap().unwrap().into_text().unwrap();
                let message: Value = serde_json::from_str(&text).unwrap();
                if message["id"] == 1 {
                    break message;
                }
            };
            replies.push(reply["result"].is_u64());
        }
        sockets.push(socket);
    }
    // Two on the first connection; one on the second, which makes three in all.
    assert_eq!(replies, [true, true, false, true, false]);
    assert!(
        tokio_tungstenite::connect_async(localnet.websocket_url())
            .await
            .is_err()
    );
    drop(sockets);
}
