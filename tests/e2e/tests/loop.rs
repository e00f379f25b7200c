//! The loop and its faults on the embedded chain.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::time::Duration;
use tollgate_cli::pay::{Agent, HowServed, PayError};
use tollgate_cli::stack::configure;
use tollgate_client::chain::{Submission, SubmitLimits};
use tollgate_client::{Amount, ProductChanges, TollgateError, transaction};
use tollgate_e2e_tests::{Cluster, Service, paid_request};
use tollgate_localnet::{Localnet, USDC_MINT, test_keypair, usdc_mint_authority};
use tollgate_verifier::Verifier;
use tollgate_verifier::config::RouteConfig;

const FUNDS: Amount = Amount(1_000_000);
const PRICE: u64 = 10_000;

/// A local chain with fast slots, as a cluster.
async fn local() -> (Localnet, Cluster) {
    let localnet = Localnet::builder()
        .slot_duration(Duration::from_millis(40))
        .program(tollgate_client::PROGRAM_ID, tollgate::ELF)
        .start()
        .await
        .unwrap();
    let treasury = test_keypair("e2e treasury");
    localnet
        .airdrop(&treasury.pubkey(), 1_000_000_000_000)
        .unwrap();
    localnet.finalize();
    let cluster = Cluster {
        rpc_url: localnet.rpc_url(),
        treasury,
        mint_authority: usdc_mint_authority(),
        mint: USDC_MINT,
    };
    (localnet, cluster)
}

/// A chain, a service and a funded wallet with an agent.
struct Scene {
    localnet: Localnet,
    cluster: Cluster,
    service: Service,
    wallet: Keypair,
    journal: tempfile::TempDir,
}

impl Scene {
    async fn set() -> Self {
        let (localnet, cluster) = local().await;
        let service = Service::start(&cluster, &cluster.rpc_url).await;
        let wallet = cluster.wallet(100_000_000, FUNDS).await;
        Self {
            localnet,
            cluster,
            service,
            wallet,
            journal: tempfile::tempdir().unwrap(),
        }
    }

    fn agent(&self) -> Agent {
        self.service
            .agent(&self.cluster, &self.wallet, self.journal.path())
    }

    async fn spent(&self) -> u64 {
        FUNDS.0 - self.cluster.balance(&self.wallet.pubkey()).await.0
    }

    async fn strike(self) {
        self.service.shutdown().await;
        self.localnet.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_request_end_to_end() {
    let (localnet, cluster) = local().await;
    paid_request(&cluster).await;
    localnet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_over_the_limit_is_not_paid() {
    let scene = Scene::set().await;
    let mut agent = scene.agent();
    agent.policy.limit = "0.009999".to_owned();
    let error = agent
        .fetch(&scene.service.report(), None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "over_spending_limit");
    agent.policy.mints.clear();
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

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_chain_is_503_and_never_402() {
    let scene = Scene::set().await;
    let paid = scene
        .agent()
        .fetch(&scene.service.report(), None)
        .await
        .unwrap();
    let token = paid.session.unwrap();
    let entitled = || async {
        let request = reqwest::Client::new()
            .get(scene.service.report())
            .bearer_auth(&token);
        request.send().await.unwrap()
    };
    assert_eq!(entitled().await.status().as_u16(), 200);
    scene.localnet.faults().refuse_connections(true);
    // Longer than anything that is remembered.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let answer = entitled().await;
    assert_eq!(answer.status().as_u16(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["error"], "chain_unavailable");
    let (status, check) = scene.service.check(&scene.wallet).await;
    assert_eq!(
        (status, check["has_access"].as_bool()),
        (503, None),
        "{check}"
    );
    scene.localnet.faults().clear();
    for _ in 0..50 {
        if entitled().await.status().as_u16() == 200 {
            scene.strike().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the service did not recover");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_does_not_make_the_agent_pay_twice() {
    let scene = Scene::set().await;
    // The transactions land, but nobody hears of it; broadcasts are repeated.
    scene.localnet.faults().drop_send_transaction_replies(3);
    let fetched = scene
        .agent()
        .fetch(&scene.service.report(), None)
        .await
        .unwrap();
    assert!(
        matches!(fetched.how, HowServed::Paid(_)),
        "{:?}",
        fetched.how
    );
    assert_eq!(scene.spent().await, PRICE);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_fate_is_settled_before_anything_else_is_paid() {
    let scene = Scene::set().await;
    let mut agent = scene.agent();
    // The payment lands, but the agent gives up before it is confirmed.
    scene.localnet.faults().freeze_commitment(true);
    agent.limits = SubmitLimits {
        deadline: Duration::from_millis(400),
        ..agent.limits
    };
    let error = agent
        .fetch(&scene.service.report(), None)
        .await
        .unwrap_err();
    assert!(matches!(error, PayError::Unknown { .. }), "{error:?}");
    scene.localnet.faults().clear();
    // A new process with the same journal finds out instead of paying again.
    let fetched = scene
        .agent()
        .fetch(&scene.service.report(), None)
        .await
        .unwrap();
    assert!(
        matches!(fetched.how, HowServed::Paid(_)),
        "{:?}",
        fetched.how
    );
    assert_eq!(scene.spent().await, PRICE);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_no_server_remembers_is_found_by_its_account() {
    let scene = Scene::set().await;
    let mut agent = scene.agent();
    scene.localnet.faults().freeze_commitment(true);
    agent.limits = SubmitLimits {
        deadline: Duration::from_millis(400),
        ..agent.limits
    };
    let error = agent
        .fetch(&scene.service.report(), None)
        .await
        .unwrap_err();
    assert!(matches!(error, PayError::Unknown { .. }), "{error:?}");
    scene.localnet.faults().clear();
    scene.localnet.warp_slots(400).unwrap();
    scene.localnet.finalize();
    // The journal's transaction is replaced by one that nobody has ever seen, and
    // whose blockhash is long gone: what a server without history would say.
    let open = scene.journal.path().join("open");
    let file = std::fs::read_dir(&open)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut entry: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let bytes = STANDARD
        .decode(entry["transaction"].as_str().unwrap())
        .unwrap();
    let mut forgotten = transaction::from_bytes(&bytes).unwrap();
    forgotten.signatures[0] = scene.wallet.sign_message(b"another message");
    let bytes = transaction::to_bytes(&forgotten).unwrap();
    entry["transaction"] = STANDARD.encode(bytes).into();
    std::fs::write(&file, entry.to_string()).unwrap();

    let fetched = scene
        .agent()
        .fetch(&scene.service.report(), None)
        .await
        .unwrap();
    assert!(
        matches!(fetched.how, HowServed::Paid(_)),
        "{:?}",
        fetched.how
    );
    assert_eq!(scene.spent().await, PRICE);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_never_lands_costs_nothing_and_can_be_made_again() {
    let scene = Scene::set().await;
    let mut agent = scene.agent();
    scene.localnet.faults().lose_transactions(1_000);
    agent.limits = SubmitLimits {
        deadline: Duration::from_millis(500),
        ..agent.limits
    };
    let error = agent
        .fetch(&scene.service.report(), None)
        .await
        .unwrap_err();
    assert!(matches!(error, PayError::Unknown { .. }), "{error:?}");
    // Its blockhash dies; still nothing lands.
    scene.localnet.warp_slots(400).unwrap();
    scene.localnet.finalize();
    scene.localnet.faults().clear();
    let fetched = scene
        .agent()
        .fetch(&scene.service.report(), None)
        .await
        .unwrap();
    assert!(
        matches!(fetched.how, HowServed::Paid(_)),
        "{:?}",
        fetched.how
    );
    assert_eq!(scene.spent().await, PRICE);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_agents_at_once_with_one_journal_pay_once() {
    let scene = Scene::set().await;
    let (first, second) = (scene.agent(), scene.agent());
    let report = scene.service.report();
    let (one, two) = tokio::join!(first.fetch(&report, None), second.fetch(&report, None));
    for outcome in [&one, &two] {
        match outcome {
            Ok(fetched) => assert_eq!(fetched.answer.status.as_u16(), 200),
            Err(error) => assert_eq!(error.code(), "journal_busy"),
        }
    }
    assert!(one.is_ok() || two.is_ok());
    assert_eq!(scene.spent().await, PRICE);
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
    let error = scene
        .agent()
        .fetch(&scene.service.report(), None)
        .await
        .unwrap_err();
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
    let bytes = STANDARD
        .decode(answer["transaction"].as_str().unwrap())
        .unwrap();
    let unsigned = transaction::from_bytes(&bytes).unwrap();
    let message = unsigned.message.serialize();
    let mut signed = unsigned.clone();
    signed.signatures[0] = scene.wallet.sign_message(&message);
    let chain = scene.cluster.chain();
    let (_, height) = chain.latest_blockhash().await.unwrap();
    let fate = chain
        .submit(&signed, height, SubmitLimits::default())
        .await
        .unwrap();
    assert!(matches!(fate, Submission::Landed { .. }), "{fate:?}");
    assert_eq!(scene.spent().await, PRICE);

    // The same link does not take money again.
    let again = client.post(&link).json(&account).send().await.unwrap();
    assert_eq!(again.status().as_u16(), 409);
    // And the wallet is served.
    let served = scene
        .agent()
        .fetch(&scene.service.report(), None)
        .await
        .unwrap();
    assert_eq!(served.how, HowServed::Entitled);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_merchant_sells_nothing_and_serves_what_is_paid() {
    let scene = Scene::set().await;
    let paid = scene
        .agent()
        .fetch(&scene.service.report(), None)
        .await
        .unwrap();
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
