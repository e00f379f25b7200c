//! `tollgate deploy`, as a process.

use crate::support::Site;
use serde_json::Value;
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::path::Path;
use std::process::Command;
use tollgate_localnet::test_keypair;

/// The example that belongs to the local chain.
const LOCAL_CATALOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/local.toml");

/// Runs `tollgate deploy …` with a state folder of its own: exit code, standard output
/// and standard error as JSON.
async fn deploy(state: &Path, arguments: &[&str]) -> (i32, Value, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command
        .args(["--output", "json", "deploy"])
        .args(arguments)
        .env_remove("RUST_LOG")
        .env("XDG_STATE_HOME", state);
    let output = tollgate_test_process::run(command, "").await;
    let json = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or(Value::Null)
    };
    let code = output.status.code().unwrap();
    (code, json(&output.stdout), json(&output.stderr))
}

fn key_file(folder: &Path, name: &str, key: &Keypair) -> String {
    let path = folder.join(name);
    let bytes = serde_json::to_string(&key.to_bytes().to_vec()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_for_the_local_chain_is_deployed_from_nothing() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let payer = key_file(folder.path(), "payer.json", &site.payer);
    let program = key_file(folder.path(), "program.json", &site.program_key);
    let rpc = site.localnet.rpc_url();
    let common = ["--rpc-url", &rpc, "--keypair", &payer];
    let all = ["all", LOCAL_CATALOG, "--program-keypair", &program];
    let all = [&all[..], &common].concat();

    // Without its key the program cannot be deployed; another key is refused by name.
    let (code, _, error) = deploy(folder.path(), &[&["program"], &common[..]].concat()).await;
    assert_eq!((code, &error["error"]), (1, &"program_key_missing".into()));
    let own = ["program", "--program-keypair", &payer];
    let (code, _, error) = deploy(folder.path(), &[&own[..], &common].concat()).await;
    assert_eq!((code, &error["error"]), (1, &"program_key_mismatch".into()));

    // A dry run sends nothing and leaves no key behind.
    let landed = site.landed().await;
    let dry = [&all[..], &["--dry-run"]].concat();
    let (code, report, error) = deploy(folder.path(), &dry).await;
    assert_eq!(code, 0, "{error}");
    assert_eq!(report["action"], "deploy");
    assert!(report["writes"].as_u64().unwrap() > 100, "{report}");
    assert!(report["catalog"].as_array().unwrap().len() >= 3, "{report}");
    assert_eq!(site.landed().await, landed);
    assert!(!folder.path().join("tollgate").exists());

    let (code, report, error) = deploy(folder.path(), &all).await;
    assert_eq!(code, 0, "{error}");
    assert_eq!(report["action"], "deploy");
    assert_eq!(report["upgrade_authority"], site.payer.pubkey().to_string());
    assert_eq!(report["not_in_the_file"], Value::Array(Vec::new()));
    let operator = test_keypair("local merchant operator").pubkey().to_string();
    assert!(
        report["catalog"].to_string().contains(&operator),
        "{report}"
    );

    let landed = site.landed().await;
    let (code, report, error) = deploy(folder.path(), &all).await;
    assert_eq!(code, 0, "{error}");
    assert_eq!(report["action"], "unchanged");
    assert_eq!(report["catalog"], Value::Array(Vec::new()));
    assert_eq!(site.landed().await, landed);

    // The buffer is gone; its key waits for the next upgrade.
    let (code, _, error) = deploy(folder.path(), &[&["close-buffer"], &common[..]].concat()).await;
    assert_eq!((code, &error["error"]), (5, &"not_found".into()));
    let missing = ["catalog", "nowhere.toml"];
    let (code, _, error) = deploy(folder.path(), &[&missing[..], &common].concat()).await;
    assert_eq!((code, &error["error"]), (1, &"catalog_unreadable".into()));
}
