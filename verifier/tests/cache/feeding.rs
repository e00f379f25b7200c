//! What is pushed, and what happens when nothing is. The module stands twice in the
//! suite: for the feed over WebSockets, and for the one over Yellowstone's gRPC.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use tollgate_client::accounts::encode;
use tollgate_client::{Entitlement, EntitlementStatus, PROGRAM_ID, UnixSeconds};
use tollgate_verifier::Config;
use tollgate_verifier::config::{AdminConfig, Commitment, Push};

use crate::feed::{Protocol, ScriptedFeed};
use crate::support::admin::series;
use crate::support::rpc::{self, CHAIN_TIME, Mood, ScriptedRpc, entitlement, entitlement_address};
use crate::support::upstream::Upstream;
use crate::support::{Stage, address, eventually};

const PATH: &str = "/v1/quote/SOL";
const LATER: i64 = CHAIN_TIME + 3600;

/// Which of the two this module is.
fn protocol() -> Protocol {
    #[cfg(feature = "yellowstone")]
    if module_path!().ends_with("yellowstone") {
        return Protocol::Yellowstone;
    }
    Protocol::WebSocket
}

/// A verifier with a feed, which reports when this returns.
pub async fn with_feed(change: impl FnOnce(&mut Config)) -> (Stage, ScriptedFeed) {
    let rpc = ScriptedRpc::start().await;
    fed(rpc, protocol(), change).await
}

/// The same over an RPC server that runs already.
pub async fn fed(
    rpc: ScriptedRpc,
    protocol: Protocol,
    change: impl FnOnce(&mut Config),
) -> (Stage, ScriptedFeed) {
    let feed = ScriptedFeed::start(&rpc.script, protocol).await;
    let push = feed.place();
    let stage = Stage::over(rpc, Upstream::start().await, |config| {
        config.chain.push = push;
        // Only what the tests ask for is read.
        config.chain.refresh_interval = Duration::from_secs(300);
        config.chain.ready_within = Duration::from_secs(600);
        config.chain.request_timeout = Duration::from_secs(2);
        config.chain.heartbeat_timeout = Duration::from_secs(1);
        change(config);
    })
    .await;
    (stage, feed)
}

/// Times that no busy machine exceeds: for tests in which nothing is to fall silent.
pub fn unhurried(config: &mut Config) {
    config.chain.heartbeat_timeout = Duration::from_secs(30);
    config.chain.max_staleness = Duration::from_secs(30);
}

/// Waits until the feed is believed: the search for all entitlements was made.
pub async fn settled(stage: &Stage, searches: usize) {
    eventually(async || stage.rpc.calls("getProgramAccounts") >= searches).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
}

pub async fn check(stage: &Stage, wallet: &str) -> (u16, Value) {
    let answer = stage
        .http
        .post(stage.url("/v1/access/entitlements/check"))
        .json(&json!({ "product_slug": "quotes", "wallet": address(wallet).to_string() }))
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// What is answered; `None` for 503.
pub async fn access(stage: &Stage, wallet: &str) -> Option<bool> {
    let (status, body) = check(stage, wallet).await;
    match status {
        200 => body["has_access"].as_bool(),
        503 => None,
        other => panic!("{other}: {body}"),
    }
}

fn reads(stage: &Stage) -> usize {
    stage.rpc.calls("getMultipleAccounts")
}

fn revoked(name: &str) -> Entitlement {
    let mut entitlement = entitlement(name, LATER);
    entitlement.status = EntitlementStatus::Revoked;
    entitlement
}

#[tokio::test]
async fn access_that_the_feed_covers_is_served_without_a_single_call() {
    let (stage, feed) = with_feed(|config| {
        // The finality of the grant is read once; not here.
        config.chain.commitment = Commitment::Finalized;
    })
    .await;
    settled(&stage, 1).await;
    stage.rpc.entitle("payer", LATER, |_| {});
    assert_eq!(access(&stage, "payer").await, Some(true));
    let before = reads(&stage);
    // Five times as long as an answer without a feed would last.
    for _ in 0..50 {
        assert_eq!(access(&stage, "payer").await, Some(true));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(reads(&stage), before, "a hit costs no call");
    assert_eq!(feed.connections(), 1);
    assert_eq!(
        feed.filters(),
        [3],
        "nothing but the merchant's entitlements"
    );
}

#[tokio::test]
async fn a_pushed_payment_is_served_and_a_pushed_revocation_refused_without_a_read() {
    let (stage, feed) = with_feed(|_| {}).await;
    settled(&stage, 1).await;
    let before = reads(&stage);
    // The RPC server knows nothing of it: only the feed can have told.
    feed.report(&entitlement("payer", LATER));
    eventually(async || access(&stage, "payer").await == Some(true)).await;
    let asked = reads(&stage) - before;
    feed.report(&revoked("payer"));
    eventually(async || access(&stage, "payer").await == Some(false)).await;
    assert!(asked <= 40, "{asked} reads before the push arrived");
}

#[tokio::test]
async fn late_and_doubled_news_change_nothing() {
    let (stage, feed) = with_feed(|_| {}).await;
    settled(&stage, 1).await;
    stage.rpc.entitle("payer", LATER, |entitlement| {
        entitlement.status = EntitlementStatus::Revoked;
    });
    let paid = feed.report(&entitlement("payer", LATER)) - 1;
    feed.report_as_of(&revoked("payer"), paid + 2);
    eventually(async || access(&stage, "payer").await == Some(false)).await;
    for _ in 0..3 {
        feed.report_as_of(&entitlement("payer", LATER), paid);
        feed.report_as_of(&revoked("payer"), paid + 2);
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert_eq!(access(&stage, "payer").await, Some(false));
    }
}

/// Nobody is told an old "no" because it asked before it paid.
#[tokio::test]
async fn asking_before_paying_does_not_delay_what_was_paid_for() {
    let (stage, _feed) = with_feed(|_| {}).await;
    settled(&stage, 1).await;
    let proof = stage.sign_in(PATH, "payer").await;
    for _ in 0..5 {
        assert_eq!(access(&stage, "payer").await, Some(false));
    }
    // Paid, and the feed says nothing of it.
    stage.rpc.entitle("payer", LATER, |_| {});
    let request = stage
        .http
        .get(stage.url(PATH))
        .header("sign-in-with-x", proof);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

/// TCP stays open, nothing comes: after `max_staleness` the memory is not asked, and
/// after the heartbeat's time there is a new connection.
#[tokio::test]
async fn a_feed_that_falls_silent_is_not_believed_and_replaced() {
    let (stage, feed) = with_feed(|_| {}).await;
    settled(&stage, 1).await;
    stage.rpc.entitle("payer", LATER, |_| {});
    assert_eq!(access(&stage, "payer").await, Some(true));
    feed.fall_silent(true);
    // Ended on chain, and nobody says so.
    stage.rpc.remove(&entitlement_address("payer"));
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(access(&stage, "payer").await, Some(false));
    tokio::time::sleep(Duration::from_millis(1000)).await;
    feed.fall_silent(false);
    eventually(async || feed.connections() >= 2).await;
}

#[tokio::test]
async fn what_ended_during_a_gap_has_ended_when_the_feed_is_back() {
    let (stage, feed) = with_feed(|_| {}).await;
    settled(&stage, 1).await;
    for name in ["stays", "ends"] {
        stage.rpc.entitle(name, LATER, |_| {});
        assert_eq!(access(&stage, name).await, Some(true));
    }
    feed.close(true);
    stage.rpc.entitle("ends", LATER, |entitlement| {
        entitlement.status = EntitlementStatus::Revoked;
    });
    feed.close(false);
    eventually(async || feed.connections() >= 2).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(access(&stage, "ends").await, Some(false));
    assert_eq!(access(&stage, "stays").await, Some(true));
    // The feed covers it again: no more reads, whatever time passes.
    eventually(async || {
        let before = reads(&stage);
        tokio::time::sleep(Duration::from_millis(700)).await;
        access(&stage, "stays").await == Some(true) && reads(&stage) == before
    })
    .await;
}

/// Without a feed the published bound holds by reading.
#[tokio::test]
async fn without_a_feed_a_revocation_is_refused_within_the_published_bound() {
    let (stage, feed) = with_feed(|config| config.chain.push = Push::Off).await;
    stage.rpc.entitle("payer", LATER, |_| {});
    assert_eq!(access(&stage, "payer").await, Some(true));
    stage.rpc.entitle("payer", LATER, |entitlement| {
        entitlement.status = EntitlementStatus::Revoked;
    });
    tokio::time::sleep(Duration::from_millis(510)).await;
    assert_eq!(access(&stage, "payer").await, Some(false));
    assert_eq!(feed.connections(), 0);
}

/// A grant that the finalized chain never heard of ends, also when nobody reports that.
#[tokio::test]
async fn a_grant_that_never_becomes_final_is_withdrawn() {
    let (stage, feed) = with_feed(|_| {}).await;
    settled(&stage, 1).await;
    stage
        .rpc
        .set(|script| script.finalized = Some(HashMap::new()));
    feed.report(&entitlement("forked", LATER));
    eventually(async || access(&stage, "forked").await == Some(true)).await;
    eventually(async || access(&stage, "forked").await == Some(false)).await;
    // And one that does becomes none of it.
    feed.report(&entitlement("kept", LATER));
    stage.rpc.entitle("kept", LATER, |_| {});
    let kept = encode(&entitlement("kept", LATER));
    let finalized = HashMap::from([(entitlement_address("kept"), kept)]);
    stage.rpc.set(|script| script.finalized = Some(finalized));
    eventually(async || access(&stage, "kept").await == Some(true)).await;
    for _ in 0..30 {
        assert_eq!(access(&stage, "kept").await, Some(true));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Addresses do not depend on the cluster: a payment on devnet, pushed to a verifier
/// of another cluster, would be at the right address.
#[tokio::test]
async fn the_feed_of_another_cluster_grants_nothing() {
    let rpc = ScriptedRpc::start().await;
    let feed = ScriptedFeed::start(&rpc.script, protocol()).await;
    feed.serve_another_cluster();
    let push = feed.place();
    let stage = Stage::over(rpc, Upstream::start().await, |config| {
        config.chain.push = push;
    })
    .await;
    eventually(async || feed.connections() >= 2).await;
    feed.report(&entitlement("payer", LATER));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(access(&stage, "payer").await, Some(false));
}

/// Bytes that the program would never write end the connection; nothing is granted.
#[tokio::test]
async fn a_feed_that_lies_about_accounts_grants_nothing() {
    let (stage, feed) = with_feed(|_| {}).await;
    settled(&stage, 1).await;
    let honest = entitlement("liar", LATER);
    let at = entitlement_address("liar");
    let program = PROGRAM_ID.to_string();
    let altered = |change: &dyn Fn(&mut Entitlement)| {
        let mut entitlement = honest;
        change(&mut entitlement);
        encode(&entitlement)
    };
    let mut other_type = encode(&honest);
    other_type[0] ^= 1;
    let mut bad_status = encode(&honest);
    bad_status[10] = 9;
    let mut bad_version = encode(&honest);
    bad_version[8] = 2;
    let lies: Vec<(&str, String, Vec<u8>)> = vec![
        (
            "another owner",
            rpc::SYSVAR_OWNER.to_owned(),
            encode(&honest),
        ),
        ("another type", program.clone(), other_type),
        ("an unknown status", program.clone(), bad_status),
        ("an unknown version", program.clone(), bad_version),
        (
            "cut short",
            program.clone(),
            encode(&honest)[..100].to_vec(),
        ),
        (
            "another beneficiary",
            program.clone(),
            altered(&|entitlement| entitlement.beneficiary = address("somebody")),
        ),
        (
            "another product",
            program.clone(),
            altered(&|entitlement| entitlement.product = address("something")),
        ),
        (
            "another merchant",
            program,
            altered(&|entitlement| entitlement.merchant = address("rival")),
        ),
    ];
    for (what, owner, data) in lies {
        let connections = feed.connections();
        let slot = stage.rpc.script.lock().unwrap().slot;
        feed.report_bytes(at, &owner, &data, slot);
        eventually(async || feed.connections() > connections).await;
        for name in ["liar", "somebody"] {
            assert_eq!(access(&stage, name).await, Some(false), "{what}");
        }
    }
}

/// A new process knows who has paid from the chain alone.
#[tokio::test]
async fn a_restart_learns_everybody_who_paid_from_the_chain() {
    let rpc = ScriptedRpc::start().await;
    let names: Vec<String> = (0..20).map(|number| format!("payer {number}")).collect();
    for name in &names {
        rpc.entitle(name, LATER, |_| {});
    }
    let (stage, _feed) = fed(rpc, protocol(), |config| {
        unhurried(config);
        // No watch over finality, which reads as well.
        config.chain.commitment = Commitment::Finalized;
        config.admin = Some(AdminConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
        });
    })
    .await;
    eventually(async || series(&stage, "tollgate_feed_warmed_up_total").await >= 20.0).await;
    let before = reads(&stage);
    for name in &names {
        assert_eq!(access(&stage, name).await, Some(true));
    }
    assert_eq!(reads(&stage), before, "the feed's beginning told it all");
}

/// With every server gone known access goes on for the configured grace; what is not
/// known is 503, and what has run out is not served.
#[tokio::test]
async fn an_outage_of_everything_is_bridged_for_those_who_are_known() {
    let (stage, feed) = with_feed(|config| {
        config.chain.max_outage_grace = Duration::from_secs(60);
    })
    .await;
    settled(&stage, 1).await;
    stage.rpc.entitle("payer", LATER, |_| {});
    stage.rpc.entitle("short", CHAIN_TIME + 3, |_| {});
    assert_eq!(access(&stage, "payer").await, Some(true));
    assert_eq!(access(&stage, "short").await, Some(true));
    stage.rpc.set(|script| script.mood = Mood::Failing);
    feed.close(true);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(access(&stage, "payer").await, Some(true));
    assert_eq!(access(&stage, "stranger").await, None);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(access(&stage, "payer").await, Some(true));
    assert_eq!(access(&stage, "short").await, None);
}

/// Chain time decides: the feed's clock ends access without any read.
#[tokio::test]
async fn access_ends_by_the_clock_of_the_chain() {
    let (stage, _feed) = with_feed(|_| {}).await;
    settled(&stage, 1).await;
    stage.rpc.entitle("payer", CHAIN_TIME + 100, |entitlement| {
        entitlement.created_at = UnixSeconds(CHAIN_TIME);
    });
    assert_eq!(access(&stage, "payer").await, Some(true));
    stage.rpc.set(|script| script.chain_time = CHAIN_TIME + 100);
    eventually(async || access(&stage, "payer").await == Some(false)).await;
}
