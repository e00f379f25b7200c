//! A process that dies at any call to the chain leaves nothing that is not finished
//! later: whoever asks again is served, has paid once, and the rest comes back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tollgate_client::Amount;

use super::door::{Door, Fault};
use super::stage::{CALL_PRICE, FUNDS, PRICE, Stage, new_id, served};
use crate::config::{RelayConfig, Settlement as Way};
use crate::credits::CreditService;
use crate::settlement::{Claim, Outcome, Settlement};

/// Most calls at which a process dies: more are repetitions of the same question.
const MOST_CALLS: usize = 40;
/// How many die at the same time.
const AT_ONCE: usize = 8;

fn short(config: &mut RelayConfig) {
    config.settle_timeout = Duration::from_secs(20);
}

/// A payer whose first request died with its process.
struct Victim {
    payer: Keypair,
    claim: Claim,
    again: bool,
}

async fn claim_of(stage: &Stage, way: Way, payer: &Keypair) -> Claim {
    match way {
        Way::Deposit => stage.deposit(payer, new_id()).await,
        Way::Vault => stage.call(payer).await,
    }
}

/// Lets a process settle `claim` and kills it at its `number`th call to the chain:
/// before the chain hears of it, or after.
async fn die(
    stage: &Stage,
    claim: Claim,
    number: usize,
    after: bool,
    credits: &Arc<CreditService>,
) {
    let door = Door::to(&stage.localnet.rpc_url()).await;
    door.set(move |call, _| match (call == number, after) {
        (false, _) => Fault::Pass,
        (true, false) => Fault::HangBefore,
        (true, true) => Fault::HangAfter,
    });
    let process = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let settlement = stage.settlement_at(&door.url(), Some(Arc::clone(credits)), short);
    // It has looked after what was left before it died.
    settlement.recovered.store(true, Ordering::Release);
    let running = process.spawn(async move {
        settlement.settle(claim).await;
    });
    tokio::select! {
        () = door.hangs() => {}
        _ = running => {}
    }
    process.shutdown_background();
}

/// How many calls an undisturbed settlement makes.
async fn calls(stage: &Stage, way: Way, credits: &Arc<CreditService>) -> usize {
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let settlement = stage.settlement_at(&door.url(), Some(Arc::clone(credits)), short);
    settlement.recovered.store(true, Ordering::Release);
    let payer = stage.wallet();
    let outcome = settlement.settle(claim_of(stage, way, &payer).await).await;
    assert_eq!(served(&outcome), Some(true), "{outcome:?}");
    door.calls().len().min(MOST_CALLS)
}

async fn victims(stage: &Stage, way: Way, credits: &Arc<CreditService>) -> Vec<Victim> {
    let points: Vec<(usize, bool)> = (0..calls(stage, way, credits).await)
        .flat_map(|number| [(number, false), (number, true)])
        .collect();
    let mut victims = Vec::new();
    for group in points.chunks(AT_ONCE) {
        let dying = group.iter().map(|&(number, after)| async move {
            let payer = stage.wallet();
            let claim = claim_of(stage, way, &payer).await;
            die(stage, claim.clone(), number, after, credits).await;
            let again = (number + usize::from(after)) % 2 == 0;
            Victim {
                payer,
                claim,
                again,
            }
        });
        victims.extend(join_all(dying).await);
    }
    victims
}

/// Asks until the payer is served. One transaction may be too old before a busy machine
/// gets to it; then its purchase is in the way for a while.
async fn serve(stage: &Stage, settlement: &Arc<Settlement>, way: Way, payer: &Keypair) {
    for _ in 0..5 {
        let outcome = settlement.settle(claim_of(stage, way, payer).await).await;
        if served(&outcome).is_some() {
            return;
        }
        println!("not served yet: {outcome:?}");
        stage.localnet.advance_time(Duration::from_secs(240));
        stage.localnet.warp_slots(400).unwrap();
        settlement.round().await.unwrap();
    }
    panic!("the payer is not served");
}

async fn killed_at_every_call(way: Way) {
    let stage = Stage::new().await;
    let price = match way {
        Way::Deposit => PRICE,
        Way::Vault => CALL_PRICE,
    };
    let (credits, _folder) = stage.credits().await;
    let victims = victims(&stage, way, &credits).await;
    // At once: with the same transaction, or with a new one.
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let settlement = stage.settlement_at(&door.url(), Some(Arc::clone(&credits)), short);
    if way == Way::Vault {
        settlement.round().await.unwrap();
    }
    for group in victims.chunks(AT_ONCE) {
        let asking = group.iter().map(|victim| {
            let (stage, settlement) = (&stage, Arc::clone(&settlement));
            async move {
                let claim = if victim.again {
                    victim.claim.clone()
                } else {
                    claim_of(stage, way, &victim.payer).await
                };
                let before = stage.tokens(&victim.payer.pubkey());
                let outcome = settlement.settle(claim).await;
                let after = stage.tokens(&victim.payer.pubkey());
                // Never a demand to pay once more, unless nothing of this transaction
                // has moved. (A new one may be too old on a busy machine.)
                let known = match &outcome {
                    Outcome::Paid(_) | Outcome::Pending { .. } => true,
                    Outcome::Refused(_) if victim.again => after == FUNDS,
                    Outcome::Refused(_) => before == after,
                    _ => false,
                };
                assert!(known, "{outcome:?}");
                let paid = FUNDS.0 - stage.tokens(&victim.payer.pubkey()).0;
                assert!(paid <= price.0, "{paid} were taken at a price of {price:?}");
            }
        });
        join_all(asking).await;
    }
    // Later, when no transaction of then can land any more.
    stage.localnet.advance_time(Duration::from_secs(240));
    stage.localnet.warp_slots(400).unwrap();
    // By then a round has come; a deposit does without.
    if way == Way::Vault {
        settlement.round().await.unwrap();
    }
    let mut waiting = Vec::new();
    for group in victims.chunks(AT_ONCE) {
        let asking = group.iter().map(|victim| {
            let (stage, settlement) = (&stage, Arc::clone(&settlement));
            async move {
                let claim = claim_of(stage, way, &victim.payer).await;
                let outcome = settlement.settle(claim).await;
                served(&outcome).is_none().then_some(&victim.payer)
            }
        });
        waiting.extend(join_all(asking).await.into_iter().flatten());
    }
    for payer in waiting {
        serve(&stage, &settlement, way, payer).await;
    }
    // In the end nothing is left behind.
    for hours in [1, 2] {
        let later = Duration::from_secs(hours * 3_700);
        stage.localnet.advance_time(later);
        stage.localnet.finalize();
        while settlement.round().await.unwrap().done > 0 {}
    }
    for victim in &victims {
        let paid = FUNDS.0 - stage.tokens(&victim.payer.pubkey()).0;
        assert_eq!(paid, price.0);
    }
    // With the one that nothing happened to.
    assert_eq!(stage.vault(), Amount(price.0 * (victims.len() as u64 + 1)));
    assert_eq!(stage.intents().await, 0);
    stage.require_relay_accounts_add_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deposit_survives_the_death_of_its_process_at_every_call() {
    killed_at_every_call(Way::Deposit).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_to_the_vault_survives_the_death_of_its_process_at_every_call() {
    killed_at_every_call(Way::Vault).await;
}
