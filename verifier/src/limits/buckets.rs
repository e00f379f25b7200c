//! Token buckets in bounded memory.
//!
//! A bucket is one number: the time at which it will be full again, were nobody to
//! ask (the generic cell rate algorithm, ITU-T I.371). Taking a token moves that
//! time by the interval between two tokens; a request that would move it further
//! ahead than the burst allows is refused and moves nothing.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::Instant;
use tollgate_client::DurationSeconds;

/// How often somebody may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    interval_nanos: u64,
    burst_nanos: u64,
}

impl Rate {
    /// `per_minute` requests in the long run, `burst` at once; both at least 1.
    pub(crate) fn new(per_minute: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(60) / per_minute.max(1);
        let interval_nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
        Self {
            interval_nanos,
            burst_nanos: interval_nanos.saturating_mul(u64::from(burst.max(1))),
        }
    }
}

/// A bucket for each key that was seen lately.
pub(crate) struct Buckets<K> {
    epoch: Instant,
    full_at: Cache<K, Arc<AtomicU64>>,
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    /// Remembers about `most` keys. A key that is forgotten has a full bucket.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            epoch: Instant::now(),
            full_at: Cache::new(most),
        }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// Whole seconds (at least 1) until there is one again.
    pub(crate) fn take(&self, key: K, rate: Rate) -> Result<(), DurationSeconds> {
        let now = u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let bucket = match self.full_at.get(&key) {
            Some(bucket) => bucket,
            // Two callers may both come first; at worst one token is given away.
            None => {
                let bucket = Arc::new(AtomicU64::new(0));
                self.full_at.insert(key, Arc::clone(&bucket));
                bucket
            }
        };
        let taken = bucket.fetch_update(Ordering::AcqRel, Ordering::Acquire, |full_at| {
            let next = full_at.max(now).saturating_add(rate.interval_nanos);
            (next - now <= rate.burst_nanos).then_some(next)
        });
        taken.map(|_| ()).map_err(|full_at| {
            let next = full_at.max(now).saturating_add(rate.interval_nanos);
            let wait = (next - now).saturating_sub(rate.burst_nanos);
            DurationSeconds(wait.div_ceil(1_000_000_000).max(1))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_the_rate() {
        let buckets = Buckets::new(100);
        let rate = Rate::new(60, 3);
        for _ in 0..3 {
            buckets.take("a", rate).unwrap();
        }
        assert_eq!(buckets.take("a", rate), Err(DurationSeconds(1)));
        // Somebody else is not concerned, and refusals cost nothing.
        buckets.take("b", rate).unwrap();
        for _ in 0..100 {
            assert!(buckets.take("a", rate).is_err());
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        buckets.take("a", rate).unwrap();
        assert!(buckets.take("a", rate).is_err());
        // Never more than the burst, however long the pause.
        tokio::time::advance(Duration::from_secs(3600)).await;
        for _ in 0..3 {
            buckets.take("a", rate).unwrap();
        }
        assert!(buckets.take("a", rate).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_that_is_said_is_enough_and_needed() {
        let buckets = Buckets::new(100);
        let slow = Rate::new(6, 1);
        buckets.take("a", slow).unwrap();
        assert_eq!(buckets.take("a", slow), Err(DurationSeconds(10)));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(buckets.take("a", slow), Err(DurationSeconds(1)));
        tokio::time::advance(Duration::from_secs(1)).await;
        buckets.take("a", slow).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded() {
        let buckets = Buckets::new(1000);
        for key in 0..100_000_u64 {
            let _ = buckets.take(key, Rate::new(60, 1));
        }
        assert!(buckets.full_at.len() <= 1000, "{}", buckets.full_at.len());
    }

    /// However many threads take at once, no more tokens come out than went in.
    #[test]
    fn nobody_gets_more_by_asking_in_parallel() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let _entered = runtime.enter();
        let buckets = Arc::new(Buckets::new(100));
        let rate = Rate::new(1, 500);
        buckets.take(7, rate).unwrap();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let buckets = Arc::clone(&buckets);
                let handle = runtime.handle().clone();
                std::thread::spawn(move || {
                    let _entered = handle.enter();
                    (0..1000).filter(|_| buckets.take(7, rate).is_ok()).count()
                })
            })
            .collect();
        let taken: usize = threads.into_iter().map(|t| t.join().unwrap()).sum();
        assert_eq!(taken, 499);
    }
}
