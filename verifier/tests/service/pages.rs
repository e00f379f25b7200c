//! Generated pages say what the code says.

use std::path::Path;

use tollgate_verifier::config::{CreditStoreConfig, CreditsConfig, OperatorKey, RelayConfig};

use super::support::admin::{scrape, with_admin};

/// `cargo xtask docs` sets it.
const WRITE: &str = "TOLLGATE_WRITE_DOCS";

fn compare(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(name);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "docs/{name} is stale: run `cargo xtask docs`");
}

#[test]
fn generated_page_of_errors() {
    compare("errors.md", &tollgate_verifier::reference::errors());
}

#[tokio::test]
async fn generated_page_of_metrics() {
    let folder = std::env::temp_dir().join(format!("tollgate-pages-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let store = CreditStoreConfig::Local(folder.join("credits"));
    let stage = with_admin(|config| {
        config.credits = Some(CreditsConfig::new(store));
        let key = solana_keypair::Keypair::new_from_array([7; 32]);
        config.relay = Some(RelayConfig::new(OperatorKey::new(key)));
    })
    .await;
    let scraped = scrape(&stage).await;
    compare(
        "metrics.md",
        &tollgate_verifier::reference::metrics(&scraped),
    );
}
