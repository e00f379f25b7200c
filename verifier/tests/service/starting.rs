//! Starting and stopping.

use std::time::{Duration, Instant};

use tollgate_client::{Merchant, UnixSeconds};
use tollgate_verifier::config::PreviousSecret;
use tollgate_verifier::{StartError, Verifier};

use super::support::rpc::{self, Mood, ScriptedRpc};
use super::support::upstream::Upstream;
use super::support::{Stage, address, config, eventually};

async fn refused(spoil: impl FnOnce(&ScriptedRpc)) -> StartError {
    let rpc = ScriptedRpc::start().await;
    let upstream = Upstream::start().await;
    spoil(&rpc);
    Verifier::start(config(&rpc, &upstream)).await.unwrap_err()
}

#[tokio::test]
async fn what_the_chain_contradicts_is_an_error() {
    let other_cluster = |rpc: &ScriptedRpc| {
        rpc.set(|script| {
            script.genesis_hash = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d".to_owned();
        });
    };
    assert_eq!(refused(other_cluster).await.code(), "wrong_cluster");
    let no_merchant = |rpc: &ScriptedRpc| rpc.remove(&rpc::merchant_address());
    assert_eq!(refused(no_merchant).await.code(), "merchant_missing");
    let no_product = |rpc: &ScriptedRpc| rpc.remove(&rpc::product_address());
    let error = refused(no_product).await;
    assert_eq!(error.code(), "product_missing");
    assert!(error.to_string().contains("quotes"), "{error}");
    let other_program = |rpc: &ScriptedRpc| rpc.set(|script| script.mood = Mood::Lying);
    assert_eq!(refused(other_program).await.code(), "account_mismatch");
    // An account of the right type at the wrong address.
    let misplaced = |rpc: &ScriptedRpc| {
        let stranger = Merchant::new(address("x"), address("y"), 255, UnixSeconds(0)).unwrap();
        rpc.put(rpc::merchant_address(), &stranger);
    };
    assert_eq!(refused(misplaced).await.code(), "account_mismatch");
}

#[tokio::test]
async fn a_product_in_another_currency_is_an_error() {
    let rpc = ScriptedRpc::start().await;
    let upstream = Upstream::start().await;
    let mut config = config(&rpc, &upstream);
    config.merchant.mint = Some(address("another mint"));
    let error = Verifier::start(config).await.unwrap_err();
    assert_eq!(error.code(), "product_wrong_mint");
}

#[tokio::test]
async fn settings_that_do_not_go_together_are_errors() {
    let rpc = ScriptedRpc::start().await;
    let upstream = Upstream::start().await;
    let mut doubled = config(&rpc, &upstream);
    doubled.routes.push(doubled.routes[0].clone());
    assert_eq!(
        Verifier::start(doubled).await.unwrap_err().code(),
        "routes_invalid"
    );
    let mut same_secret = config(&rpc, &upstream);
    same_secret.secrets.previous = vec![PreviousSecret::new(same_secret.secrets.current.clone())];
    assert_eq!(
        Verifier::start(same_secret).await.unwrap_err().code(),
        "secret_invalid"
    );
    let mut insecure = config(&rpc, &upstream);
    insecure.server.public_url = "http://shop.example.com".parse().unwrap();
    assert_eq!(
        Verifier::start(insecure).await.unwrap_err().code(),
        "public_url_invalid"
    );
    let stage = Stage::new().await;
    let mut taken = config(&rpc, &upstream);
    taken.server.listen = stage.address();
    assert_eq!(
        Verifier::start(taken).await.unwrap_err().code(),
        "listen_failed"
    );
}

#[tokio::test]
async fn without_the_chain_it_starts_unready_and_recovers() {
    let rpc = ScriptedRpc::start().await;
    rpc.set(|script| script.mood = Mood::Failing);
    let upstream = Upstream::start().await;
    let verifier = Verifier::start(config(&rpc, &upstream)).await.unwrap();
    let url = verifier.public_url().to_string();
    let status = async |path: &str| reqwest::get(format!("{url}{path}")).await.unwrap().status();
    assert_eq!(status("/health/live").await, 200);
    assert_eq!(status("/health/ready").await, 503);
    let paid = reqwest::get(format!("{url}/v1/quote/SOL")).await.unwrap();
    assert_eq!(paid.status(), 503);
    assert!(paid.headers().contains_key("retry-after"));
    rpc.set(|script| script.mood = Mood::Healthy);
    eventually(async || status("/health/ready").await == 200).await;
    assert_eq!(status("/v1/quote/SOL").await, 402);
}

#[tokio::test]
async fn shutting_down_lets_requests_finish() {
    let stage = Stage::new().await;
    let address = stage.address();
    let brief = tokio::spawn(stage.http.get(stage.url("/free/brief")).send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let report = stage.verifier.shutdown().await;
    assert_eq!(report.cut_connections, 0);
    let answer = brief.await.unwrap().unwrap();
    assert_eq!(answer.text().await.unwrap(), "done");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn shutting_down_cuts_what_does_not_finish() {
    let stage = Stage::with(|config| {
        config.server.shutdown_deadline = Duration::from_millis(300);
        config.upstream.as_mut().unwrap().response_timeout = Duration::from_secs(30);
    })
    .await;
    let slow = tokio::spawn(stage.http.get(stage.url("/free/slow")).send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let started = Instant::now();
    let report = stage.verifier.shutdown().await;
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(report.cut_connections, 1);
    assert!(slow.await.unwrap().is_err());
}

#[tokio::test]
async fn dropping_it_stops_it() {
    let stage = Stage::new().await;
    let address = stage.address();
    drop(stage);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
