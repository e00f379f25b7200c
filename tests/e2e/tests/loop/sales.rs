//! Who is served, at which price, and who is not.

use crate::scene::{FUNDS, PRICE, SLOT, Scene};
use solana_signer::Signer;
use std::time::Duration;
use tollgate_agent::{HowServed, PayError, SpendingPolicy};
use tollgate_cli::stack::configure;
use tollgate_client::{Amount, ProductChanges, TollgateError};
use tollgate_e2e_tests::{local, paid_request, sign_and_send};
use tollgate_verifier::Verifier;
use tollgate_verifier::config::RouteConfig;

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_request_end_to_end() {
    let (localnet, cluster) = local(SLOT).await;
    paid_request(&cluster).await;
    localnet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_over_the_limit_is_not_paid() {
    let scene = Scene::set().await;
    let tight = SpendingPolicy {
        limit: "0.009999".to_owned(),
        ..scene.agent().policy().clone()
    };
    let agent = scene.agent().with_policy(tight);
    let error = agent
        .fetch(&scene.service.report(), None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "over_spending_limit");
    let agent = scene.agent().with_policy(SpendingPolicy::nothing());
    let error = agent
        .fetch(&scene.service.report(), None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "mint_not_allowed");
    assert_eq!(scene.spent().await, 0);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_money_is_told_so() {
    let scene = Scene::set().await;
    let poor = scene.cluster.wallet(100_000_000, Amount(PRICE - 1)).await;
    let agent = scene
        .service
        .agent(&scene.cluster, &poor, scene.journal.path());
    let error = agent
        .fetch(&scene.service.report(), None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "insufficient_funds");
    scene.strike().await;
}

/// Anybody can send lamports to where an entitlement will be. That is no entitlement,
/// and nobody's obstacle.
#[tokio::test(flavor = "multi_thread")]
async fn lamports_at_a_future_entitlement_keep_nobody_from_paying() {
    let scene = Scene::set().await;
    let chain = scene.cluster.chain();
    let product = scene.service.merchant.day_pass;
    let holder = scene.wallet.pubkey();
    let address = chain.addresses().entitlement(&product, &holder);
    scene.cluster.fund(&address, 1_000_000, Amount(0)).await;
    let reading = chain.entitlement(&product, &holder).await.unwrap();
    assert!(reading.entitlement.is_none());
    scene.is_served_for_one_payment().await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entitlement_that_expires_is_paid_for_again() {
    let scene = Scene::set().await;
    let agent = scene.agent();
    let first = agent.fetch(&scene.service.report(), None).await.unwrap();
    scene.localnet.advance_time(Duration::from_secs(86_401));
    scene.localnet.warp_slots(2).unwrap();
    scene.localnet.finalize();
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    let second = agent
        .fetch(&scene.service.report(), first.session.as_deref())
        .await
        .unwrap();
    assert!(matches!(second.how, HowServed::Paid(_)), "{:?}", second.how);
    assert_eq!(scene.spent().await, 2 * PRICE);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_changes_between_402_and_payment_moves_nothing() {
    let scene = Scene::set().await;
    let chain = scene.cluster.chain();
    let merchant = &scene.service.merchant;
    let owner = merchant.owner.pubkey();
    let changes = ProductChanges {
        price: Some(Amount(20_000)),
        ..ProductChanges::default()
    };
    let update =
        chain
            .addresses()
            .update_product(owner, merchant.address, merchant.day_pass, changes);
    tollgate_cli::commands::send::send(&chain, &[update], &merchant.owner)
        .await
        .unwrap();
    // The verifier still names the old price; the agent compares it with the chain.
    let error = scene.fetch().await.unwrap_err();
    assert_eq!(error.code(), "terms_mismatch");
    assert_eq!(scene.spent().await, 0);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_pays_by_transaction_request() {
    let scene = Scene::set().await;
    let client = reqwest::Client::new();
    let body: serde_json::Value = client
        .get(scene.service.report())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let uri = body["payment_uri"].as_str().unwrap();
    let link = uri.strip_prefix("solana:").expect("a Solana Pay URI");
    let link = url::form_urlencoded::parse(format!("link={link}").as_bytes())
        .next()
        .unwrap()
        .1
        .into_owned();
    let label: serde_json::Value = client
        .get(&link)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(
        label["label"].is_string() && label["icon"].is_string(),
        "{label}"
    );

    let account = serde_json::json!({"account": scene.wallet.pubkey().to_string()});
    let answer: serde_json::Value = client
        .post(&link)
        .json(&account)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let transaction = answer["transaction"].as_str().unwrap();
    sign_and_send(&scene.cluster.chain(), transaction, &scene.wallet).await;
    assert_eq!(scene.spent().await, PRICE);

    // The same link does not take money again.
    let again = client.post(&link).json(&account).send().await.unwrap();
    assert_eq!(again.status().as_u16(), 409);
    // And the wallet is served.
    let served = scene.fetch().await.unwrap();
    assert_eq!(served.how, HowServed::Entitled);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_merchant_sells_nothing_and_serves_what_is_paid() {
    let scene = Scene::set().await;
    let paid = scene.fetch().await.unwrap();
    let chain = scene.cluster.chain();
    let merchant = &scene.service.merchant;
    let pause = chain.addresses().update_merchant(
        merchant.owner.pubkey(),
        merchant.address,
        None,
        Some(true),
    );
    tollgate_cli::commands::send::send(&chain, &[pause], &merchant.owner)
        .await
        .unwrap();
    let again = scene
        .agent()
        .fetch(&scene.service.report(), paid.session.as_deref())
        .await
        .unwrap();
    assert_eq!(again.answer.status.as_u16(), 200);
    // Before the verifier has read the pause, the program itself refuses.
    let newcomer = scene.cluster.wallet(100_000_000, FUNDS).await;
    let journal = tempfile::tempdir().unwrap();
    let agent = scene
        .service
        .agent(&scene.cluster, &newcomer, journal.path());
    match agent.fetch(&scene.service.report(), None).await {
        Err(error @ PayError::Chain(_)) => {
            assert_eq!(error.program_error(), Some(TollgateError::MerchantPaused));
        }
        Ok(fetched) => assert_eq!(fetched.answer.status.as_u16(), 403),
        Err(error) => panic!("{error:?}"),
    }
    assert_eq!(scene.cluster.balance(&newcomer.pubkey()).await, FUNDS);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_cannot_sell_a_product_whose_calls_nobody_counts() {
    let scene = Scene::set().await;
    let merchant = scene.service.merchant.address;
    let upstream = scene.service.upstream.address;
    let mut config = configure(&scene.cluster.rpc_url, merchant, upstream, 0).unwrap();
    config
        .routes
        .push(RouteConfig::paid("/v1/calls", "hundred-calls"));
    let Err(error) = Verifier::start(config).await else {
        panic!("it starts");
    };
    assert_eq!(error.code(), "route_metered");
    scene.strike().await;
}
