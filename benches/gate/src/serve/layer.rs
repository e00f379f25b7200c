//! The gate as a tower layer around the same handler.

use std::path::Path;

use tokio::net::TcpListener;
use tollgate_verifier::{Config, Embedded};

use super::bare;

/// Serves the resource behind the layer, on axum's accept loop or on the verifier's.
pub(super) async fn start(listener: TcpListener, config: &Path, own_loop: bool) {
    let mut config = Config::load(config).expect("the configuration is valid");
    let address = listener.local_addr().expect("an address");
    config.server.public_url = format!("http://{address}").parse().expect("a URL");
    let gate = Embedded::start(config).await.expect("the gate starts");
    let router = bare::router().layer(gate.layer());
    tokio::spawn(async move {
        if own_loop {
            gate.serve(listener, router).await;
        } else {
            let _ = axum::serve(listener, router).await;
        }
    });
}
