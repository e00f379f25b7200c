//! The cache's rules, each with a scripted reader and paused time. (The same
//! against a real RPC endpoint: `verifier/tests/chain_faults.rs`.)
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::sync::atomic::AtomicUsize;

use tokio::sync::Notify;
use tollgate_client::{Credits, Entitlement, EntitlementStatus};

use super::*;

const STALENESS: Duration = Duration::from_secs(2);

fn key() -> Key {
    Key {
        product: Pubkey::new_from_array([1; 32]),
        beneficiary: Pubkey::new_from_array([2; 32]),
    }
}

fn reading(slot: u64, chain_time: i64, expires_at: Option<i64>) -> EntitlementReading {
    let entitlement = expires_at.map(|expires_at| {
        let mut entitlement = Entitlement::empty(
            Pubkey::default(),
            key().product,
            key().beneficiary,
            Pubkey::default(),
            255,
            UnixSeconds(0),
        );
        entitlement.status = EntitlementStatus::Active;
        entitlement.expires_at = UnixSeconds(expires_at);
        entitlement.credits_used = Credits(0);
        entitlement
    });
    EntitlementReading {
        slot,
        chain_time: UnixSeconds(chain_time),
        entitlement,
    }
}

/// Answers with what it is told to, counts, and can hold answers back.
#[derive(Default)]
struct Script {
    answer: Mutex<Option<EntitlementReading>>,
    reads: AtomicUsize,
    hold: Mutex<Option<Arc<Notify>>>,
}

impl Script {
    fn say(&self, reading: EntitlementReading) {
        *self.answer.lock().unwrap() = Some(reading);
    }

    fn fail(&self) {
        *self.answer.lock().unwrap() = None;
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

impl ReadEntitlement for Script {
    async fn read(&self, _: Key) -> Result<EntitlementReading, ChainError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        // What is read is decided when the read begins, as on a server.
        let answer = self.answer.lock().unwrap().clone();
        let hold = self.hold.lock().unwrap().clone();
        if let Some(hold) = hold {
            hold.notified().await;
        }
        answer.ok_or(ChainError::Timeout)
    }
}

fn cache(max_in_flight: usize) -> (Arc<Script>, EntitlementCache<Script>) {
    let script = Arc::new(Script::default());
    let cache = EntitlementCache::new(
        Arc::clone(&script),
        Arc::new(ChainHealth::new(Duration::from_secs(60))),
        CacheLimits {
            max_staleness: STALENESS,
            capacity: 100,
            max_in_flight,
            max_wait: Duration::from_secs(1),
        },
    );
    (script, cache)
}

async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[tokio::test(start_paused = true)]
async fn access_is_remembered_for_max_staleness_and_no_longer() {
    let (script, cache) = cache(4);
    script.say(reading(10, 1000, Some(5000)));
    assert!(
        cache
            .get(key(), Freshness::Remembered)
            .await
            .unwrap()
            .grants()
    );
    pass(STALENESS).await;
    assert!(
        cache
            .get(key(), Freshness::JustSignedIn)
            .await
            .unwrap()
            .grants()
    );
    assert_eq!(script.reads(), 1);
    // Revoked on chain: from here on the memory must not serve it.
    script.say(reading(20, 1002, None));
    pass(Duration::from_millis(1)).await;
    assert!(
        !cache
            .get(key(), Freshness::Remembered)
            .await
            .unwrap()
            .grants()
    );
    assert_eq!(script.reads(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_served_at_or_after_its_expiry() {
    let (script, cache) = cache(4);
    script.say(reading(10, 1000, Some(1001)));
    let observed = cache.get(key(), Freshness::Remembered).await.unwrap();
    assert!(observed.grants());
    assert_eq!(observed.chain_time, UnixSeconds(1000));
    pass(Duration::from_millis(1)).await;
    // A second has begun: the memory may no longer grant, nor may it refuse.
    let observed = cache.get(key(), Freshness::Remembered).await.unwrap();
    assert_eq!(script.reads(), 2);
    assert_eq!(observed.chain_time, UnixSeconds(1000));
}

#[tokio::test(start_paused = true)]
async fn absence_is_remembered_for_one_slot_only() {
    let (script, cache) = cache(4);
    script.say(reading(10, 1000, None));
    for _ in 0..5 {
        assert!(
            !cache
                .get(key(), Freshness::Remembered)
                .await
                .unwrap()
                .grants()
        );
    }
    assert_eq!(script.reads(), 1);
    script.say(reading(11, 1001, Some(5000)));
    pass(NEGATIVE_LIFETIME + Duration::from_millis(1)).await;
    assert!(
        cache
            .get(key(), Freshness::Remembered)
            .await
            .unwrap()
            .grants()
    );
    assert_eq!(script.reads(), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_just_signed_in_is_never_told_an_old_absence() {
    let (script, cache) = cache(4);
    script.say(reading(10, 1000, None));
    assert!(
        !cache
            .get(key(), Freshness::Remembered)
            .await
            .unwrap()
            .grants()
    );
    pass(Duration::from_millis(1)).await;
    script.say(reading(11, 1000, Some(5000)));
    assert!(
        cache
            .get(key(), Freshness::JustSignedIn)
            .await
            .unwrap()
            .grants()
    );
}

/// Asks, pays while the first read is under way, signs in: the sign-in must not
/// share the read that began before the payment.
#[tokio::test(start_paused = true)]
async fn a_read_that_began_before_the_payment_is_not_shared() {
    let (script, cache) = cache(4);
    let hold = Arc::new(Notify::new());
    *script.hold.lock().unwrap() = Some(Arc::clone(&hold));
    script.say(reading(10, 1000, None));
    let early = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get(key(), Freshness::Remembered).await }
    });
    pass(Duration::from_millis(10)).await;
    *script.hold.lock().unwrap() = None;
    script.say(reading(11, 1000, Some(5000)));
    assert!(
        cache
            .get(key(), Freshness::JustSignedIn)
            .await
            .unwrap()
            .grants()
    );
    hold.notify_one();
    // The early answer is older than what is known by now, so it is no answer.
    assert_eq!(early.await.unwrap().unwrap_err(), ReadFailure::Lagging);
    assert!(
        cache
            .get(key(), Freshness::Remembered)
            .await
            .unwrap()
            .grants()
    );
    assert_eq!(script.reads(), 2);
}

#[tokio::test(start_paused = true)]
async fn callers_share_a_read_and_survive_each_other() {
    let (script, cache) = cache(1);
    let hold = Arc::new(Notify::new());
    *script.hold.lock().unwrap() = Some(Arc::clone(&hold));
    script.say(reading(10, 1000, Some(5000)));
    let mut callers: Vec<_> = (0..1000)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get(key(), Freshness::Remembered).await })
        })
        .collect();
    pass(Duration::from_millis(10)).await;
    // The caller who started the read goes away.
    callers.remove(0).abort();
    hold.notify_one();
    for caller in callers {
        assert!(caller.await.unwrap().unwrap().grants());
    }
    assert_eq!(script.reads(), 1);
    assert!(cache.shared.flights.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn failures_are_shared_but_not_remembered() {
    let (script, cache) = cache(4);
    script.fail();
    let (one, two) = tokio::join!(
        cache.get(key(), Freshness::Remembered),
        cache.get(key(), Freshness::Remembered)
    );
    assert_eq!(one.unwrap_err(), ReadFailure::Chain("rpc_timeout"));
    assert_eq!(two.unwrap_err(), ReadFailure::Chain("rpc_timeout"));
    assert_eq!(script.reads(), 1);
    script.say(reading(10, 1000, Some(5000)));
    assert!(
        cache
            .get(key(), Freshness::Remembered)
            .await
            .unwrap()
            .grants()
    );
}

#[tokio::test(start_paused = true)]
async fn the_number_of_reads_and_the_wait_for_one_are_bounded() {
    let (script, cache) = cache(1);
    let hold = Arc::new(Notify::new());
    *script.hold.lock().unwrap() = Some(Arc::clone(&hold));
    script.say(reading(10, 1000, None));
    let other = |number: u8| Key {
        product: Pubkey::new_from_array([1; 32]),
        beneficiary: Pubkey::new_from_array([number; 32]),
    };
    let asked: Vec<_> = (0..100)
        .map(|number| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get(other(number), Freshness::Remembered).await })
        })
        .collect();
    pass(Duration::from_secs(2)).await;
    assert_eq!(script.reads(), 1);
    hold.notify_one();
    let mut overloaded = 0;
    for task in asked {
        match task.await.unwrap() {
            Ok(observed) => assert!(!observed.grants()),
            Err(failure) => {
                assert_eq!(failure, ReadFailure::Overloaded);
                overloaded += 1;
            }
        }
    }
    assert_eq!(overloaded, 99);
}

#[tokio::test(start_paused = true)]
async fn a_lagging_server_is_no_reason_for_absence() {
    let (script, cache) = cache(4);
    script.say(reading(1000, 1000, Some(5000)));
    cache.get(key(), Freshness::Remembered).await.unwrap();
    pass(STALENESS * 2).await;
    script.say(reading(999, 999, None));
    assert_eq!(
        cache.get(key(), Freshness::Remembered).await.unwrap_err(),
        ReadFailure::Lagging
    );
    // Somebody else, whom that server has never heard of.
    let other = Key {
        product: key().product,
        beneficiary: Pubkey::new_from_array([9; 32]),
    };
    script.say(reading(1000 - MAX_LAG_SLOTS - 1, 999, None));
    assert_eq!(
        cache.get(other, Freshness::Remembered).await.unwrap_err(),
        ReadFailure::Lagging
    );
    // After a minute the chain may have begun anew.
    pass(SLOT_MEMORY).await;
    assert!(
        !cache
            .get(other, Freshness::Remembered)
            .await
            .unwrap()
            .grants()
    );
}
