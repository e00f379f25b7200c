//! x402-axum in front of the same resource.

use std::net::SocketAddr;

use serde_json::json;
use tokio::net::TcpListener;
use x402_axum::X402Middleware;
use x402_types::proto::v2::{PaymentRequirements, PriceTag};

use super::bare;

/// The one scheme of x402.
pub(super) const SCHEME: &str = "exact";
/// Solana devnet, as CAIP-2 names it.
pub(super) const NETWORK: &str = "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1";
/// Whoever pays.
pub(super) const PAYER: &str = "9aE476sH92Vz7DMPyq5WLPkrKWivxeuTKEFKd2sZZcde";

/// Serves the resource for a payment per request.
pub(super) fn start(listener: TcpListener, facilitator: SocketAddr) {
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let middleware = X402Middleware::new(&format!("http://{facilitator}/"))
        .with_base_url(origin.parse().expect("a URL"));
    let price = PriceTag {
        requirements: requirements(),
        enricher: None,
    };
    let router = bare::router().layer(middleware.with_price_tag(price));
    tokio::spawn(async move { axum::serve(listener, router).await });
}

fn requirements() -> PaymentRequirements {
    PaymentRequirements {
        scheme: SCHEME.to_owned(),
        network: NETWORK.parse().expect("a chain"),
        amount: "10000".to_owned(),
        pay_to: PAYER.to_owned(),
        max_timeout_seconds: 60,
        asset: "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU".to_owned(),
        extra: None,
    }
}

/// The payment that a client sends: as long as a real one, with a transaction that
/// only the facilitator would look into.
pub(crate) fn payment() -> String {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let payment = json!({
        "x402Version": 2,
        "accepted": requirements(),
        "payload": { "transaction": STANDARD.encode([7; 480]) },
    });
    STANDARD.encode(payment.to_string())
}
