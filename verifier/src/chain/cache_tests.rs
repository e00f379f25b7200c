//! The cache's rules, each with a scripted reader and paused time. (The same against
//! real RPC endpoints and a real feed: `verifier/tests/cache`.)
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tollgate_client::{Amount, Credits, Entitlement, EntitlementStatus, Pubkey, UnixSeconds};

use super::*;
use crate::chain::ledger::LedgerLimits;
use crate::chain::memory::MemoryLimits;
use crate::config::SecretUrl;

#[path = "cache_claims_tests.rs"]
mod claims;

const STALENESS: Duration = Duration::from_secs(2);
const NEGATIVE_LIFETIME: Duration = Duration::from_millis(400);
const SLOT_MEMORY: Duration = Duration::from_secs(60);

fn key_of(beneficiary: u16) -> Key {
    let mut bytes = [2; 32];
    bytes[..2].copy_from_slice(&beneficiary.to_le_bytes());
    Key {
        product: Pubkey::new_from_array([1; 32]),
        beneficiary: Pubkey::new_from_array(bytes),
    }
}

fn key() -> Key {
    key_of(1)
}

/// What a server says of whoever is asked about.
#[derive(Clone, Copy)]
struct Said {
    slot: u64,
    chain_time: i64,
    expires_at: Option<i64>,
}

fn said(slot: u64, chain_time: i64, expires_at: Option<i64>) -> Said {
    Said {
        slot,
        chain_time,
        expires_at,
    }
}

impl Said {
    fn of(self, key: &Key) -> Answer {
        let entitlement = self.expires_at.map(|expires_at| {
            let mut entitlement = Entitlement::empty(
                Pubkey::default(),
                key.product,
                key.beneficiary,
                Pubkey::default(),
                255,
                UnixSeconds(0),
            );
            entitlement.status = EntitlementStatus::Active;
            entitlement.expires_at = UnixSeconds(expires_at);
            entitlement.credits_used = Credits(0);
            entitlement
        });
        Answer {
            entitlement,
            slot: self.slot,
            chain_time: UnixSeconds(self.chain_time),
            behind: Duration::ZERO,
            provider: provider(),
        }
    }
}

fn provider() -> Provider {
    Provider::of(&SecretUrl::parse("http://first.test").unwrap())
}

/// Answers with what it is told to, counts, and can hold answers back.
#[derive(Default)]
struct Script {
    /// What another provider says of grants; `None`: there is none.
    second: Mutex<Option<ReadFailure>>,
    seconds: AtomicUsize,
    answer: Mutex<Option<Said>>,
    calls: AtomicUsize,
    keys: AtomicUsize,
    hold: Mutex<Option<Arc<Notify>>>,
}

impl Script {
    fn say(&self, said: Said) {
        *self.answer.lock().unwrap() = Some(said);
    }

    fn fail(&self) {
        *self.answer.lock().unwrap() = None;
    }

    fn hold(&self) -> Arc<Notify> {
        let hold = Arc::new(Notify::new());
        *self.hold.lock().unwrap() = Some(Arc::clone(&hold));
        hold
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl ReadBatch for Script {
    async fn read(&self, asks: &[Ask]) -> Vec<Result<Answer, ReadFailure>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.keys.fetch_add(asks.len(), Ordering::SeqCst);
        assert!(asks.len() <= KEYS_PER_CALL);
        // What is read is decided when the read begins, as on a server.
        let answer = *self.answer.lock().unwrap();
        let hold = self.hold.lock().unwrap().clone();
        if let Some(hold) = hold {
            hold.notified().await;
        }
        asks.iter()
            .map(|ask| match answer {
                Some(said) => Ok(said.of(&ask.key)),
                None => Err(ReadFailure::Chain("rpc_timeout")),
            })
            .collect()
    }

    async fn confirm(&self, grants: &[Grant]) -> Vec<Result<(), ReadFailure>> {
        self.seconds.fetch_add(1, Ordering::SeqCst);
        let opinion = *self.second.lock().unwrap();
        vec![opinion.map_or(Ok(()), Err); grants.len()]
    }
}

type Cache = EntitlementCache<Script>;

fn cache_with(max_in_flight: usize, outage_grace: Duration) -> (Arc<Script>, Cache) {
    let script = Arc::new(Script::default());
    let cache = EntitlementCache::new(
        Arc::clone(&script),
        Arc::new(ChainHealth::new(Duration::from_secs(60))),
        Arc::new(ChainCounters::default()),
        CacheLimits {
            memory: MemoryLimits {
                ledger: LedgerLimits {
                    capacity: 20_000,
                    max_staleness: STALENESS,
                    slot_memory: SLOT_MEMORY,
                },
                negative_lifetime: NEGATIVE_LIFETIME,
                outage_grace,
            },
            max_in_flight,
            max_wait: Duration::from_secs(1),
            reads_finalized: false,
        },
    );
    (script, cache)
}

fn cache(max_in_flight: usize) -> (Arc<Script>, Cache) {
    cache_with(max_in_flight, Duration::ZERO)
}

async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

async fn grants(cache: &Cache, freshness: Freshness) -> bool {
    cache.get(key(), freshness).await.unwrap().grants()
}

#[tokio::test(start_paused = true)]
async fn access_is_remembered_for_max_staleness_and_no_longer() {
    let (script, cache) = cache(4);
    script.say(said(10, 1000, Some(5000)));
    assert!(grants(&cache, Freshness::Remembered).await);
    pass(STALENESS).await;
    assert!(grants(&cache, Freshness::Proven).await);
    assert_eq!(script.calls(), 1);
    // Revoked on chain: from here on the memory must not serve it.
    script.say(said(20, 1002, None));
    pass(Duration::from_millis(1)).await;
    assert!(!grants(&cache, Freshness::Remembered).await);
    assert_eq!(script.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_served_at_or_after_its_expiry() {
    let (script, cache) = cache(4);
    script.say(said(10, 1000, Some(1001)));
    let observed = cache.get(key(), Freshness::Remembered).await.unwrap();
    assert!(observed.grants());
    assert_eq!(observed.chain_time, UnixSeconds(1000));
    pass(Duration::from_millis(1)).await;
    // A second has begun: the memory may no longer grant, nor may it refuse.
    let observed = cache.get(key(), Freshness::Remembered).await.unwrap();
    assert_eq!(script.calls(), 2);
    assert_eq!(observed.chain_time, UnixSeconds(1000));
}

#[tokio::test(start_paused = true)]
async fn absence_is_remembered_for_one_slot_only() {
    let (script, cache) = cache(4);
    script.say(said(10, 1000, None));
    for _ in 0..5 {
        assert!(!grants(&cache, Freshness::Remembered).await);
    }
    assert_eq!(script.calls(), 1);
    script.say(said(11, 1001, Some(5000)));
    pass(NEGATIVE_LIFETIME + Duration::from_millis(1)).await;
    assert!(grants(&cache, Freshness::Remembered).await);
    assert_eq!(script.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_just_signed_in_is_never_told_an_old_absence() {
    let (script, cache) = cache(4);
    script.say(said(10, 1000, None));
    assert!(!grants(&cache, Freshness::Remembered).await);
    pass(Duration::from_millis(1)).await;
    script.say(said(11, 1000, Some(5000)));
    assert!(grants(&cache, Freshness::Proven).await);
}

/// Who says "I paid in slot 12" is not told what was true in slot 11.
#[tokio::test(start_paused = true)]
async fn a_claim_of_payment_is_not_refused_on_the_word_of_an_earlier_slot() {
    let (script, cache) = cache(4);
    script.say(said(11, 1000, None));
    let early = cache.get(key(), Freshness::Claimed(12)).await;
    assert_eq!(early.unwrap_err(), ReadFailure::Lagging);
    // Others may be told.
    assert!(!grants(&cache, Freshness::Remembered).await);
    script.say(said(12, 1000, None));
    assert!(!grants(&cache, Freshness::Claimed(12)).await);
    script.say(said(13, 1000, Some(5000)));
    assert!(grants(&cache, Freshness::Claimed(13)).await);
    // What grants is served, whatever is claimed: nobody is refused by it.
    let calls = script.calls();
    assert!(grants(&cache, Freshness::Claimed(999)).await);
    assert_eq!(script.calls(), calls);
}

/// Asks, pays while the first read is under way, signs in: the sign-in must not
/// share the read that began before the payment.
#[tokio::test(start_paused = true)]
async fn a_read_that_began_before_the_payment_is_not_shared() {
    let (script, cache) = cache(4);
    let hold = script.hold();
    script.say(said(10, 1000, None));
    let early = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get(key(), Freshness::Remembered).await }
    });
    pass(Duration::from_millis(10)).await;
    *script.hold.lock().unwrap() = None;
    script.say(said(11, 1000, Some(5000)));
    assert!(grants(&cache, Freshness::Proven).await);
    hold.notify_one();
    // The early answer is older than what is known by now, so that is the answer.
    assert!(early.await.unwrap().unwrap().grants());
    assert!(grants(&cache, Freshness::Remembered).await);
    assert_eq!(script.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn callers_share_a_read_and_survive_each_other() {
    let (script, cache) = cache(1);
    let hold = script.hold();
    script.say(said(10, 1000, Some(5000)));
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
    assert_eq!(script.calls(), 1);
    assert!(cache.shared.desk().is_clear());
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_different_misses_cost_one_call_for_ninety_nine() {
    let (script, cache) = cache(64);
    script.say(said(10, 1000, Some(5000)));
    let callers: Vec<_> = (0..10_000)
        .map(|number| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get(key_of(number), Freshness::Proven).await })
        })
        .collect();
    for caller in callers {
        assert!(caller.await.unwrap().unwrap().grants());
    }
    assert_eq!(script.keys.load(Ordering::SeqCst), 10_000);
    assert_eq!(script.calls(), 10_000_usize.div_ceil(KEYS_PER_CALL));
    // From here on they are known: no call at all.
    for number in 0..10_000 {
        let known = cache.get(key_of(number), Freshness::Proven).await;
        assert!(known.unwrap().grants());
    }
    assert_eq!(script.calls(), 10_000_usize.div_ceil(KEYS_PER_CALL));
    assert_eq!(cache.counters().hits.get(), 10_000);
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
    assert_eq!(script.calls(), 1);
    script.say(said(10, 1000, Some(5000)));
    assert!(grants(&cache, Freshness::Remembered).await);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_reads_and_the_wait_for_one_are_bounded() {
    let (script, cache) = cache(1);
    let hold = script.hold();
    script.say(said(10, 1000, None));
    let asked: Vec<_> = (0..300)
        .map(|number| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get(key_of(number), Freshness::Remembered).await })
        })
        .collect();
    pass(Duration::from_secs(2)).await;
    assert_eq!(script.calls(), 1);
    hold.notify_one();
    let (mut answered, mut overloaded) = (0, 0);
    for task in asked {
        match task.await.unwrap() {
            Ok(observed) => {
                assert!(!observed.grants());
                answered += 1;
            }
            Err(failure) => {
                assert_eq!(failure, ReadFailure::Overloaded);
                overloaded += 1;
            }
        }
    }
    // One full call went out; a second waited in vain; the rest was turned away.
    assert_eq!((answered, overloaded), (KEYS_PER_CALL, 300 - KEYS_PER_CALL));
    assert!(cache.shared.desk().is_clear());
}

#[tokio::test(start_paused = true)]
async fn a_lagging_server_does_not_unmake_what_is_known() {
    let (script, cache) = cache(4);
    script.say(said(1000, 1000, Some(5000)));
    assert!(grants(&cache, Freshness::Remembered).await);
    pass(STALENESS * 2).await;
    script.say(said(999, 999, None));
    let lagging = cache.get(key(), Freshness::Remembered).await;
    assert_eq!(lagging.unwrap_err(), ReadFailure::Lagging);
    // After a minute the chain may have begun anew.
    pass(SLOT_MEMORY).await;
    assert!(!grants(&cache, Freshness::Remembered).await);
}

#[tokio::test(start_paused = true)]
async fn two_answers_of_one_slot_that_differ_are_no_answer_until_a_third() {
    let (script, cache) = cache(4);
    script.say(said(10, 1000, Some(5000)));
    assert!(grants(&cache, Freshness::Remembered).await);
    pass(STALENESS * 2).await;
    script.say(said(10, 1000, None));
    let unclear = cache.get(key(), Freshness::Remembered).await;
    assert_eq!(unclear.unwrap_err(), ReadFailure::Lagging);
    assert!(!grants(&cache, Freshness::Remembered).await);
}

/// With every server gone, access that is known is served for the configured grace,
/// never at or after its expiry; and what is not known is unknown.
#[tokio::test(start_paused = true)]
async fn an_outage_is_bridged_for_known_access_until_the_grace_or_the_expiry_ends() {
    let grace = Duration::from_secs(100);
    let (script, cache) = cache_with(4, grace);
    script.say(said(10, 1000, Some(1050)));
    assert!(grants(&cache, Freshness::Remembered).await);
    let forever = key_of(2);
    script.say(said(10, 1000, Some(9_999)));
    assert!(
        cache
            .get(forever, Freshness::Remembered)
            .await
            .unwrap()
            .grants()
    );
    script.fail();
    pass(Duration::from_secs(45)).await;
    assert!(grants(&cache, Freshness::Remembered).await);
    let unknown = cache.get(key_of(3), Freshness::Remembered).await;
    assert_eq!(unknown.unwrap_err(), ReadFailure::Chain("rpc_timeout"));
    pass(Duration::from_secs(5)).await;
    let expired = cache.get(key(), Freshness::Remembered).await;
    assert_eq!(expired.unwrap_err(), ReadFailure::Chain("rpc_timeout"));
    assert!(
        cache
            .get(forever, Freshness::Remembered)
            .await
            .unwrap()
            .grants()
    );
    pass(grace).await;
    let too_long = cache.get(forever, Freshness::Remembered).await;
    assert_eq!(too_long.unwrap_err(), ReadFailure::Chain("rpc_timeout"));
}
