//! The verifier, as `tollgate serve` runs it.

use std::net::SocketAddr;
use std::path::Path;

use tollgate_verifier::{Config, Verifier};

/// Starts it and leaves it running as long as the process does.
pub(super) async fn start(config: &Path) -> SocketAddr {
    let config = Config::load(config).expect("the configuration is valid");
    let verifier = Verifier::start(config).await.expect("the verifier starts");
    let address = verifier.local_addr();
    tokio::spawn(async move {
        let _running = verifier;
        std::future::pending::<()>().await;
    });
    address
}
