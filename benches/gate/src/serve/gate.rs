//! The verifier, as `tollgate serve` runs it.

use std::net::SocketAddr;
use std::path::Path;

use tollgate_verifier::{Config, Verifier};

/// Starts it and leaves it running as long as the process does. Its addresses: for
/// callers, and for operators if there is one.
pub(super) async fn start(config: &Path) -> (SocketAddr, Option<SocketAddr>) {
    let config = Config::load(config).expect("the configuration is valid");
    let verifier = Verifier::start(config).await.expect("the verifier starts");
    let addresses = (verifier.local_addr(), verifier.admin_addr());
    tokio::spawn(async move {
        let _running = verifier;
        std::future::pending::<()>().await;
    });
    addresses
}
