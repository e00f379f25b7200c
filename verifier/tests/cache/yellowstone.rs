//! What only the feed over Yellowstone's gRPC can do, or have done to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::net::TcpStream;
use tokio::sync::broadcast;
use tollgate_client::accounts::encode;
use tollgate_client::{Entitlement, EntitlementStatus, PROGRAM_ID, Pubkey};
use tollgate_verifier::config::Commitment;

use crate::feed::{Event, Protocol, ScriptedFeed, State};
use crate::feeding::{access, fed, settled, unhurried};
use crate::geyser::wire::{SLOT_DEAD, ServerPing, SubscribeUpdate, Update, level};
use crate::geyser::{Geyser, PROCESSED, Updates, account, slot, update};
use crate::support::rpc::{
    CHAIN_TIME, CLOCK, SYSVAR_OWNER, ScriptedRpc, clock_bytes, entitlement, entitlement_address,
};
use crate::support::{Stage, eventually};

const LATER: i64 = CHAIN_TIME + 3600;

/// Serves one connection to the scripted feed.
pub async fn serve(io: TcpStream, state: Arc<State>) {
    let mut events = state.events.subscribe();
    let closed = async { while !matches!(events.recv().await, Ok(Event::Close)) {} };
    tokio::select! {
        () = geyser(state, None).serve(io) => {}
        () = closed => {}
    }
}

/// The answers of the scripted feed.
pub fn geyser(state: Arc<State>, token: Option<&str>) -> Geyser {
    let pongs = Arc::clone(&state.pongs);
    let subscribe = move |request: crate::geyser::wire::SubscribeRequest| -> Updates {
        let filters = request.accounts["entitlements"].filters.len();
        state.filters.lock().unwrap().push(filters);
        if state.silent.load(Ordering::SeqCst) {
            return stream::pending().boxed();
        }
        state.connections.fetch_add(1, Ordering::SeqCst);
        let heard = (state.events.subscribe(), Arc::clone(&state));
        stream::unfold(heard, next).flat_map(stream::iter).boxed()
    };
    Geyser {
        token: token.map(str::to_owned),
        subscribe: Arc::new(subscribe),
        pongs,
    }
}

type Heard = (broadcast::Receiver<Event>, Arc<State>);

async fn next(
    (mut events, state): Heard,
) -> Option<(Vec<Result<SubscribeUpdate, tonic::Status>>, Heard)> {
    let event = events.recv().await.ok()?;
    let mute = state.silent.load(Ordering::SeqCst);
    let said = if mute {
        Vec::new()
    } else {
        said(event, state.stalled.load(Ordering::SeqCst))
    };
    Some((said.into_iter().map(Ok).collect(), (events, state)))
}

/// Later states have larger write versions.
fn write_version() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(1);
    LAST.fetch_add(1, Ordering::SeqCst)
}

fn said(event: Event, stalled: bool) -> Vec<SubscribeUpdate> {
    match event {
        Event::Working(number) => vec![slot(number, PROCESSED)],
        Event::Complete(..) if stalled => Vec::new(),
        Event::Complete(number, time) => vec![
            clock(number, time),
            slot(number, level::CONFIRMED),
            slot(number, level::FINALIZED),
        ],
        Event::Account(at, owner, data, number) => {
            let parts = (at.as_ref(), owner.as_ref(), data.as_slice());
            vec![account(parts, number, write_version())]
        }
        Event::Messages(messages) => messages,
        Event::Close => Vec::new(),
    }
}

fn clock(number: u64, time: i64) -> SubscribeUpdate {
    let (at, owner): (Pubkey, Pubkey) = (CLOCK.parse().unwrap(), SYSVAR_OWNER.parse().unwrap());
    let data = clock_bytes(number, time);
    account(
        (at.as_ref(), owner.as_ref(), &data),
        number,
        write_version(),
    )
}

/// An entitlement of `name` as of a slot.
fn state_of(entitlement: &Entitlement, name: &str, number: u64, version: u64) -> SubscribeUpdate {
    let at = entitlement_address(name);
    let data = encode(entitlement);
    account((at.as_ref(), PROGRAM_ID.as_ref(), &data), number, version)
}

pub fn paid(name: &str) -> Entitlement {
    entitlement(name, LATER)
}

fn revoked(name: &str) -> Entitlement {
    Entitlement {
        status: EntitlementStatus::Revoked,
        ..paid(name)
    }
}

/// A verifier that listens, and believes in what has this commitment. Where that is
/// finality, nobody watches over it, so that nothing is read by itself.
async fn listening(commitment: Commitment) -> (Stage, ScriptedFeed) {
    let (stage, feed) = fed(
        ScriptedRpc::start().await,
        Protocol::Yellowstone,
        |config| {
            unhurried(config);
            config.chain.commitment = commitment;
        },
    )
    .await;
    settled(&stage, 1).await;
    (stage, feed)
}

/// A slot that the chain does not come to by itself.
fn far(stage: &Stage) -> u64 {
    present(stage) + 100_000
}

/// The chain goes on from that slot, which has now this status.
fn come_to(stage: &Stage, feed: &ScriptedFeed, number: u64, status: i32) {
    stage.rpc.set(|script| script.slot = number);
    feed.say(Event::Messages(vec![slot(number, status)]));
}

fn present(stage: &Stage) -> u64 {
    stage.rpc.script.lock().unwrap().slot
}

/// What has not reached the configured commitment grants nothing, however long it
/// lasts; it counts as soon as its slot is there, and never when its slot is dead.
#[tokio::test]
async fn an_update_below_the_configured_commitment_grants_nothing() {
    let (stage, feed) = listening(Commitment::Confirmed).await;
    let ahead = far(&stage);
    let fork = ahead + 100_000;
    feed.say(Event::Messages(vec![
        state_of(&paid("payer"), "payer", ahead, 7),
        state_of(&paid("forked"), "forked", fork, 8),
        slot(ahead, PROCESSED),
        slot(fork, PROCESSED),
    ]));
    for _ in 0..10 {
        assert_eq!(access(&stage, "payer").await, Some(false));
        assert_eq!(access(&stage, "forked").await, Some(false));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    come_to(&stage, &feed, ahead, level::CONFIRMED);
    eventually(async || access(&stage, "payer").await == Some(true)).await;
    feed.say(Event::Messages(vec![slot(fork, SLOT_DEAD)]));
    come_to(&stage, &feed, fork, level::CONFIRMED);
    for _ in 0..5 {
        assert_eq!(access(&stage, "forked").await, Some(false));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A verifier that believes in what is finalized is not moved by what is confirmed.
#[tokio::test]
async fn what_is_confirmed_is_nothing_where_finality_is_asked_for() {
    let (stage, feed) = listening(Commitment::Finalized).await;
    let ahead = far(&stage);
    let paid = state_of(&paid("payer"), "payer", ahead, 7);
    feed.say(Event::Messages(vec![paid, slot(ahead, level::CONFIRMED)]));
    for _ in 0..10 {
        assert_eq!(access(&stage, "payer").await, Some(false));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    come_to(&stage, &feed, ahead, level::FINALIZED);
    eventually(async || access(&stage, "payer").await == Some(true)).await;
}

/// Paid and revoked, revoked and paid again, all in one slot: the write version says
/// which came last, in whichever order they arrive. No server is read for it: the
/// scripted one knows of none of this.
#[tokio::test]
async fn within_a_slot_the_last_write_holds_in_whichever_order_it_comes() {
    let (stage, feed) = listening(Commitment::Finalized).await;
    let ahead = far(&stage);
    stage.rpc.set(|script| script.slot = ahead);
    feed.say(Event::Messages(vec![
        state_of(&revoked("ended"), "ended", ahead, 20),
        state_of(&paid("ended"), "ended", ahead, 10),
        state_of(&revoked("begun"), "begun", ahead, 11),
        state_of(&paid("begun"), "begun", ahead, 21),
        // Once more, and too late.
        state_of(&paid("ended"), "ended", ahead, 10),
        slot(ahead, level::FINALIZED),
        state_of(&paid("ended"), "ended", ahead, 10),
        state_of(&revoked("begun"), "begun", ahead, 11),
    ]));
    eventually(async || access(&stage, "begun").await == Some(true)).await;
    for _ in 0..5 {
        assert_eq!(access(&stage, "begun").await, Some(true));
        assert_eq!(access(&stage, "ended").await, Some(false));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// News of a slot whose fate was never told: not believed, and no reason to go on
/// believing what was known. It is read.
#[tokio::test]
async fn news_of_a_slot_left_behind_is_looked_up() {
    // The watch over finality would find out as well; not here.
    let (stage, feed) = listening(Commitment::Finalized).await;
    stage.rpc.set(|script| script.slot += 1_000);
    stage.rpc.entitle("payer", LATER, |_| {});
    eventually(async || access(&stage, "payer").await == Some(true)).await;
    eventually(async || feed.connections() >= 1).await;
    // Ended on chain, and the feed does not say so.
    stage.rpc.remove(&entitlement_address("payer"));
    for _ in 0..5 {
        assert_eq!(access(&stage, "payer").await, Some(true), "covered");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let old = present(&stage) - 500;
    feed.report_as_of(&revoked("payer"), old);
    eventually(async || access(&stage, "payer").await == Some(false)).await;
}

/// After a disconnection a server that sends again what it sent before, slots and
/// all, brings nothing back.
#[tokio::test]
async fn what_is_replayed_changes_nothing() {
    let (stage, feed) = listening(Commitment::Confirmed).await;
    let number = present(&stage);
    feed.report(&paid("payer"));
    eventually(async || access(&stage, "payer").await == Some(true)).await;
    stage.rpc.entitle("payer", LATER, |entitlement| {
        entitlement.status = EntitlementStatus::Revoked;
    });
    let end = feed.report(&revoked("payer"));
    eventually(async || access(&stage, "payer").await == Some(false)).await;
    let before = feed.connections();
    feed.close(true);
    feed.close(false);
    eventually(async || feed.connections() > before).await;
    settled(&stage, 1).await;
    for _ in 0..3 {
        let replayed = (number..end).flat_map(|number| {
            [
                slot(number, PROCESSED),
                state_of(&paid("payer"), "payer", number, 1),
                clock(number, CHAIN_TIME),
                slot(number, level::CONFIRMED),
            ]
        });
        feed.say(Event::Messages(replayed.collect()));
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert_eq!(access(&stage, "payer").await, Some(false));
    }
}

/// Slots go on, but none reaches the commitment, and what is said once more of slots
/// that did does not count: that is no heartbeat for what is granted.
#[tokio::test]
async fn a_server_whose_slots_reach_nothing_is_replaced() {
    let (stage, feed) = fed(ScriptedRpc::start().await, Protocol::Yellowstone, |_| {}).await;
    settled(&stage, 1).await;
    stage.rpc.entitle("payer", LATER, |_| {});
    assert_eq!(access(&stage, "payer").await, Some(true));
    let before = feed.connections();
    feed.state.stalled.store(true, Ordering::SeqCst);
    let old = present(&stage) - 10;
    let replay = || {
        let replayed = (old..old + 5)
            .flat_map(|number| [clock(number, CHAIN_TIME), slot(number, level::CONFIRMED)]);
        feed.say(Event::Messages(replayed.collect()));
    };
    // Ended on chain, and nobody says so.
    stage.rpc.remove(&entitlement_address("payer"));
    eventually(async || {
        replay();
        access(&stage, "payer").await == Some(false)
    })
    .await;
    eventually(async || {
        replay();
        feed.connections() > before
    })
    .await;
}

#[tokio::test]
async fn pings_are_answered() {
    let (_stage, feed) = listening(Commitment::Confirmed).await;
    for wanted in 1..4 {
        let ping = update(Update::Ping(ServerPing {}));
        feed.say(Event::Messages(vec![ping]));
        eventually(async || feed.state.pongs.load(Ordering::SeqCst) >= wanted).await;
    }
}

/// What is larger than any account of the program is not even read.
#[tokio::test]
async fn a_message_without_bounds_ends_the_connection() {
    let (stage, feed) = listening(Commitment::Confirmed).await;
    let before = feed.connections();
    let large = vec![7; 100_000];
    let at = entitlement_address("payer");
    feed.report_bytes(at, &PROGRAM_ID.to_string(), &large, present(&stage));
    eventually(async || feed.connections() > before).await;
    assert_eq!(access(&stage, "payer").await, Some(false));
}
