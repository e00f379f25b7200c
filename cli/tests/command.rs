//! The command itself, as a process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use solana_signer::Signer;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;
use tollgate_cli::stack::{Stack, StackOptions};
use tollgate_localnet::DEVNET_GENESIS_HASH;
use tollgate_verifier::{Config, RunningVerifier, Verifier};

/// Runs `tollgate` to its end.
async fn tollgate(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.args(arguments).env_remove("RUST_LOG");
    tollgate_test_process::run(command, "").await
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn key_file(folder: &Path, name: &str, key: &solana_keypair::Keypair) -> String {
    let path = folder.join(name);
    std::fs::write(
        &path,
        serde_json::to_string(&key.to_bytes().to_vec()).unwrap(),
    )
    .unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_tells_its_story() {
    let output = tollgate(&["demo", "--slot", "50"]).await;
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", text(&output.stderr));
    for part in [
        "402 Payment Required",
        "signature",
        "200 OK",
        "lemonade",
        "entitlement",
        "withdrawn",
    ] {
        assert!(told.contains(part), "{part} is missing in\n{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_and_a_payer_use_the_command() {
    let options = StackOptions {
        slot: Duration::from_millis(50),
        ..StackOptions::default()
    };
    let stack = Stack::start(options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let rpc = stack.localnet.rpc_url();
    let url = format!("{}/v1/report", stack.url);
    let wallet = stack.new_wallet(1_000_000).unwrap();
    let key = key_file(folder.path(), "agent.json", &wallet);
    let journal = folder.path().join("journal");
    let journal = journal.to_str().unwrap();
    let pay = [
        "pay",
        &url,
        "--rpc-url",
        &rpc,
        "--keypair",
        &key,
        "--journal",
        journal,
    ];

    // A wallet would get a code.
    let code = tollgate(&["qr", &url]).await;
    let drawn = text(&code.stdout);
    assert!(code.status.success(), "{drawn}\n{}", text(&code.stderr));
    let link = drawn.lines().last().unwrap();
    assert!(link.starts_with("solana:http%3A%2F%2F127.0.0.1"), "{link}");
    assert!(drawn.lines().count() > 20, "{drawn}");
    // Without a relay no transfers are taken.
    let none = tollgate(&["qr", &url, "--transfer"]).await;
    assert_eq!(none.status.code(), Some(5), "{}", text(&none.stderr));

    // Over the limit: exit code 3 and nothing is paid.
    let refused = tollgate(&[&pay[..], &["--limit", "0.001", "--output", "json"]].concat()).await;
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused.stderr));
    let error: serde_json::Value = serde_json::from_slice(&refused.stderr).unwrap();
    assert_eq!(error["error"], "over_spending_limit");

    let product = stack.merchant.day_pass.to_string();
    let agent = wallet.pubkey().to_string();
    let show = [
        "entitlement",
        "show",
        "--rpc-url",
        &rpc,
        "--product",
        &product,
        "--wallet",
        &agent,
        "--output",
        "json",
    ];
    assert_eq!(tollgate(&show).await.status.code(), Some(5));

    let paid = tollgate(&[&pay[..], &["--output", "json"]].concat()).await;
    assert!(paid.status.success(), "{}", text(&paid.stderr));
    let report: serde_json::Value = serde_json::from_slice(&paid.stderr).unwrap();
    assert_eq!(
        (report["served"].as_str(), report["status"].as_u64()),
        (Some("paid"), Some(200))
    );
    assert!(text(&paid.stdout).contains("lemonade"));

    let again = tollgate(&[&pay[..], &["--output", "json"]].concat()).await;
    let report: serde_json::Value = serde_json::from_slice(&again.stderr).unwrap();
    assert_eq!(report["served"], "entitled_already");

    let shown = tollgate(&show).await;
    let entitlement: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(
        (
            entitlement["usable"].as_bool(),
            entitlement["payments"].as_u64()
        ),
        (Some(true), Some(1))
    );

    // The merchant's side.
    let owner = key_file(folder.path(), "merchant.json", &stack.merchant.owner);
    let signer = ["--rpc-url", &rpc, "--keypair", &owner, "--output", "json"];
    let run = |arguments: Vec<&'static str>| {
        let all: Vec<String> = arguments
            .iter()
            .map(|text| (*text).to_owned())
            .chain(signer.iter().map(|text| (*text).to_owned()))
            .collect();
        async move {
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            let output = tollgate(&all).await;
            (
                output.status.code(),
                text(&output.stdout),
                text(&output.stderr),
            )
        }
    };
    let (code, out, err) = run(vec!["merchant", "withdraw", "--all"]).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("\"withdrawn\":\"0.01\""), "{out}");
    let (code, _, err) = run(vec!["merchant", "withdraw", "--amount", "1"]).await;
    assert_eq!(code, Some(1), "{err}");
    let (code, _, err) = run(vec![
        "product", "create", "weekly", "--price", "0.05", "--access", "604800",
    ])
    .await;
    assert_eq!(code, Some(0), "{err}");
    let (code, _, err) = run(vec!["product", "create", "weekly", "--price", "0"]).await;
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("transaction_refused"), "{err}");
    let (code, _, err) = run(vec!["product", "create", "BAD", "--price", "1"]).await;
    assert_eq!(code, Some(2), "{err}");
    let (code, _, err) = run(vec!["product", "update", "weekly", "--price", "0.06"]).await;
    assert_eq!(code, Some(0), "{err}");
    let (code, _, err) = run(vec!["merchant", "update", "--pause"]).await;
    assert_eq!(code, Some(0), "{err}");
    let owner_key = stack.merchant.owner.pubkey().to_string();
    let shown = tollgate(&[
        "merchant",
        "show",
        &owner_key,
        "--rpc-url",
        &rpc,
        "--output",
        "json",
    ])
    .await;
    assert!(
        text(&shown.stdout).contains("\"paused\":true"),
        "{}",
        text(&shown.stderr)
    );
    stack.shutdown().await;
}

/// A verifier that counts but has no key to book with, beside the one of the stack.
async fn counting_verifier(stack: &Stack, config: &Path) -> RunningVerifier {
    let text = format!(
        r#"
[server]
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1:0"
[chain]
rpc_url = "{rpc}"
program_id = "{program}"
genesis_hash = "{genesis}"
[merchant]
address = "{merchant}"
[secrets]
key_file = "secret.key"
[upstream]
url = "http://{upstream}"
[credits]
path = "credits.redb"
store_timeout_ms = 30000
[[routes]]
path = "/v1/report"
product = "hundred-calls"
"#,
        rpc = stack.localnet.rpc_url(),
        program = tollgate_client::PROGRAM_ID,
        genesis = DEVNET_GENESIS_HASH,
        merchant = stack.merchant.address,
        upstream = stack.upstream.address,
    );
    std::fs::write(config, text).unwrap();
    std::fs::write(config.with_file_name("secret.key"), "09".repeat(32)).unwrap();
    Verifier::start(Config::load(config).unwrap())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn used_credits_are_shown_and_booked_without_a_verifier() {
    let options = StackOptions {
        slot: Duration::from_millis(50),
        ..StackOptions::default()
    };
    let stack = Stack::start(options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("tollgate.toml");
    let verifier = counting_verifier(&stack, &config).await;
    let url = format!("{}/v1/report", verifier.public_url());
    let wallet = stack.new_wallet(1_000_000).unwrap();
    let key = key_file(folder.path(), "agent.json", &wallet);
    let rpc = stack.localnet.rpc_url();
    let journal = folder.path().join("journal");
    for _ in 0..2 {
        let paid = tollgate(&[
            "pay",
            &url,
            "--rpc-url",
            &rpc,
            "--keypair",
            &key,
            "--journal",
            journal.to_str().unwrap(),
        ])
        .await;
        assert!(paid.status.success(), "{}", text(&paid.stderr));
    }
    let config = config.to_str().unwrap();
    let show = ["credits", "show", "--config", config, "--output", "json"];
    let busy = tollgate(&show).await;
    assert_eq!(busy.status.code(), Some(1));
    assert!(text(&busy.stderr).contains("credits_store_in_use"));
    verifier.shutdown().await;

    let shown = async || -> serde_json::Value {
        let output = tollgate(&show).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    // The file is free when the last task that was cut has let go of it.
    for _ in 0..100 {
        if tollgate(&show).await.status.success() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let unbooked = shown().await;
    assert_eq!(
        (&unbooked["entitlements"], &unbooked["credits"]),
        (&1.into(), &2.into())
    );
    let keyless = tollgate(&["credits", "book", "--config", config]).await;
    assert!(text(&keyless.stderr).contains("operator_key_missing"));
    let operator = &stack.merchant.operator;
    stack
        .localnet
        .airdrop(&operator.pubkey(), 1_000_000_000)
        .unwrap();
    stack.localnet.finalize();
    let operator = key_file(folder.path(), "operator.json", operator);
    let book = [
        "credits",
        "book",
        "--config",
        config,
        "--operator",
        &operator,
    ];
    let booked = tollgate(&book).await;
    assert!(booked.status.success(), "{}", text(&booked.stderr));
    let unbooked = shown().await;
    assert_eq!(
        (&unbooked["entitlements"], &unbooked["credits"]),
        (&0.into(), &0.into())
    );
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_an_error_with_a_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("empty.toml"), "").unwrap();
    std::fs::write(path("key.json"), "[1,2]").unwrap();
    let key = path("key.json");
    let (config, none) = (path("empty.toml"), path("none.toml"));
    let cases: [(&[&str], i32, &str); 6] = [
        (
            &["serve", "--config", &config, "--check"],
            1,
            "configuration_invalid",
        ),
        (
            &["serve", "--config", &none, "--check"],
            1,
            "configuration_invalid",
        ),
        (
            &["pay", "ftp://x", "--keypair", &key],
            1,
            "keyfile_malformed",
        ),
        (
            &[
                "pay",
                "http://127.0.0.1:1/",
                "--limit",
                "lots",
                "--keypair",
                &key,
            ],
            1,
            "argument_invalid",
        ),
        (
            &[
                "merchant",
                "show",
                "11111111111111111111111111111111",
                "--rpc-url",
                "http://127.0.0.1:1",
            ],
            1,
            "rpc_unreachable",
        ),
        (&["merchant", "show", "nobody"], 2, "invalid value"),
    ];
    for (arguments, code, expected) in cases {
        let output = tollgate(arguments).await;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}
