//! Several RPC servers, some of them on a bad day.

use std::time::Duration;

use serde_json::json;
use tollgate_client::{Amount, EntitlementStatus, PaymentId};
use tollgate_verifier::Config;
use tollgate_verifier::config::{Push, SecretUrl};

use crate::feeding::{access, check};
use crate::support::rpc::{CHAIN_TIME, Mood, PRICE, ScriptedRpc, entitlement_address};
use crate::support::upstream::Upstream;
use crate::support::{Stage, address, eventually, post};

const LATER: i64 = CHAIN_TIME + 3600;

/// A verifier whose first server is `stage.rpc` and whose second is the other one.
async fn two_servers() -> (Stage, ScriptedRpc) {
    two_servers_with(|_| {}).await
}

async fn two_servers_with(change: impl FnOnce(&mut Config)) -> (Stage, ScriptedRpc) {
    let (first, second) = (ScriptedRpc::start().await, ScriptedRpc::start().await);
    let fallback = SecretUrl::parse(&second.url()).unwrap();
    let stage = Stage::over(first, Upstream::start().await, |config| {
        config.chain.rpc_fallbacks = vec![fallback];
        config.chain.push = Push::Off;
        config.chain.request_timeout = Duration::from_secs(3);
        config.chain.ready_within = Duration::from_secs(30);
        change(config);
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

const OTHER_CLUSTER: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";

/// What a wallet is given to sign comes from whichever server answers.
#[tokio::test]
async fn a_wallet_gets_its_transaction_from_the_next_server() {
    let (stage, second) = two_servers().await;
    let path = format!("/v1/pay/quotes/{}", PaymentId([7; 32]));
    let account = json!({ "account": address("wallet").to_string() });
    for mood in [Mood::Hanging, Mood::Failing, Mood::Throttling, Mood::Lying] {
        stage.rpc.set(|script| script.mood = mood);
        let (status, body) = post(&stage, &path, account.clone()).await;
        assert_eq!(status, 200, "{mood:?}: {body}");
    }
    stage.rpc.set(|script| {
        script.mood = Mood::Healthy;
        script.genesis_hash = OTHER_CLUSTER.to_owned();
    });
    // The catalogue is read again, and finds out.
    let before = stage.rpc.calls("getGenesisHash");
    eventually(async || stage.rpc.calls("getGenesisHash") > before).await;
    let asked = stage.rpc.calls("getLatestBlockhash");
    let (status, body) = post(&stage, &path, account.clone()).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(stage.rpc.calls("getLatestBlockhash"), asked);
    // With none left it is not known; nobody is told to pay, or not to.
    second.set(|script| script.mood = Mood::Failing);
    let (status, body) = post(&stage, &path, account).await;
    assert_eq!((status, &body["error"]), (503, &json!("chain_unavailable")));
}

/// A first server that makes up an entitlement to what is dear convinces nobody alone.
#[tokio::test]
async fn an_invented_entitlement_to_something_dear_is_not_granted() {
    let (stage, second) = two_servers_with(|config| {
        config.chain.second_opinion_above = Some(Amount(PRICE - 1));
        config.chain.request_timeout = Duration::from_millis(900);
    })
    .await;
    stage.rpc.entitle("liar's friend", LATER, |_| {});
    let proof = stage.sign_in("/v1/quote/SOL", "liar's friend").await;
    let ask = async || {
        let request = stage.http.get(stage.url("/v1/quote/SOL"));
        request
            .header("sign-in-with-x", &proof)
            .send()
            .await
            .unwrap()
    };
    // The other server is as far as the first: it contradicts.
    second.set(|script| script.slot = 2000);
    for _ in 0..3 {
        let answer = ask().await;
        assert_eq!(answer.status(), 503);
        assert!(answer.headers().contains_key("retry-after"));
        assert!(!answer.headers().contains_key("payment-required"));
        assert_eq!(access(&stage, "liar's friend").await, None);
    }
    // Unreachable, behind, or of another cluster: no second opinion either.
    second.set(|script| script.mood = Mood::Failing);
    assert_eq!(access(&stage, "liar's friend").await, None);
    second.set(|script| {
        script.mood = Mood::Healthy;
        script.slot = 10;
    });
    assert_eq!(access(&stage, "liar's friend").await, None);
    assert_eq!(stage.upstream.requests(), 0);
    // That somebody has nothing needs no second opinion.
    assert_eq!(access(&stage, "stranger").await, Some(false));
    // What both say is granted, and that they said so is remembered.
    second.entitle("liar's friend", LATER, |_| {});
    second.set(|script| script.slot = 3000);
    eventually(async || access(&stage, "liar's friend").await == Some(true)).await;
    assert_eq!(ask().await.status(), 200);
    second.set(|script| script.mood = Mood::Failing);
    for _ in 0..3 {
        assert_eq!(access(&stage, "liar's friend").await, Some(true));
        tokio::time::sleep(Duration::from_millis(520)).await;
    }
    // More than was confirmed is another grant.
    stage.rpc.entitle("liar's friend", LATER + 3600, |_| {});
    eventually(async || access(&stage, "liar's friend").await.is_none()).await;
    second.entitle("liar's friend", LATER + 3600, |_| {});
    second.set(|script| script.mood = Mood::Healthy);
    eventually(async || access(&stage, "liar's friend").await == Some(true)).await;
}

/// At or below the threshold one server is enough.
#[tokio::test]
async fn what_is_not_dear_takes_no_second_opinion() {
    let (stage, second) = two_servers_with(|config| {
        config.chain.second_opinion_above = Some(Amount(PRICE));
    })
    .await;
    second.set(|script| script.mood = Mood::Failing);
    stage.rpc.entitle("payer", LATER, |_| {});
    assert_eq!(access(&stage, "payer").await, Some(true));
}

/// Whoever says in which slot it paid is not refused on the word of an earlier one.
#[tokio::test]
async fn a_payment_of_a_named_slot_is_never_denied_by_an_earlier_one() {
    let (stage, second) = two_servers().await;
    let paid_in = {
        second.set(|script| script.slot = 1010);
        second.entitle("payer", LATER, |_| {});
        let mut slot = 0;
        second.set(|script| slot = script.slot);
        slot
    };
    let proof = stage.sign_in("/v1/quote/SOL", "payer").await;
    let ask = async |slot: &str| {
        let request = stage.http.get(stage.url("/v1/quote/SOL"));
        let request = request.header("sign-in-with-x", &proof);
        request
            .header("tollgate-paid-slot", slot)
            .send()
            .await
            .unwrap()
    };
    let claim = async |slot: u64| {
        let question = json!({
            "product_slug": "quotes",
            "wallet": address("payer").to_string(),
            "paid_in_slot": slot,
        });
        post(&stage, "/v1/access/entitlements/check", question).await
    };
    // The first server has not seen it; the second is away.
    second.set(|script| script.mood = Mood::Failing);
    assert_eq!(ask("no slot").await.status(), 402);
    assert_eq!(ask(&paid_in.to_string()).await.status(), 503);
    assert_eq!(claim(paid_in).await.0, 503);
    assert_eq!(claim(u64::MAX).await.0, 503);
    // Nobody else waits for it.
    assert_eq!(access(&stage, "stranger").await, Some(false));
    second.set(|script| script.mood = Mood::Healthy);
    eventually(async || claim(paid_in).await.0 == 200).await;
    let (_, body) = claim(paid_in).await;
    assert_eq!(body["has_access"], true);
    assert!(body["slot"].as_u64().unwrap() >= paid_in);
    assert_eq!(ask(&paid_in.to_string()).await.status(), 200);
}
