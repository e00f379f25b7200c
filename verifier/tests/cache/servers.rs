//! Several RPC servers, some of them on a bad day.

use std::time::Duration;

use tollgate_client::EntitlementStatus;
use tollgate_verifier::config::{Push, SecretUrl};

use crate::feeding::{access, check};
use crate::support::rpc::{CHAIN_TIME, Mood, ScriptedRpc, entitlement_address};
use crate::support::upstream::Upstream;
use crate::support::{Stage, eventually};

const LATER: i64 = CHAIN_TIME + 3600;

/// A verifier whose first server is `stage.rpc` and whose second is the other one.
async fn two_servers() -> (Stage, ScriptedRpc) {
    let (first, second) = (ScriptedRpc::start().await, ScriptedRpc::start().await);
    let fallback = SecretUrl::parse(&second.url()).unwrap();
    let stage = Stage::over(first, Upstream::start().await, |config| {
        config.chain.rpc_fallbacks = vec![fallback];
        config.chain.push = Push::Off;
        config.chain.request_timeout = Duration::from_secs(3);
        config.chain.ready_within = Duration::from_secs(30);
    })
    .await;
    (stage, second)
}

#[tokio::test]
async fn the_next_server_answers_for_one_that_fails_in_any_way() {
    for mood in [
        Mood::Hanging,
        Mood::Failing,
        Mood::Throttling,
        Mood::Babbling,
        Mood::Erring,
        Mood::Lying,
    ] {
        let (stage, second) = two_servers().await;
        for rpc in [&stage.rpc, &second] {
            rpc.entitle("payer", LATER, |_| {});
        }
        stage.rpc.set(|script| script.mood = mood);
        for _ in 0..3 {
            assert_eq!(access(&stage, "payer").await, Some(true), "{mood:?}");
            tokio::time::sleep(Duration::from_millis(520)).await;
        }
        assert_eq!(stage.get("/health/ready").await.status(), 200, "{mood:?}");
        // It is back, and asked again before long.
        stage.rpc.set(|script| script.mood = Mood::Healthy);
        second.set(|script| script.mood = Mood::Failing);
        eventually(async || access(&stage, "payer").await == Some(true)).await;
    }
}

/// A server that fails all the time is left alone most of the time.
#[tokio::test]
async fn a_failing_server_is_not_asked_with_every_question() {
    let (stage, second) = two_servers().await;
    second.entitle("payer", LATER, |_| {});
    stage.rpc.set(|script| script.mood = Mood::Failing);
    for number in 0..40 {
        assert_eq!(
            access(&stage, &format!("stranger {number}")).await,
            Some(false)
        );
    }
    let asked = stage.rpc.calls("getMultipleAccounts") + stage.rpc.calls("getGenesisHash");
    let other = second.calls("getMultipleAccounts");
    assert!(
        asked < other / 2,
        "{asked} of the failing one, {other} of the other"
    );
}

/// What a server that is behind does not know yet is no reason to refuse.
#[tokio::test]
async fn the_absence_on_a_lagging_server_is_never_believed() {
    let (stage, second) = two_servers().await;
    // The second was heard: its slot is known.
    second.set(|script| script.slot = 9000);
    stage.rpc.set(|script| script.mood = Mood::Failing);
    assert_eq!(access(&stage, "anybody").await, Some(false));
    second.entitle("payer", LATER, |_| {});
    stage.rpc.set(|script| script.mood = Mood::Healthy);
    for number in 0..5 {
        assert_eq!(access(&stage, "payer").await, Some(true), "{number}");
        tokio::time::sleep(Duration::from_millis(520)).await;
    }
    // Alone, the lagging one makes it unknown; not absent.
    second.set(|script| script.mood = Mood::Failing);
    tokio::time::sleep(Duration::from_millis(520)).await;
    assert_eq!(access(&stage, "payer").await, None);
    assert_eq!(access(&stage, "somebody else").await, None);
}

#[tokio::test]
async fn a_server_of_another_cluster_is_passed_over() {
    let (stage, second) = two_servers().await;
    stage.rpc.set(|script| {
        script.genesis_hash = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d".to_owned();
    });
    // There somebody has paid; here nobody has.
    stage.rpc.entitle("payer", LATER, |_| {});
    let before = stage.rpc.calls("getGenesisHash");
    eventually(async || stage.rpc.calls("getGenesisHash") > before).await;
    eventually(async || access(&stage, "payer").await == Some(false)).await;
    second.entitle("payer", LATER, |_| {});
    eventually(async || access(&stage, "payer").await == Some(true)).await;
    assert_eq!(stage.get("/health/ready").await.status(), 200);
}

/// A closed account, and lamports that anybody can send to an address, are no account.
#[tokio::test]
async fn what_remains_of_a_closed_account_is_nothing() {
    let (stage, _second) = two_servers().await;
    stage.rpc.set(|script| {
        script.empty.push(entitlement_address("closed"));
    });
    let (status, body) = check(&stage, "closed").await;
    assert_eq!((status, body["status"].as_str()), (200, Some("none")));
}

/// Many questions at once about different people share their calls.
#[tokio::test]
async fn a_stampede_of_strangers_shares_its_calls() {
    let (stage, _second) = two_servers().await;
    stage.rpc.entitle("one of them", LATER, |entitlement| {
        entitlement.status = EntitlementStatus::Active;
    });
    stage
        .rpc
        .set(|script| script.delay = Duration::from_millis(100));
    let before = stage.rpc.calls("getMultipleAccounts");
    let names: Vec<String> = (0..200)
        .map(|number| format!("stranger {number}"))
        .collect();
    let answers = futures::future::join_all(names.iter().map(|name| access(&stage, name))).await;
    assert!(answers.iter().all(|answer| *answer == Some(false)));
    let calls = stage.rpc.calls("getMultipleAccounts") - before;
    // Three full calls would do; arrivals are spread over some time.
    assert!(calls <= 60, "{calls} calls for 200 strangers");
}
