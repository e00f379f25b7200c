//! Receipts and audit logs in the hands of somebody who trusts neither: a real
//! payment on the local chain, then the command as a process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use serde_json::Value;
use solana_signer::Signer;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;
use tollgate_agent::{Journal, PayingClient, SpendingPolicy};
use tollgate_cli::stack::{Stack, StackOptions, configure};
use tollgate_client::UnixSeconds;
use tollgate_client::chain::SubmitLimits;
use tollgate_gate::receipt::{
    self, EntitlementFacts, KeySet, ReceiptFacts, ReceiptKey, verify_peac,
};
use tollgate_verifier::Verifier;
use tollgate_verifier::config::{AuditConfig, ReceiptsConfig};

/// Runs `tollgate` to its end, with `input`.
async fn tollgate(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.args(arguments).env_remove("RUST_LOG");
    tollgate_test_process::run(command, input).await
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}{}", text(&output.stdout), text(&output.stderr)))
}

/// The exit code, and the stable code of the error.
fn failure(output: &Output) -> (Option<i32>, String) {
    let said = text(&output.stderr);
    let error: Value = serde_json::from_str(said.trim()).unwrap_or_else(|_| panic!("{said}"));
    let code = error["error"].as_str().unwrap().to_owned();
    (output.status.code(), code)
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_leaves_evidence_that_the_command_verifies() {
    let options = StackOptions {
        slot: Duration::from_millis(50),
        ..StackOptions::default()
    };
    let stack = Stack::start(options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let rpc = stack.localnet.rpc_url();
    let key_path = folder.path().join("keys").join("receipts.json");
    let secret_path = folder.path().join("keys").join("secret.key");
    let new = [
        "keys",
        "new",
        "--receipt-key",
        shown(&key_path),
        "--secret",
        shown(&secret_path),
        "--output",
        "json",
    ];
    let made = json(&tollgate(&new, "").await);
    assert_eq!(
        (&made["receipt_key_made"], &made["secret_made"]),
        (&true.into(), &true.into())
    );

    let receipt_key =
        || ReceiptKey::from_text(&std::fs::read_to_string(&key_path).unwrap()).unwrap();
    let log = folder.path().join("audit");
    let upstream = stack.upstream.address;
    let mut config = configure(&rpc, stack.merchant.address, upstream, 0).unwrap();
    config.receipts = Some(ReceiptsConfig::new(receipt_key()));
    config.audit = Some(AuditConfig::new(log.clone()));
    let verifier = Verifier::start(config).await.unwrap();
    let url = format!("http://{}", verifier.local_addr());

    let wallet = stack.new_wallet(1_000_000).unwrap();
    let http = reqwest::Client::builder();
    let agent = PayingClient::new(http, wallet.insecure_clone(), stack.chain())
        .unwrap()
        .with_policy(SpendingPolicy::usdc("0.10"))
        .with_journal(Journal::folder(folder.path().join("journal")))
        .with_limits(SubmitLimits {
            deadline: Duration::from_secs(60),
            poll_every: Duration::from_millis(100),
            resend_every: Duration::from_secs(1),
        });
    let fetched = agent
        .fetch(&format!("{url}/v1/report"), None)
        .await
        .unwrap();
    assert_eq!(fetched.answer.status.as_u16(), 200);
    let record = fetched.answer.headers["peac-receipt"]
        .to_str()
        .unwrap()
        .to_owned();

    // The receipt, against the published keys and the chain.
    let verify = [
        "receipt",
        "verify",
        "-",
        "--issuer",
        &url,
        "--rpc-url",
        &rpc,
        "--output",
        "json",
    ];
    let verdict = json(&tollgate(&verify, &record).await);
    assert_eq!(verdict["chain"], "confirmed", "{verdict}");
    assert_eq!(verdict["beneficiary"], wallet.pubkey().to_string());
    assert_eq!(verdict["paid_amount"], "10000");
    assert_eq!(verdict["resource"], format!("{url}/v1/report"));

    // Changed: exit code 6.
    let mut forged = record.clone().into_bytes();
    let middle = forged.len() / 2;
    forged[middle] = if forged[middle] == b'A' { b'B' } else { b'A' };
    let refused = tollgate(&verify, &text(&forged)).await;
    assert_eq!(failure(&refused).0, Some(6));

    // The issuer itself states what never was: the chain knows nothing of it.
    let keys = KeySet::new(receipt_key().public(), &[]);
    let origin = tollgate_gate::Origin::parse(&url).unwrap();
    let (facts, _) = verify_peac(&record, &keys, &origin.issuer()).unwrap();
    let stranger = stack.new_wallet(0).unwrap().pubkey();
    let invented = ReceiptFacts {
        grounds: EntitlementFacts {
            beneficiary: stranger,
            entitlement: stack
                .chain()
                .addresses()
                .entitlement(&facts.grounds.product, &stranger),
            ..facts.grounds.clone()
        },
        ..facts.clone()
    };
    // It names another's payment, something that is no payment, or nothing at all.
    let borrowed = receipt::issue(&receipt_key(), &invented).peac;
    let refused = tollgate(&verify, &borrowed).await;
    assert_eq!(
        failure(&refused),
        (Some(6), "receipt_contradicted".to_owned())
    );
    let unused = solana_keypair::Keypair::new().pubkey();
    let product = facts.grounds.product;
    for (last_intent, outcome) in [
        (product, (Some(6), "receipt_contradicted".to_owned())),
        (stranger, (Some(5), "not_found".to_owned())),
        (unused, (Some(5), "not_found".to_owned())),
    ] {
        let mut invented = invented.clone();
        invented.grounds.last_intent = last_intent;
        let invented = receipt::issue(&receipt_key(), &invented).peac;
        assert_eq!(failure(&tollgate(&verify, &invented).await), outcome);
    }
    // A life of the account before the one that it has.
    let earlier = ReceiptFacts {
        grounds: EntitlementFacts {
            created_at: UnixSeconds(facts.grounds.created_at.0 - 1_000),
            ..facts.grounds.clone()
        },
        ..facts
    };
    let earlier = receipt::issue(&receipt_key(), &earlier).peac;
    let refused = tollgate(&verify, &earlier).await;
    assert_eq!(failure(&refused), (Some(5), "not_found".to_owned()));
    // A chain that cannot be asked says nothing about the receipt.
    let mut unasked = verify;
    unasked[6] = "http://127.0.0.1:1";
    assert_eq!(failure(&tollgate(&unasked, &record).await).0, Some(1));

    verifier.shutdown().await;
    log_is_verified_shown_and_exported(&log, &wallet.pubkey().to_string()).await;
    stack.shutdown().await;
}

async fn log_is_verified_shown_and_exported(log: &Path, wallet: &str) {
    let path = shown(log);
    let verify = ["audit", "verify", path, "--output", "json"];
    let findings = json(&tollgate(&verify, "").await);
    assert_eq!(findings["holds"], true);
    let head = findings["head"].as_str().unwrap().to_owned();
    let with_head = [&verify[..], &["--head", &head]].concat();
    assert!(tollgate(&with_head, "").await.status.success());

    let show = [
        "audit",
        "show",
        path,
        "--kind",
        "grant",
        "--beneficiary",
        wallet,
        "--product",
        "day-pass",
        "--since",
        "2020-01-01T00:00:00Z",
        "--output",
        "json",
    ];
    let grants = text(&tollgate(&show, "").await.stdout);
    assert_eq!(grants.lines().count(), 1, "{grants}");
    let grant: Value = serde_json::from_str(&grants).unwrap();
    assert_eq!(
        (&grant["kind"], &grant["proof"]),
        (&"grant".into(), &"sign_in".into())
    );
    let none = [&show[..], &["--until", "2020-01-02T00:00:00Z"]].concat();
    assert!(tollgate(&none, "").await.stdout.is_empty());
    let exported = tollgate(&["audit", "export", path, "--format", "csv"], "").await;
    let table = text(&exported.stdout);
    assert!(table.starts_with("sequence,time,kind,"), "{table}");
    assert!(table.contains(",grant,granted,"), "{table}");
    let rows = table.lines().count() - 1;
    assert_eq!(findings["records"], rows);

    // An edit: exit code 6, and where.
    let file = std::fs::read_dir(log)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .unwrap();
    let original = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, original.replacen("\"grant\"", "\"refusal\"", 1)).unwrap();
    let refused = tollgate(&verify, "").await;
    assert_eq!(failure(&refused), (Some(6), "audit_damaged".to_owned()));
    assert!(text(&refused.stderr).contains("line "));
    // A missing end: found with the head.
    let cut: Vec<_> = original.lines().collect();
    let cut = cut[..cut.len() - 1].join("\n") + "\n";
    std::fs::write(&file, cut).unwrap();
    assert!(tollgate(&verify, "").await.status.success());
    let refused = tollgate(&with_head, "").await;
    assert_eq!(
        failure(&refused),
        (Some(6), "audit_head_missing".to_owned())
    );
    let nothing = tollgate(&["audit", "verify", "/nonexistent", "--output", "json"], "").await;
    assert_eq!(failure(&nothing), (Some(1), "audit_io".to_owned()));
}

#[tokio::test]
async fn keys_are_made_once_for_their_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.key");
    let new = ["keys", "new", "--secret", shown(&path), "--output", "json"];
    assert_eq!(json(&tollgate(&new, "").await)["secret_made"], true);
    let secret = std::fs::read_to_string(&path).unwrap();
    assert_eq!(secret.trim().len(), 64);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = tollgate(&new, "").await;
    assert_eq!(json(&again)["secret_made"], false);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), secret);
    assert!(!text(&again.stdout).contains(secret.trim()));
    let nothing = tollgate(&["keys", "new", "--output", "json"], "").await;
    assert_eq!(failure(&nothing), (Some(1), "argument_invalid".to_owned()));
}
