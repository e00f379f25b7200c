//! The log: one line for each request, with names, and without secrets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tollgate_agent::{Journal, PayingClient, SpendingPolicy};
use tollgate_gate::siwx::SignInMessage;

use super::support::{RPC_KEY, SECRET, Site};

/// Buys the day pass with the agent and returns the wallet.
async fn buy(site: &Site, url: &str) -> Keypair {
    let wallet = site.stack.new_wallet(1_000_000).unwrap();
    let http = reqwest::Client::builder();
    let agent = PayingClient::new(http, wallet.insecure_clone(), site.stack.chain())
        .unwrap()
        .with_policy(SpendingPolicy::usdc("0.10"))
        .with_journal(Journal::folder(site.folder.path().join("journal")));
    let fetched = agent.fetch(url, None).await.unwrap();
    assert!(
        fetched.answer.status.is_success(),
        "{}",
        fetched.answer.text()
    );
    wallet
}

/// A sign-in for the present challenge of `url`: the header's value and the
/// signature inside.
async fn sign_in(http: &reqwest::Client, url: &str, wallet: &Keypair) -> (String, String) {
    let asked = http.get(url).send().await.unwrap();
    assert_eq!(asked.status(), 402);
    let header = asked.headers()["payment-required"].to_str().unwrap();
    let demand: Value = serde_json::from_slice(&STANDARD.decode(header).unwrap()).unwrap();
    let challenge = &demand["extensions"]["sign-in-with-x"];
    let mut message = challenge["info"].clone();
    message["address"] = wallet.pubkey().to_string().into();
    message["chainId"] = challenge["supportedChains"][0]["chainId"].clone();
    message["type"] = challenge["supportedChains"][0]["type"].clone();
    message["signature"] = "".into();
    let mut message: SignInMessage = serde_json::from_value(message).unwrap();
    let signature = wallet.sign_message(message.text().unwrap().as_bytes());
    message.signature = signature.to_string();
    let value = STANDARD.encode(serde_json::to_vec(&message).unwrap());
    (value, message.signature)
}

/// Everything is logged that any crate says, and every secret goes through the
/// service: none may be found in the log afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_logged_at_any_level() {
    let site = Site::new().await;
    let config = site.write_config("", "");
    let mut service = site.serve(&config, "trace").await;
    let url = service.url("/v1/report");
    let wallet = buy(&site, &url).await;
    let http = reqwest::Client::new();
    let (proof, signature) = sign_in(&http, &url, &wallet).await;
    let response = http
        .get(format!("{url}?token=query-secret-55"))
        .header("sign-in-with-x", &proof)
        .header("cookie", "sid=cookie-secret-66")
        .header("x-api-key", "header-secret-77")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let token = response.headers()["tollgate-session"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(response.text().await.unwrap(), "the report");
    let again = http.get(&url).bearer_auth(&token).send().await.unwrap();
    assert_eq!(again.status(), 200);
    // Refusals are logged as well; they may not quote what they refuse.
    let damaged = format!("{token}x");
    let refused = http.get(&url).bearer_auth(&damaged).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let spoiled = format!("{proof}AAAA");
    let refused = http
        .get(&url)
        .header("sign-in-with-x", &spoiled)
        .send()
        .await
        .unwrap();
    assert!(refused.status().is_client_error());
    let lost = http
        .get(service.url("/path-secret-88"))
        .send()
        .await
        .unwrap();
    assert_eq!(lost.status(), 404);
    // A broken reload quotes no secret either.
    site.write_config("", "[limits]\naddress_burst = \"file-secret-99\"\n");
    service.signal("HUP");
    service.event("the new configuration is refused").await;
    service.signal("TERM");
    assert!(service.ended().await.success());
    let log = service.log().join("\n");
    assert!(log.contains("\"outcome\":\"granted\""), "{log}");
    // The other crates had their say as well.
    for target in ["hyper", "tollgate_verifier"] {
        assert!(log.contains(&format!("\"target\":\"{target}")), "{target}");
    }
    for secret in [
        RPC_KEY,
        SECRET,
        &token,
        &proof,
        &signature,
        "query-secret-55",
        "cookie-secret-66",
        "header-secret-77",
        "path-secret-88",
        "file-secret-99",
    ] {
        // Long ones may be cut: their heads and tails must not be there either.
        let head = secret.get(..40).unwrap_or(secret);
        let tail = secret
            .get(secret.len().saturating_sub(40)..)
            .unwrap_or(secret);
        for part in [head, tail] {
            let line = service.log().into_iter().find(|line| line.contains(part));
            assert_eq!(line, None, "{part:?} is in the log");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_has_one_line_with_closed_fields() {
    let site = Site::new().await;
    let config = site.write_config("", "[limits]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    let service = site.serve(&config, "info").await;
    let http = reqwest::Client::new();
    let get = |path: &str, id: &str| {
        let request = http.get(service.url(path)).header("x-request-id", id);
        request.header("x-forwarded-for", "192.0.2.9").send()
    };
    get("/slow", "first").await.unwrap();
    get("/v1/report", "second").await.unwrap();
    get("/nowhere", "third").await.unwrap();
    get("/health/live", "fourth").await.unwrap();
    let lines = service.events("answered", 4).await;
    assert_eq!(lines.len(), 4);
    let line = |id: &str| {
        let found: Vec<_> = lines
            .iter()
            .filter(|line| line["span"]["id"] == id)
            .collect();
        assert_eq!(found.len(), 1, "{id}");
        found[0].clone()
    };
    let free = line("first");
    assert_eq!(free["outcome"], "free");
    assert_eq!(free["route"], "/slow");
    assert_eq!(free["status"], 200);
    assert_eq!(free["span"]["client"], "192.0.2.9");
    assert_eq!(free["span"]["method"], "GET");
    assert!(free["upstream_micros"].as_u64().unwrap() >= 250_000);
    assert!(free["micros"].as_u64() >= free["upstream_micros"].as_u64());
    let due = line("second");
    assert_eq!(
        (&due["outcome"], &due["status"]),
        (&"challenged".into(), &402.into())
    );
    assert!(due["span"]["payment_id"].is_string());
    let lost = line("third");
    assert_eq!(lost["error"], "route_not_found");
    assert!(lost.get("route").is_none());
    assert_eq!(line("fourth")["route"], "/health/live");
    const FIELDS: [&str; 12] = [
        "timestamp",
        "level",
        "target",
        "message",
        "span",
        "route",
        "outcome",
        "status",
        "error",
        "micros",
        "chain_micros",
        "upstream_micros",
    ];
    for line in &lines {
        for field in line.as_object().unwrap().keys() {
            assert!(FIELDS.contains(&field.as_str()), "{field}");
        }
    }
}
