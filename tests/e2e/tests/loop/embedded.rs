//! The gate inside a Rust service: the example of the verifier's crate, as it is.

use solana_signer::Signer;
use tokio::net::TcpListener;
use tollgate_agent::HowServed;
use tollgate_cli::stack::configure_for;
use tollgate_verifier::Embedded;
use tollgate_verifier::config::RouteConfig;

use crate::scene::{PRICE, Scene};

#[allow(
    dead_code,
    unreachable_pub,
    reason = "the example is also a program of its own"
)]
#[path = "../../../../verifier/examples/embedded.rs"]
mod example;

/// 402, a real payment on the local chain, 200 with the payer's key, and again for
/// nothing; what the configuration does not name stays shut.
#[tokio::test(flavor = "multi_thread")]
async fn the_example_is_paid_and_serves() {
    let scene = Scene::set().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let merchant = scene.service.merchant.address;
    let genesis = scene.cluster.chain().genesis_hash().await.unwrap();
    let mut config = configure_for(
        &scene.cluster.rpc_url,
        genesis,
        merchant,
        ([127, 0, 0, 1], 9).into(),
        port,
    )
    .unwrap();
    config.upstream = None;
    config.routes.push(RouteConfig::free("/"));
    let gate = Embedded::start(config).await.unwrap();
    let app = example::service().layer(gate.layer());
    let server = {
        let gate = gate.clone();
        tokio::spawn(async move { gate.serve(listener, app).await })
    };
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let status = async |path: &str| reqwest::get(url(path)).await.unwrap().status().as_u16();

    assert_eq!(status("/").await, 200);
    assert_eq!(status("/internal").await, 404);
    assert_eq!(status("/health/ready").await, 200);
    let refused = reqwest::get(url("/v1/quotes/SOL")).await.unwrap();
    assert_eq!(refused.status(), 402);
    assert!(refused.headers().contains_key("payment-required"));

    let agent = scene.agent();
    let paid = agent.fetch(&url("/v1/quotes/SOL"), None).await.unwrap();
    assert!(matches!(paid.how, HowServed::Paid(_)), "{:?}", paid.how);
    assert_eq!(paid.answer.status.as_u16(), 200);
    let text = paid.answer.text();
    let payer = scene.wallet.pubkey().to_string();
    assert!(text.contains(&payer), "the handler knows who paid: {text}");
    let again = agent
        .fetch(&url("/v1/quotes/SOL"), paid.session.as_deref())
        .await
        .unwrap();
    assert_eq!(again.how, HowServed::Session);
    assert_eq!(scene.spent().await, PRICE);

    gate.stop();
    assert_eq!(server.await.unwrap().cut_connections, 0);
    scene.strike().await;
}
