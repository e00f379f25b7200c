//! Transfers straight to the vault, and those that their payers send alone.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use solana_signer::Signer;
use tollgate_client::{Amount, IntentStatus, PaymentIntent, Rail, transfer_payment_id};

use super::door::Door;
use super::stage::{CALL_PRICE, FUNDS, Stage, new_id, served};
use crate::settlement::{Outcome, PushedTransfer, Refusal};

fn record(stage: &Stage, outcome: &Outcome) -> PaymentIntent {
    let Outcome::Paid(paid) = outcome else {
        panic!("{outcome:?}");
    };
    let id = transfer_payment_id(paid.signature.unwrap().as_array());
    stage.intent(&id).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_paid_once_recorded_once_and_served_once() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let (credits, _folder) = stage.credits().await;
    let payer = stage.wallet();
    let claim = stage.call(&payer).await;
    let settlement = stage.settlement_at(&door.url(), Some(Arc::clone(&credits)), |_| {});
    settlement.round().await.unwrap();
    let outcome = settlement.settle(claim.clone()).await;
    let intent = record(&stage, &outcome);
    let Outcome::Paid(paid) = &outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((intent.rail, intent.rail_code), (Rail::Attested, 1));
    let reference: [u8; 32] = Sha256::digest(paid.signature.unwrap()).into();
    assert_eq!(intent.reference, reference);
    assert_eq!(intent.status, IntentStatus::Paid);
    assert!(paid.turn.is_some());
    assert!(stage.use_call(&credits, &payer.pubkey()).await);
    drop(outcome);
    // Shown again: to this process, and to one that remembers nothing.
    let other = stage.settlement_at(&door.url(), Some(Arc::clone(&credits)), |_| {});
    for settlement in [&settlement, &other] {
        let again = settlement.settle(claim.clone()).await;
        assert!(matches!(again, Outcome::Duplicate { .. }), "{again:?}");
    }
    assert_eq!(stage.vault(), CALL_PRICE);
    assert_eq!(
        stage.tokens(&payer.pubkey()),
        Amount(FUNDS.0 - CALL_PRICE.0)
    );
    let entitlement = stage.entitlement(&stage.call, &payer.pubkey()).unwrap();
    assert_eq!(entitlement.credits_granted.0, 1);
    stage.require_relay_accounts_add_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_calls_at_once_are_two_payments_and_both_are_served() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let (credits, _folder) = stage.credits().await;
    let payer = stage.wallet();
    let settlement = stage.settlement_at(&door.url(), Some(Arc::clone(&credits)), |_| {});
    settlement.round().await.unwrap();
    // One token more makes another transaction of the second.
    let first = stage.call(&payer).await;
    stage.localnet.warp_slots(3).unwrap();
    let second = stage.call(&payer).await;
    let call = |claim| {
        let (stage, settlement, credits) = (&stage, &settlement, &credits);
        let payer = payer.pubkey();
        async move {
            let outcome = settlement.settle(claim).await;
            assert_eq!(served(&outcome), Some(true), "{outcome:?}");
            assert!(stage.use_call(credits, &payer).await);
        }
    };
    tokio::join!(call(first), call(second));
    assert_eq!(stage.vault(), Amount(2 * CALL_PRICE.0));
    stage.require_relay_accounts_add_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pushed_transfer_is_recorded_once_and_only_for_what_it_paid() {
    let stage = Stage::new().await;
    let door = Door::to(&stage.localnet.rpc_url()).await;
    let (credits, _folder) = stage.credits().await;
    let payer = stage.wallet();
    let id = new_id();
    let transfer = stage.push(&payer, id, CALL_PRICE).await;
    let settlement = stage.settlement_at(&door.url(), Some(Arc::clone(&credits)), |_| {});
    let other = stage.settlement_at(&door.url(), Some(Arc::clone(&credits)), |_| {});
    // For another purchase, amount or currency it is none.
    let wrong = [
        PushedTransfer {
            payment_id: new_id(),
            ..transfer
        },
        PushedTransfer {
            amount: Amount(CALL_PRICE.0 + 1),
            ..transfer
        },
        PushedTransfer {
            mint: payer.pubkey(),
            ..transfer
        },
    ];
    for wrong in wrong {
        let outcome = settlement.record_pushed(wrong).await;
        let refused = matches!(outcome, Outcome::Refused(Refusal::TransferMismatch));
        assert!(refused, "{outcome:?}");
    }
    let (one, two) = tokio::join!(
        async { served(&settlement.record_pushed(transfer).await) },
        async { served(&other.record_pushed(transfer).await) },
    );
    assert_eq!((one, two), (Some(true), Some(true)));
    let entitlement = stage.entitlement(&stage.call, &payer.pubkey()).unwrap();
    assert_eq!(entitlement.credits_granted.0, 1);
    // It buys one product only.
    let elsewhere = PushedTransfer {
        product: stage.day_pass,
        ..transfer
    };
    let outcome = settlement.record_pushed(elsewhere).await;
    let refused = matches!(outcome, Outcome::Refused(Refusal::PaymentIdTaken));
    assert!(refused, "{outcome:?}");
    assert!(stage.use_call(&credits, &payer.pubkey()).await);
    let again = other.record_pushed(transfer).await;
    assert!(matches!(again, Outcome::Duplicate { .. }), "{again:?}");
    // One that nobody has shown in time is left to the merchant.
    let late = stage.push(&payer, id, CALL_PRICE).await;
    stage
        .localnet
        .advance_time(std::time::Duration::from_secs(601));
    stage.localnet.finalize();
    let outcome = settlement.record_pushed(late).await;
    let refused = matches!(outcome, Outcome::Refused(Refusal::TransferTooOld));
    assert!(refused, "{outcome:?}");
    stage.require_relay_accounts_add_up().await;
}
