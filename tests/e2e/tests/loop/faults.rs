//! What goes wrong between an agent and the chain never costs money twice.

use crate::scene::{PRICE, Scene};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use solana_signer::Signer;
use std::time::Duration;
use tollgate_client::transaction;

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_chain_is_503_and_never_402() {
    let scene = Scene::set().await;
    let paid = scene.fetch().await.unwrap();
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
    scene.is_served_for_one_payment().await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_fate_is_settled_before_anything_else_is_paid() {
    let scene = Scene::set().await;
    // The payment lands, but the agent gives up before it is confirmed.
    scene.localnet.faults().freeze_commitment(true);
    scene.agent_gives_up().await;
    scene.localnet.faults().clear();
    // A new process with the same journal finds out instead of paying again.
    scene.is_served_for_one_payment().await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_no_server_remembers_is_found_by_its_account() {
    let scene = Scene::set().await;
    scene.localnet.faults().freeze_commitment(true);
    scene.agent_gives_up().await;
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

    scene.is_served_for_one_payment().await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_never_lands_costs_nothing_and_can_be_made_again() {
    let scene = Scene::set().await;
    scene.localnet.faults().lose_transactions(1_000);
    scene.agent_gives_up().await;
    // Its blockhash dies; still nothing lands.
    scene.localnet.warp_slots(400).unwrap();
    scene.localnet.finalize();
    scene.localnet.faults().clear();
    scene.is_served_for_one_payment().await;
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
