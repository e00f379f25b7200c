//! Watching that what was granted becomes final.
//!
//! A grant at `confirmed` may, in theory, be taken back by the cluster. So every key
//! that access was granted for is read once more when its slot is final, and what the
//! finalized chain does not know is not served any longer.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{error, warn};

use super::KEYS_PER_CALL;
use super::cache::{Ask, EntitlementCache};
use super::ledger::Finality;
use super::question::Key;
use super::rpc::{Pool, SLOT_TIME};

/// How often the list is looked at.
const EVERY: Duration = Duration::from_millis(500);

/// The newest finalized slot that was seen.
#[derive(Clone, Copy)]
struct Known {
    slot: u64,
    seen: Instant,
}

impl Known {
    /// The slot that is final by now, as slots go. A guess: the answer decides.
    fn guess(&self) -> u64 {
        let passed = self.seen.elapsed().as_millis() / SLOT_TIME.as_millis().max(1);
        self.slot
            .saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
    }
}

/// Watches until `stop`.
pub(crate) async fn watch(cache: EntitlementCache<Pool>, mut stop: watch::Receiver<bool>) {
    let mut known: Option<Known> = None;
    loop {
        tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        // As many calls as it takes, one at a time, while they bring something.
        loop {
            // Before the first answer nobody knows what is final: any key tells.
            let final_slot = known.map_or(u64::MAX, |known| known.guess());
            let due = cache.watched().take_due(final_slot, KEYS_PER_CALL);
            if due.is_empty() {
                break;
            }
            let Some((slot, settled)) = check(&cache, &due).await else {
                break;
            };
            known = Some(Known {
                slot,
                seen: Instant::now(),
            });
            if settled == 0 {
                break;
            }
        }
    }
}

/// Reads keys at `finalized`; returns the slot of the answer and how many of the keys
/// need no more watching.
async fn check(cache: &EntitlementCache<Pool>, due: &[(Key, u64)]) -> Option<(u64, usize)> {
    let asks: Vec<Ask> = due
        .iter()
        .map(|(key, _)| Ask {
            key: *key,
            claim: 0,
            as_of: 0,
        })
        .collect();
    let began = cache.memory().now();
    let answer = match cache.reader().finalized(&asks).await {
        Ok(answer) => answer,
        Err(failure) => {
            warn!(code = failure.code(), %failure, "finality could not be checked");
            for (key, slot) in due {
                cache.watched().add(*key, *slot);
            }
            return None;
        }
    };
    let (slot, time, entitlements) = answer;
    let counters = cache.counters();
    let mut settled = 0;
    for ((key, granted_at), found) in due.iter().zip(entitlements) {
        let Some(found) = found else {
            // Not what its address promises: no word about anything.
            cache.watched().add(*key, *granted_at);
            continue;
        };
        let verdict = cache
            .memory()
            .finalized(key, found.as_ref(), slot, time, began);
        match verdict {
            Finality::Pending(until) => {
                cache.watched().add(*key, until);
                continue;
            }
            Finality::Final => counters.finalized.one(),
            Finality::Gone => {}
            Finality::Withdrawn => {
                counters.finality_evictions.one();
                error!(
                    product = %key.product,
                    beneficiary = %key.beneficiary,
                    granted_at,
                    finalized_slot = slot,
                    "what was granted is not there on the finalized chain: it is not served any more"
                );
            }
        }
        settled += 1;
    }
    Some((slot, settled))
}
