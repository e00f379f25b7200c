//! Random histories: servers that fail, are slow or lose answers, processes that die,
//! clients that repeat themselves or pay anew. Judged by the books alone.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use solana_keypair::Keypair;
use solana_signer::Signer;
use tollgate_client::Amount;

use super::door::{Door, Fault};
use super::stage::{CALL_PRICE, FUNDS, PRICE, Stage, new_id, served};
use crate::config::{RelayConfig, Settlement as Way};
use crate::credits::CreditService;
use crate::settlement::{Claim, Outcome, Refusal};

/// Tried when no other is named.
const SEED: u64 = 0x7011_6a7e;
/// Names a seed to try again.
const SEED_VARIABLE: &str = "TOLLGATE_SETTLEMENT_SEED";
/// Payers of one run, all at the same time.
const PAYERS: u64 = 16;
/// What one payer tries.
const ATTEMPTS: usize = 3;

fn short(config: &mut RelayConfig) {
    config.settle_timeout = Duration::from_secs(8);
}

fn seed() -> u64 {
    std::env::var(SEED_VARIABLE)
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(SEED)
}

/// A server's bad day.
fn weather(seed: u64) -> impl FnMut(usize, &str) -> Fault + Send + 'static {
    let mut random = StdRng::seed_from_u64(seed);
    move |_, _| match random.random_range(0..100) {
        0..8 => Fault::Fail,
        8..16 => Fault::LoseAnswer,
        16..22 => Fault::Slow(Duration::from_millis(random.random_range(20..500))),
        _ => Fault::Pass,
    }
}

/// One request to a process of its own, which dies after a while in one of three cases.
async fn attempt(
    stage: &Stage,
    claim: Claim,
    credits: &Arc<CreditService>,
    random: &mut StdRng,
) -> Option<Outcome> {
    let door = Door::to(&stage.localnet.rpc_url()).await;
    door.set(weather(random.random()));
    let process = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let settlement = stage.settlement_at(&door.url(), Some(Arc::clone(credits)), short);
    settlement.recovered.store(true, Ordering::Release);
    let running = process.spawn(async move { settlement.settle(claim).await });
    let life = match random.random_range(0..3) {
        0 => Duration::from_millis(random.random_range(50..2_500)),
        _ => Duration::from_secs(60),
    };
    let outcome = tokio::time::timeout(life, running).await;
    process.shutdown_background();
    outcome.ok().map(Result::unwrap)
}

/// What one payer does.
async fn history(
    stage: &Stage,
    way: Way,
    payer: &Keypair,
    credits: &Arc<CreditService>,
    seed: u64,
) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut claim = claim_of(stage, way, payer).await;
    for _ in 0..ATTEMPTS {
        if random.random_range(0..3) == 0 {
            claim = claim_of(stage, way, payer).await;
        }
        let twice = random.random_range(0..4) == 0;
        let mut second = StdRng::seed_from_u64(random.random());
        let outcomes = if twice {
            let (one, two) = tokio::join!(
                attempt(stage, claim.clone(), credits, &mut random),
                attempt(stage, claim.clone(), credits, &mut second),
            );
            vec![one, two]
        } else {
            vec![attempt(stage, claim.clone(), credits, &mut random).await]
        };
        for outcome in outcomes.into_iter().flatten() {
            let plausible = matches!(
                outcome,
                Outcome::Paid(_) | Outcome::Pending { .. } | Outcome::Refused(_)
            );
            assert!(plausible, "seed {seed}: {outcome:?}");
        }
    }
}

async fn claim_of(stage: &Stage, way: Way, payer: &Keypair) -> Claim {
    match way {
        Way::Deposit => stage.deposit(payer, new_id()).await,
        Way::Vault => stage.call(payer).await,
    }
}

async fn random_histories(way: Way) {
    let base = seed();
    println!("{SEED_VARIABLE}={base}");
    let stage = Stage::new().await;
    let (credits, _folder) = stage.credits().await;
    let payers: Vec<Keypair> = (0..PAYERS).map(|_| stage.wallet()).collect();
    let histories = payers
        .iter()
        .zip(base..)
        .map(|(payer, seed)| history(&stage, way, payer, &credits, seed));
    join_all(histories).await;
    // The bad day is over; what was on its way has landed, or never will.
    stage.localnet.advance_time(Duration::from_secs(240));
    stage.localnet.warp_slots(400).unwrap();
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let settlement = stage.settlement_at(&door.url(), Some(Arc::clone(&credits)), |_| {});
    while settlement.round().await.unwrap().done > 0 {}
    let price = match way {
        Way::Deposit => PRICE.0,
        Way::Vault => CALL_PRICE.0,
    };
    for (payer, seed) in payers.iter().zip(base..) {
        let taken = FUNDS.0 - stage.tokens(&payer.pubkey()).0;
        let product = if way == Way::Vault {
            stage.call
        } else {
            stage.day_pass
        };
        let entitlement = stage.entitlement(&product, &payer.pubkey());
        let bought = entitlement.map_or(0, |entitlement| entitlement.payments);
        assert_eq!(
            taken,
            price * bought,
            "seed {seed}: {bought} payments count"
        );
        assert!(bought <= 1, "seed {seed}: {bought} payments");
        // And whoever asks now is served, for one price in all. (Unless the machine is so
        // busy that the transaction is too old by then.)
        let outcome = settlement.settle(claim_of(&stage, way, payer).await).await;
        let open = matches!(
            outcome,
            Outcome::Pending { .. } | Outcome::Refused(Refusal::BlockhashExpired)
        );
        let right = served(&outcome) == Some(bought == 0);
        assert!(right || open, "seed {seed}: {outcome:?}");
    }
    stage.localnet.advance_time(Duration::from_secs(7_300));
    stage.localnet.finalize();
    while settlement.round().await.unwrap().done > 0 {}
    assert_eq!(stage.intents().await, 0, "rent is left behind");
    let mut taken = 0;
    for (payer, seed) in payers.iter().zip(base..) {
        let paid = FUNDS.0 - stage.tokens(&payer.pubkey()).0;
        assert!(paid <= price, "seed {seed}: {paid} were taken");
        taken += paid;
    }
    assert_eq!(stage.vault(), Amount(taken));
    stage.require_relay_accounts_add_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_deposits_cost_one_price_or_nothing() {
    random_histories(Way::Deposit).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_transfers_to_the_vault_cost_what_they_bought() {
    random_histories(Way::Vault).await;
}
