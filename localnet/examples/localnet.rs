//! A local chain to try clients against: `cargo run -p tollgate-localnet --example localnet`.
//! The first argument is the port (8899 if there is none; 0 for a free one).

use tollgate_localnet::{Localnet, LocalnetError};

#[tokio::main]
async fn main() -> Result<(), LocalnetError> {
    let port = std::env::args()
        .nth(1)
        .map_or(Ok(8_899), |text| text.parse());
    let port = port.map_err(|_| LocalnetError::Settings("the port is not a number"))?;
    let localnet = Localnet::builder().port(port).start().await?;
    println!("{} {}", localnet.rpc_url(), localnet.websocket_url());
    // Ends with the process when signals cannot be received, too.
    let _ = tokio::signal::ctrl_c().await;
    localnet.shutdown().await;
    Ok(())
}
