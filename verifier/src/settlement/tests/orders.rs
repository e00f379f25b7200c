//! Orders with an address on the curve: paid, given back, and out of the alias's hands.

use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use spl_token_interface::instruction::{AuthorityType, close_account, set_authority};
use std::time::Duration;
use tollgate_client::chain::SubmitLimits;
use tollgate_client::{Addresses, Amount, DurationSeconds, IntentStatus, PaymentId, Pubkey};
use tollgate_localnet::USDC_MINT;

use super::door::Door;
use super::stage::{FUNDS, PRICE, RELAY_FUNDS, Stage, new_id};
use crate::relay::RelayRefusal;
use crate::settlement::{OpenOrder, OrderOutcome, OrderRequest, Settlement};

const LIFETIME: DurationSeconds = DurationSeconds(600);

/// What comes of a request for an order of the day pass.
async fn order(
    stage: &Stage,
    settlement: &Settlement,
    (id, beneficiary): (PaymentId, Pubkey),
    alias: bool,
) -> OrderOutcome {
    let product = stage.chain.product(&stage.day_pass).await.unwrap().unwrap();
    let request = OrderRequest {
        product: (stage.day_pass, &product),
        payment_id: id,
        beneficiary,
        lifetime: LIFETIME,
        alias,
    };
    settlement.order(&request).await
}

fn open(outcome: OrderOutcome) -> OpenOrder {
    match outcome {
        OrderOutcome::Open(order) => order,
        other => panic!("{other:?}"),
    }
}

/// Later than whoever made an open intent is left alone.
fn later(stage: &Stage, seconds: u64) {
    stage.localnet.advance_time(Duration::from_secs(seconds));
    stage.localnet.finalize();
}

async fn recover(settlement: &Settlement) {
    while settlement.round().await.unwrap().done > 0 {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_paid_to_an_address_on_the_curve() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let settlement = stage.settlement(&door);
    let (payer, id) = (stage.wallet(), new_id());
    let made = open(order(&stage, &settlement, (id, payer.pubkey()), true).await);
    assert!(made.pay_to.is_on_curve());
    assert_eq!(
        made.deposit,
        Addresses::token_account(&made.pay_to, &USDC_MINT)
    );
    // Asked again, by another process: the same order.
    let other = stage.settlement(&door);
    let again = order(&stage, &other, (id, payer.pubkey()), true).await;
    assert_eq!(again, OrderOutcome::Open(made));
    // For somebody else it is taken.
    let foreign = order(&stage, &other, (id, Pubkey::new_unique()), true).await;
    assert_eq!(foreign, OrderOutcome::Taken(IntentStatus::Open));

    // Half of it does not buy anything; the rest may come from somebody else.
    let half = Amount(PRICE.0 / 2);
    stage.transfer(&payer, made.deposit, half).await;
    later(&stage, 15);
    recover(&other).await;
    assert_eq!(stage.intent(&id).unwrap().status, IntentStatus::Open);
    let friend = stage.wallet();
    stage.transfer(&friend, made.deposit, PRICE).await;
    stage.localnet.finalize();
    // By a process that was not there when the order was made.
    recover(&stage.settlement(&door)).await;
    assert_eq!(stage.intent(&id).unwrap().status, IntentStatus::Paid);
    let held = stage.entitlement(&stage.day_pass, &payer.pubkey());
    assert_eq!(held.unwrap().payments, 1);
    // What was over is the beneficiary's.
    assert_eq!(stage.tokens(&payer.pubkey()), FUNDS);
    assert_eq!(stage.vault(), PRICE);
    assert!(stage.localnet.account(&made.deposit).is_none());
    // Nothing can be ordered under that name again.
    let over = order(&stage, &settlement, (id, payer.pubkey()), true).await;
    assert_eq!(over, OrderOutcome::Taken(IntentStatus::Paid));
    stage.require_relay_accounts_add_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_too_late_goes_back_and_rent_as_well() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let settlement = stage.settlement(&door);
    let (payer, id) = (stage.wallet(), new_id());
    let made = open(order(&stage, &settlement, (id, payer.pubkey()), true).await);
    later(&stage, LIFETIME.0 + 1);
    stage.transfer(&payer, made.deposit, PRICE).await;
    stage.localnet.finalize();
    recover(&settlement).await;
    assert_eq!(stage.tokens(&payer.pubkey()), FUNDS);
    assert_eq!(stage.vault(), Amount(0));
    assert!(stage.intent(&id).is_none());
    assert!(stage.localnet.account(&made.deposit).is_none());
    stage.require_relay_accounts_add_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_without_an_alias_is_the_intents_own_account() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let settlement = stage.settlement(&door);
    let (payer, id) = (stage.wallet(), new_id());
    let made = open(order(&stage, &settlement, (id, payer.pubkey()), false).await);
    assert_eq!(made.pay_to, made.intent);
    stage.transfer(&payer, made.deposit, PRICE).await;
    later(&stage, 15);
    recover(&settlement).await;
    assert_eq!(stage.intent(&id).unwrap().status, IntentStatus::Paid);
    assert_eq!(stage.tokens(&payer.pubkey()), Amount(FUNDS.0 - PRICE.0));
    stage.require_relay_accounts_add_up().await;
}

/// Even whoever had the alias's secret could neither take the money nor the account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_alias_has_no_right_in_its_account() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let settlement = stage.settlement(&door);
    let (payer, id) = (stage.wallet(), new_id());
    let made = open(order(&stage, &settlement, (id, payer.pubkey()), true).await);
    let alias: Keypair = settlement.alias_of(&made.intent);
    assert_eq!(alias.pubkey(), made.pay_to);
    let token = spl_token_interface::ID;
    let (from, key) = (made.deposit, alias.pubkey());
    let purse = Addresses::token_account(&payer.pubkey(), &USDC_MINT);
    let owner = AuthorityType::AccountOwner;
    let take_back = set_authority(&token, &from, Some(&key), owner, &key, &[]).unwrap();
    // An empty account could be closed by its owner.
    let close = close_account(&token, &from, &key, &key, &[]).unwrap();
    let spend = spl_token_interface::instruction::transfer_checked(
        &token,
        &from,
        &USDC_MINT,
        &purse,
        &key,
        &[],
        PRICE.0,
        6,
    )
    .unwrap();
    require_refused(&stage, &alias, close).await;
    stage.transfer(&payer, made.deposit, PRICE).await;
    require_refused(&stage, &alias, take_back).await;
    require_refused(&stage, &alias, spend).await;
}

/// SPL Token says that `alias` is not the owner.
async fn require_refused(stage: &Stage, alias: &Keypair, theft: Instruction) {
    let (blockhash, last_valid) = stage.chain.latest_blockhash().await.unwrap();
    let signed =
        tollgate_client::transaction::sign(&[theft], blockhash, &stage.owner, &[alias]).unwrap();
    let limits = SubmitLimits::default();
    let fate = stage.chain.submit(&signed, last_valid, limits).await;
    let refused = format!("{fate:?}");
    assert!(refused.contains("Custom(4)"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_beyond_the_bounds_is_not_made() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let settlement = stage.settlement_at(&door.url(), None, |relay| {
        relay.bounds.per_request = 1_000;
    });
    let id = new_id();
    let outcome = order(&stage, &settlement, (id, Pubkey::new_unique()), true).await;
    assert!(
        matches!(
            outcome,
            OrderOutcome::Bounded(RelayRefusal::RequestTooExpensive { .. })
        ),
        "{outcome:?}"
    );
    assert!(stage.intent(&id).is_none());
    let left = stage.localnet.account(&stage.relay.pubkey()).unwrap();
    assert_eq!(left.lamports, RELAY_FUNDS);
}
