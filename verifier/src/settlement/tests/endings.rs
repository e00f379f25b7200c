//! What nobody asks for again: finished, given back, refunded, closed.

use std::time::Duration;

use solana_signer::Signer;
use tollgate_client::{Amount, IntentStatus};
use tollgate_localnet::USDC_MINT;

use super::door::Door;
use super::stage::{FUNDS, PRICE, RELAY_FUNDS, Stage, new_id, served};
use crate::relay::RelayRefusal;
use crate::settlement::{Outcome, Refusal, Settlement};

const ONE_PRICE: Amount = Amount(FUNDS.0 - PRICE.0);

/// Rounds until nothing is left to do now.
async fn recover(settlement: &Settlement) {
    while settlement.round().await.unwrap().done > 0 {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_paid_is_settled_and_what_is_over_goes_back() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let settlement = stage.settlement(&door);
    // Twice the price; less than the price; and the price, but too late.
    let (double, half, late) = (stage.wallet(), stage.wallet(), stage.wallet());
    let ids = [new_id(), new_id(), new_id()];
    let mut deposits = Vec::new();
    for (payer, id) in [&double, &half, &late].into_iter().zip(ids) {
        let intent = stage.open_intent(&payer.pubkey(), id, 60).await;
        deposits.push(stage.addresses().deposit(&intent, &USDC_MINT));
    }
    stage
        .transfer(&double, deposits[0], Amount(2 * PRICE.0))
        .await;
    stage
        .transfer(&half, deposits[1], Amount(PRICE.0 / 2))
        .await;
    stage.localnet.advance_time(Duration::from_secs(15));
    stage.localnet.finalize();
    recover(&settlement).await;
    assert_eq!(stage.intent(&ids[0]).unwrap().status, IntentStatus::Paid);
    assert_eq!(stage.tokens(&double.pubkey()), ONE_PRICE);
    assert_eq!(stage.intent(&ids[1]).unwrap().status, IntentStatus::Open);
    stage.localnet.advance_time(Duration::from_secs(60));
    stage.localnet.finalize();
    stage.transfer(&late, deposits[2], PRICE).await;
    recover(&settlement).await;
    for payer in [&half, &late] {
        assert_eq!(stage.tokens(&payer.pubkey()), FUNDS);
    }
    assert!(stage.intent(&ids[1]).is_none() && stage.intent(&ids[2]).is_none());
    assert_eq!(stage.vault(), PRICE);
    stage.require_relay_accounts_add_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_that_holds_its_money_serves_the_next_request() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let settlement = stage.settlement(&door);
    let payer = stage.wallet();
    let id = new_id();
    let intent = stage.open_intent(&payer.pubkey(), id, 600).await;
    let deposit = stage.addresses().deposit(&intent, &USDC_MINT);
    stage.transfer(&payer, deposit, PRICE).await;
    // With another transaction, for another purchase: it is not sent.
    let claim = stage.deposit(&payer, new_id()).await;
    let outcome = settlement.settle(claim).await;
    assert_eq!(served(&outcome), Some(false), "{outcome:?}");
    assert_eq!(stage.tokens(&payer.pubkey()), ONE_PRICE);
    assert_eq!(stage.intent(&id).unwrap().status, IntentStatus::Paid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_rails_for_one_payment_id_take_one_price() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let settlement = stage.settlement(&door);
    // The deposit first, then the program's own payment: the deposit is refunded.
    let payer = stage.wallet();
    let id = new_id();
    let claim = stage.deposit(&payer, id).await;
    assert_eq!(served(&settlement.settle(claim.clone()).await), Some(true));
    stage.pay_natively(&payer, id).await;
    recover(&settlement).await;
    assert_eq!(stage.intent(&id).unwrap().status, IntentStatus::Refunded);
    assert_eq!(stage.tokens(&payer.pubkey()), ONE_PRICE);
    let entitlement = stage.entitlement(&stage.day_pass, &payer.pubkey()).unwrap();
    assert_eq!(entitlement.payments, 1);
    // Asked again, its payer has access by the other rail.
    let again = settlement.settle(claim).await;
    assert_eq!(served(&again), Some(false), "{again:?}");
    // The other way round, while the deposit waits: it goes back.
    let payer = stage.wallet();
    let id = new_id();
    let intent = stage.open_intent(&payer.pubkey(), id, 600).await;
    let deposit = stage.addresses().deposit(&intent, &USDC_MINT);
    stage.pay_natively(&payer, id).await;
    stage.transfer(&payer, deposit, PRICE).await;
    stage.localnet.advance_time(Duration::from_secs(15));
    stage.localnet.finalize();
    recover(&settlement).await;
    assert_eq!(stage.tokens(&payer.pubkey()), ONE_PRICE);
    assert_eq!(stage.intent(&id).unwrap().status, IntentStatus::Cancelled);
    stage.require_relay_accounts_add_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bound_that_is_reached_signs_nothing() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let payer = stage.wallet();
    let claim = stage.deposit(&payer, new_id()).await;
    let poor = stage.settlement_at(&door.url(), None, |config| {
        config.bounds.per_request = 1_000
    });
    let outcome = poor.settle(claim.clone()).await;
    let bounded = matches!(
        outcome,
        Outcome::Bounded(RelayRefusal::RequestTooExpensive { .. })
    );
    assert!(bounded, "{outcome:?}");
    let low = stage.settlement_at(&door.url(), None, |config| {
        config.bounds.min_balance = 2 * RELAY_FUNDS;
    });
    assert!(low.is_offered(), "nothing is known yet");
    low.round().await.unwrap();
    assert!(!low.is_offered());
    let outcome = low.settle(claim.clone()).await;
    assert!(matches!(
        outcome,
        Outcome::Bounded(RelayRefusal::BalanceTooLow)
    ));
    let cheap = stage.settlement_at(&door.url(), None, |config| config.bounds.max_fee = 10_000);
    let outcome = cheap.settle(claim).await;
    let refused = matches!(
        outcome,
        Outcome::Refused(Refusal::NotSigned(RelayRefusal::FeeTooHigh { .. }))
    );
    assert!(refused, "{outcome:?}");
    let relay = stage.localnet.account(&stage.relay.pubkey()).unwrap();
    assert_eq!(relay.lamports, RELAY_FUNDS);
    assert_eq!(stage.intents().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_merchant_takes_no_money() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let settlement = stage.settlement(&door);
    let pause = |paused| {
        let owner = stage.owner.pubkey();
        let addresses = stage.addresses();
        addresses.update_merchant(owner, stage.merchant, None, Some(paused))
    };
    stage.send(&[pause(true)], &stage.owner, &[]).await;
    let payer = stage.wallet();
    let claim = stage.deposit(&payer, new_id()).await;
    let outcome = settlement.settle(claim).await;
    let refused = matches!(outcome, Outcome::Refused(Refusal::NotForSale));
    assert!(refused, "{outcome:?}");
    stage.send(&[pause(false)], &stage.owner, &[]).await;
    let claim = stage.deposit(&payer, new_id()).await;
    assert_eq!(served(&settlement.settle(claim).await), Some(true));
}
