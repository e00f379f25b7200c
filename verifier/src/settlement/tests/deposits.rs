//! Deposits: one price is taken once, and everything above it comes back.

use solana_signer::Signer;
use tollgate_client::{Amount, IntentStatus, Rail};

use super::door::Door;
use super::stage::{FUNDS, PRICE, Stage, new_id, served};
use crate::settlement::{Outcome, Refusal};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_transfer_becomes_access() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let payer = stage.wallet();
    let id = new_id();
    let claim = stage.deposit(&payer, id).await;
    let outcome = stage.settlement(&door).settle(claim.clone()).await;
    assert_eq!(served(&outcome), Some(true), "{outcome:?}");
    let intent = stage.intent(&id).unwrap();
    assert_eq!(intent.status, IntentStatus::Paid);
    assert_eq!(intent.rail, Rail::Deposit);
    assert_eq!(intent.beneficiary, payer.pubkey());
    assert!(intent.refund_until.0 >= intent.paid_at.0 + 3_600);
    assert_eq!(stage.tokens(&payer.pubkey()), Amount(FUNDS.0 - PRICE.0));
    assert_eq!(stage.vault(), PRICE);
    assert!(
        stage
            .entitlement(&stage.day_pass, &payer.pubkey())
            .is_some()
    );
    // The deposit account is closed, and its rent is the relay's again.
    let address = stage.addresses().quoted_intent(&stage.merchant, &id);
    let deposit = stage.addresses().deposit(&address, &intent.mint);
    assert!(stage.localnet.account(&deposit).is_none());
    stage.require_relay_accounts_add_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_transaction_again_is_the_same_purchase() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let payer = stage.wallet();
    let claim = stage.deposit(&payer, new_id()).await;
    let settlement = stage.settlement(&door);
    // Two at once, one after them, and one by another process.
    let (first, second) = tokio::join!(
        settlement.settle(claim.clone()),
        settlement.settle(claim.clone()),
    );
    assert_eq!(served(&first), Some(true), "{first:?}");
    assert_eq!(served(&second), Some(true), "{second:?}");
    for settlement in [settlement, stage.settlement(&door)] {
        let again = settlement.settle(claim.clone()).await;
        assert_eq!(served(&again), Some(true), "{again:?}");
    }
    assert_eq!(stage.vault(), PRICE);
    assert_eq!(stage.tokens(&payer.pubkey()), Amount(FUNDS.0 - PRICE.0));
    stage.require_relay_accounts_add_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_payments_at_once_one_is_taken() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let payer = stage.wallet();
    // Two purchases of one payer, by one process and by two.
    let claims = [
        stage.deposit(&payer, new_id()).await,
        stage.deposit(&payer, new_id()).await,
        stage.deposit(&payer, new_id()).await,
    ];
    let [first, second, third] = claims.clone();
    let (one, other) = (stage.settlement(&door), stage.settlement(&door));
    let (first, second, third) =
        tokio::join!(one.settle(first), one.settle(second), other.settle(third));
    let outcomes = [first, second, third];
    let paid = outcomes
        .iter()
        .filter(|outcome| served(outcome) == Some(true))
        .count();
    assert!(paid <= 1, "{outcomes:?}");
    for outcome in &outcomes {
        let open = matches!(outcome, Outcome::Pending { .. });
        assert!(open || served(outcome).is_some(), "{outcome:?}");
    }
    assert_eq!(stage.vault(), Amount(PRICE.0 * paid as u64));
    assert_eq!(
        stage.tokens(&payer.pubkey()),
        Amount(FUNDS.0 - PRICE.0 * paid as u64)
    );
    stage.require_relay_accounts_add_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_of_two_payments_is_never_sent() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let payer = stage.wallet();
    let settlement = stage.settlement(&door);
    let ids = [new_id(), new_id()];
    let first = stage.deposit(&payer, ids[0]).await;
    let second = stage.deposit(&payer, ids[1]).await;
    let (first, second) = tokio::join!(settlement.settle(first), settlement.settle(second));
    let mut served = [served(&first), served(&second)];
    served.sort();
    assert_eq!(served, [Some(false), Some(true)], "{first:?} {second:?}");
    let begun = ids.iter().filter(|id| stage.intent(id).is_some()).count();
    assert_eq!(begun, 1, "nothing was begun for the other");
    assert_eq!(stage.vault(), PRICE);
    stage.require_relay_accounts_add_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_access_pays_nothing() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let payer = stage.wallet();
    let settlement = stage.settlement(&door);
    let claim = stage.deposit(&payer, new_id()).await;
    assert_eq!(served(&settlement.settle(claim.clone()).await), Some(true));
    let next = stage.deposit(&payer, new_id()).await;
    let outcome = settlement.settle(next).await;
    assert_eq!(served(&outcome), Some(false), "{outcome:?}");
    assert_eq!(stage.vault(), PRICE);
    // An old payment proves nobody's key any more.
    stage
        .localnet
        .advance_time(std::time::Duration::from_secs(700));
    stage.localnet.warp_slots(200).unwrap();
    let outcome = settlement.settle(claim).await;
    let too_old = matches!(outcome, Outcome::Refused(Refusal::ProofTooOld));
    assert!(too_old, "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_pay_costs_the_relay_nothing_or_its_fees() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let settlement = stage.settlement(&door);
    let payer = stage.wallet();
    // The money goes away before it is asked for.
    let claim = stage.deposit(&payer, new_id()).await;
    let away = stage.wallet();
    stage
        .localnet
        .airdrop(&payer.pubkey(), 1_000_000_000)
        .unwrap();
    stage.localnet.finalize();
    let to =
        tollgate_client::Addresses::token_account(&away.pubkey(), &tollgate_localnet::USDC_MINT);
    let moved = super::client::stock_instructions(&payer.pubkey(), to, FUNDS, None);
    stage.send(&moved, &payer, &[]).await;
    let outcome = settlement.settle(claim).await;
    let refused = matches!(outcome, Outcome::Refused(Refusal::InsufficientFunds));
    assert!(refused, "{outcome:?}");
    let relay = stage.localnet.account(&stage.relay.pubkey()).unwrap();
    assert_eq!(relay.lamports, super::stage::RELAY_FUNDS);
    // A blockhash that is over.
    let payer = stage.wallet();
    let claim = stage.deposit(&payer, new_id()).await;
    stage.localnet.warp_slots(200).unwrap();
    let outcome = settlement.settle(claim).await;
    let refused = matches!(outcome, Outcome::Refused(Refusal::BlockhashExpired));
    assert!(refused, "{outcome:?}");
    let relay = stage.localnet.account(&stage.relay.pubkey()).unwrap();
    assert_eq!(relay.lamports, super::stage::RELAY_FUNDS);
}
