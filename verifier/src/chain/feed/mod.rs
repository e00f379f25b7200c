//! The feed: changes of entitlements, pushed.
//!
//! One connection ([`line`]: a WebSocket, or a Yellowstone gRPC stream) tells three
//! things: the merchant's entitlements at the configured commitment, the Clock sysvar
//! at the same commitment (which slots are complete, and their time), and the slots
//! that the node works on (the heartbeat).
//!
//! A connection counts only when its subscriptions are confirmed, a first slot is
//! complete, and that slot and its time are those of the RPC servers, whose cluster is
//! pinned: a feed itself cannot be asked which cluster it belongs to. From that slot on
//! the feed covers what is read; everything remembered from before is read again
//! ([`fill`]). Any doubt ends the connection, and then the gap is back: reads.

mod fill;
mod line;
mod message;
mod socket;
#[cfg(feature = "yellowstone")]
mod yellowstone;

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::Rng;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tollgate_client::{Pubkey, UnixSeconds};
use tracing::{info, warn};

#[cfg(feature = "bench")]
pub(super) use self::fill::Taker;
pub(crate) use self::line::Place;
use self::line::{Heard, Line, Subject};
use super::cache::EntitlementCache;
use super::ledger::{ClockReading, Merged, Source};
use super::question::Key;
use super::rpc::{Pool, RpcFailure};
use crate::config::Commitment;

/// The first pause before connecting again is up to this; each further one twice that.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A connection that lived this long was a good one: the next pause is short again.
const GOOD_LIFE: Duration = Duration::from_secs(30);
/// How many heartbeats' time the subscriptions and the first complete slot may take.
const SUBSCRIBE_BEATS: u32 = 2;
/// How far the feed may be from the RPC servers to be of the same cluster: two
/// minutes. Clusters are millions of slots apart.
const SAME_CLUSTER_SLOTS: u64 = 300;
const SAME_CLUSTER_SECONDS: u64 = 120;
/// So many heartbeats may pass without a slot at the configured commitment: then the
/// connection is suspect as well.
const SILENT_COMMITMENT: u32 = 6;

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FeedEnd {
    #[error("the server could not be reached")]
    Unreachable,
    #[error("the server refused the subscription")]
    Refused,
    #[error("the connection ended")]
    Closed,
    #[error("no slot came for too long")]
    Silent,
    #[error("the feed is of another cluster than the RPC servers")]
    OtherCluster,
    #[error("the RPC servers could not be asked for their slot ({0})")]
    NotComparable(&'static str),
    #[error("a message could not be trusted: {0}")]
    Untrusted(&'static str),
}

/// What to listen to.
pub(crate) struct Feed {
    /// Tried one after the other; without any, nothing is listened to. When they change,
    /// the present connection ends.
    pub(crate) places: watch::Receiver<Vec<Place>>,
    pub(crate) merchant: Pubkey,
    pub(crate) commitment: Commitment,
    /// The feed is dead when no slot came for this long.
    pub(crate) heartbeat: Duration,
    /// Whether all entitlements are learnt when the feed begins.
    pub(crate) warm_up: bool,
    pub(crate) cache: EntitlementCache<Pool>,
}

impl Feed {
    /// Listens until `stop`, connecting again and again.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut changes = self.places.clone();
        loop {
            let places = changes.borrow_and_update().clone();
            tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => return,
                Ok(()) = changes.changed() => info!("the feed comes from elsewhere from now on"),
                () = self.listen_to(&places) => {}
            }
        }
    }

    /// Listens to one after the other, for ever.
    async fn listen_to(&self, places: &[Place]) {
        if places.is_empty() {
            std::future::pending::<()>().await;
        }
        let mut failures: u32 = 0;
        for place in places.iter().cycle() {
            let began = Instant::now();
            let live = Live { feed: self };
            let Err(reason) = live.session(place).await;
            drop(live);
            if matches!(reason, FeedEnd::Untrusted(_)) {
                self.cache.counters().feed_rejections.one();
            }
            failures = if began.elapsed() >= GOOD_LIFE {
                0
            } else {
                failures.saturating_add(1)
            };
            let pause = pause(failures);
            warn!(server = %place, %reason, ?pause, "no feed: entitlements are read when asked for");
            tokio::time::sleep(pause).await;
        }
    }

    fn pool(&self) -> &Pool {
        self.cache.reader()
    }

    /// Refuses a feed whose slot and time are not those of the RPC servers.
    async fn compare(&self, slot: u64, time: UnixSeconds) -> Result<(), FeedEnd> {
        let (pinned_slot, pinned_time) = self
            .pool()
            .clock()
            .await
            .map_err(|failure: RpcFailure| FeedEnd::NotComparable(failure.code()))?;
        let near = slot.abs_diff(pinned_slot) <= SAME_CLUSTER_SLOTS
            && time.0.abs_diff(pinned_time.0) <= SAME_CLUSTER_SECONDS;
        near.then_some(()).ok_or(FeedEnd::OtherCluster)
    }

    fn beat(&self, slot: u64, time: UnixSeconds) {
        let memory = self.cache.memory();
        self.pool().saw_slot(slot);
        self.cache.counters().newest_slot.set(slot);
        memory.beat(ClockReading {
            slot,
            time,
            at: memory.now(),
        });
    }

    fn changed(&self, entitlement: &tollgate_client::Entitlement, slot: u64) {
        let key = Key {
            product: entitlement.product,
            beneficiary: entitlement.beneficiary,
        };
        let counters = self.cache.counters();
        counters.feed_updates.one();
        let merged = self
            .cache
            .memory()
            .merge(&key, Some(entitlement), slot, Source::Feed);
        if merged == Merged::Contradicts {
            counters.contradictions.one();
            self.cache.refresh(key);
        }
    }

    /// Nothing is served of `key` until it was read again.
    #[cfg(feature = "yellowstone")]
    fn doubted(&self, key: Key) {
        self.cache.memory().doubt(&key);
        self.cache.refresh(key);
    }
}

/// Up to twice as long after each failure, and any time below that: replicas that lost
/// their feed together do not come back together.
fn pause(failures: u32) -> Duration {
    let most = FIRST_PAUSE
        .saturating_mul(1 << failures.min(10))
        .min(LONGEST_PAUSE);
    rand::rng().random_range(Duration::ZERO..=most)
}

/// One connection. When it goes away, however it does, the gap begins.
struct Live<'feed> {
    feed: &'feed Feed,
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        let counters = self.feed.cache.counters();
        if counters.feed_live.swap(false, Ordering::Relaxed) {
            counters.feed_gaps.one();
        }
        self.feed.cache.memory().feed_ended();
    }
}

/// A task that ends with the connection that it serves.
struct Task(tokio::task::JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Live<'_> {
    async fn session(&self, place: &Place) -> Result<Infallible, FeedEnd> {
        let feed = self.feed;
        let subject = Subject {
            addresses: feed.pool().addresses(),
            merchant: feed.merchant,
            commitment: feed.commitment,
        };
        let mut line = Line::open(place, subject).await?;
        let patience = feed.heartbeat.saturating_mul(SUBSCRIBE_BEATS);
        let (slot, time) = timeout(patience, subscribed(&mut line))
            .await
            .unwrap_or(Err(FeedEnd::Silent))?;
        feed.compare(slot, time).await?;
        let counters = feed.cache.counters();
        let epoch = feed.cache.memory().feed_began(slot);
        feed.beat(slot, time);
        counters.feed_connections.one();
        counters.feed_live.store(true, Ordering::Relaxed);
        info!(server = %place, slot, epoch, "the feed reports");
        let _filling = Task(tokio::spawn(fill::fill(
            feed.cache.clone(),
            feed.merchant,
            slot,
            feed.warm_up,
            epoch == 1,
        )));
        self.listen(&mut line).await
    }

    async fn listen(&self, line: &mut Line) -> Result<Infallible, FeedEnd> {
        let feed = self.feed;
        let (mut slot_at, mut complete_at) = (Instant::now(), Instant::now());
        loop {
            let silent_at = (slot_at + feed.heartbeat)
                .min(complete_at + feed.heartbeat.saturating_mul(SILENT_COMMITMENT));
            let heard = timeout_at(silent_at, line.hear())
                .await
                .map_err(|_| FeedEnd::Silent)??;
            match heard {
                Heard::Changed(entitlement, slot) => feed.changed(&entitlement, slot),
                Heard::Complete(slot, time) => {
                    complete_at = Instant::now();
                    feed.beat(slot, time);
                }
                Heard::Slot(slot) => {
                    slot_at = Instant::now();
                    feed.cache.counters().node_slot.set(slot);
                }
                #[cfg(feature = "yellowstone")]
                Heard::Doubtful(key) => feed.doubted(key),
                Heard::Subscribed | Heard::Nothing => {}
            }
        }
    }
}

/// Waits until the subscriptions are confirmed, and then for the first complete slot:
/// the slot and its chain time.
async fn subscribed(line: &mut Line) -> Result<(u64, UnixSeconds), FeedEnd> {
    let mut missing = line.subscriptions();
    loop {
        match line.hear().await? {
            Heard::Subscribed => missing = missing.saturating_sub(1),
            // Nothing is covered before this slot, so that earlier changes need
            // not be remembered: what is read from here on includes them.
            Heard::Complete(slot, time) if missing == 0 => return Ok((slot, time)),
            _ => {}
        }
    }
}
