//! Making what is known complete after a feed began.

use tollgate_client::{Entitlement, Pubkey};
use tracing::{info, warn};

use crate::chain::KEYS_PER_CALL;
use crate::chain::cache::EntitlementCache;
use crate::chain::ledger::Source;
use crate::chain::question::Key;
use crate::chain::rpc::Pool;

/// Up to this many remembered grants are read again one batch at a time; more are
/// found by one search.
const MOST_BY_READS: usize = 2_000;

/// How often it is asked whether there is room left.
const ROOM_EVERY: usize = 1_024;

/// Reads again what was remembered before the feed began, and at the first feed
/// (`first`) learns all entitlements of the merchant: nobody has to be asked but the
/// chain who has paid. What cannot be had is read when it is asked for.
pub(super) async fn fill(
    cache: EntitlementCache<Pool>,
    merchant: Pubkey,
    since_slot: u64,
    warm_up: bool,
    first: bool,
) {
    let remembered = cache.memory().uncovered();
    if warm_up && (first || remembered.len() > MOST_BY_READS) {
        search(&cache, merchant, since_slot).await;
    }
    let keys = if warm_up {
        cache.memory().uncovered()
    } else {
        remembered
    };
    for keys in keys.chunks(KEYS_PER_CALL) {
        let read = cache.read_now(keys, since_slot).await;
        if read < keys.len() {
            // Without an answer they are read when they are asked for.
            warn!(
                missing = keys.len() - read,
                "filling a gap was not complete"
            );
        }
    }
}

async fn search(cache: &EntitlementCache<Pool>, merchant: Pubkey, since_slot: u64) {
    let mut taker = Taker::new(cache.clone());
    let taking = cache
        .reader()
        .snapshot(merchant, since_slot, move |entitlement, slot| {
            taker.take(entitlement, slot)
        });
    match taking.await {
        Ok(()) => info!(
            entitlements = cache.memory().len(),
            "all entitlements are known"
        ),
        Err(failure) => info!(
            code = failure.code(),
            %failure,
            "entitlements cannot be searched for: they are read when asked for"
        ),
    }
}

/// Remembers what a snapshot brings, as long as there is room.
pub(in crate::chain) struct Taker<R> {
    cache: EntitlementCache<R>,
    taken: usize,
}

impl<R> Clone for Taker<R> {
    fn clone(&self) -> Self {
        Self {
            cache: self.cache.clone(),
            taken: self.taken,
        }
    }
}

impl<R: crate::chain::cache::ReadBatch> Taker<R> {
    pub(in crate::chain) fn new(cache: EntitlementCache<R>) -> Self {
        Self { cache, taken: 0 }
    }

    /// Takes in one entitlement as of `slot`; false when there is no more room.
    pub(in crate::chain) fn take(&mut self, entitlement: &Entitlement, slot: u64) -> bool {
        let memory = self.cache.memory();
        let key = Key {
            product: entitlement.product,
            beneficiary: entitlement.beneficiary,
        };
        let usable = memory
            .view()
            .clock
            .is_none_or(|clock| entitlement.is_usable(clock.time));
        // What grants nothing is worth its room only where it ends a known grant.
        if !usable && !memory.knows(&key) {
            return true;
        }
        // As of its slot, which is newer than the feed's first: there is no read to
        // count an age from but this.
        let _ = memory.merge(&key, Some(entitlement), slot, Source::Read(memory.now()));
        self.cache.counters().warmed_up.one();
        self.taken = self.taken.saturating_add(1);
        !self.taken.is_multiple_of(ROOM_EVERY) || !memory.is_full()
    }
}
