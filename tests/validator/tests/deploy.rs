//! The program, a merchant and its products, put on the real validator from nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use solana_keypair::Keypair;
use solana_signer::Signer;
use std::time::Duration;
use tokio::{runtime::Runtime, time::timeout};
use tollgate_cli::commands::send::send;
use tollgate_cli::deploy::catalog::{Catalog, CatalogFile, apply};
use tollgate_cli::deploy::plan::ProgramAction;
use tollgate_cli::deploy::{Artifact, Deployment, DeploymentOptions};
use tollgate_client::{Amount, Chain, PROGRAM_ID, Purchase, Slug, UnixSeconds, random_payment_id};
use tollgate_e2e_tests::Cluster;
use tollgate_localnet::{USDC_MINT, test_keypair};
use tollgate_validator_tests::{Validator, devnet};

/// Hundreds of writes take a minute; the rest is patience with a loaded machine.
const LIMIT: Duration = Duration::from_secs(420);
/// Lamports in one SOL.
const SOL: u64 = 1_000_000_000;

#[test]
fn everything_is_deployed_to_the_real_validator_and_takes_a_payment() {
    let runtime = Runtime::new().unwrap();
    let validator = Validator::start(runtime.handle(), devnet::without_program()).unwrap();
    let cluster = devnet::cluster(&validator);
    runtime.block_on(async {
        timeout(LIMIT, story(&cluster))
            .await
            .expect("the deployment ends in time");
    });
}

async fn story(cluster: &Cluster) {
    let chain = cluster.chain();
    let merchant = cluster.wallet(20 * SOL, Amount(0)).await;
    deploy_and_upgrade(&chain, &merchant).await;

    let genesis_hash = chain.genesis_hash().await.unwrap();
    let file: CatalogFile = format!(
        "[cluster]\ngenesis_hash = \"{genesis_hash}\"\n[merchant]\npaused = false\n[[product]]\n\
         slug = \"day-pass\"\nmint = \"{USDC_MINT}\"\nprice = \"0.01\"\naccess_seconds = 86400\n"
    )
    .parse()
    .unwrap();
    let catalog = Catalog {
        chain: &chain,
        file: &file,
        signer: &merchant,
        compute_unit_price: 100,
    };
    let plan = catalog.plan().await.unwrap();
    assert_eq!(plan.steps.len(), 3);
    apply(&catalog, &plan).await.unwrap();
    let plan = catalog.plan().await.unwrap();
    assert_eq!((plan.steps, plan.unlisted), (Vec::new(), Some(Vec::new())));

    let buyer = cluster.wallet(SOL, Amount(1_000_000)).await;
    let addresses = chain.addresses();
    let shop = addresses.merchant(&merchant.pubkey());
    let address = addresses.product(&shop, &Slug::new("day-pass").unwrap());
    let product = chain.product(&address).await.unwrap().unwrap();
    let expiry = UnixSeconds(chain.time().await.unwrap().0 + 600);
    let id = random_payment_id();
    let purchase = Purchase::of_product(address, &product, buyer.pubkey(), id, expiry);
    send(&chain, &purchase.instructions(&addresses), &buyer)
        .await
        .unwrap();
    let reading = chain.entitlement(&address, &buyer.pubkey()).await.unwrap();
    assert!(reading.entitlement.unwrap().is_usable(reading.chain_time));
}

/// Deploys, finds it deployed, and upgrades to a longer program, for which the account
/// has to be extended.
async fn deploy_and_upgrade(chain: &Chain, payer: &Keypair) {
    let program_key = test_keypair("program");
    let buffer = Keypair::new();
    let kept = Deployment {
        chain,
        artifact: Artifact::kept().unwrap(),
        payer,
        authority: payer,
        program_key: Some(&program_key),
        options: DeploymentOptions {
            compute_unit_price: 1,
            ..DeploymentOptions::default()
        },
    };
    let outcome = kept.run(&buffer).await.unwrap();
    assert!(matches!(outcome.action, ProgramAction::Deploy { .. }));
    let again = kept.run(&buffer).await.unwrap();
    assert_eq!((again.action, again.writes), (ProgramAction::Keep, 0));

    let mut longer = tollgate::ELF.to_vec();
    longer.extend_from_slice(&[1; 100]);
    let upgrade = Deployment {
        artifact: Artifact::new(&longer, PROGRAM_ID).unwrap(),
        ..kept
    };
    let outcome = upgrade.run(&buffer).await.unwrap();
    let extended = ProgramAction::Upgrade {
        extend_by: Some(10_240),
    };
    assert_eq!(outcome.action, extended);
    assert_eq!(outcome.capacity, tollgate::ELF.len() + 10_240);
}
