//! How long a connection that outlives its request may stay: as long as the access
//! on which it rests.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tollgate_client::{Entitlement, EntitlementStatus, UnixSeconds};

use crate::app::App;
use crate::chain::{Freshness, Key};

/// How often an open connection's access is looked at again: with the age of what is
/// remembered the bound on how long it outlives a revocation.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The access that a connection rests on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tenure {
    key: Key,
    /// When it ends by what was last read; `None`: never.
    ends: Option<Instant>,
}

impl Tenure {
    /// That of an entitlement at `chain_time`, which is now.
    pub(crate) fn new(key: Key, entitlement: &Entitlement, chain_time: UnixSeconds) -> Self {
        Self {
            key,
            ends: end(entitlement, chain_time),
        }
    }

    /// Returns when the access has expired or was revoked. A payment that extends it
    /// in time extends the connection; while the chain cannot be read, what was read
    /// last stands. (Credits play no part: the call was paid for when it began.)
    pub(crate) async fn over(mut self, app: Arc<App>) {
        loop {
            let now = Instant::now();
            let left = self
                .ends
                .map_or(LOOK_AGAIN, |ends| ends.saturating_duration_since(now));
            sleep(left.min(LOOK_AGAIN)).await;
            if let Ok(observed) = app.cache.get(self.key, Freshness::Remembered).await {
                match &observed.reading.entitlement {
                    Some(entitlement) if entitlement.status != EntitlementStatus::Revoked => {
                        self.ends = end(entitlement, observed.chain_time);
                    }
                    _ => return,
                }
            }
            if self.ends.is_some_and(|ends| ends <= Instant::now()) {
                return;
            }
        }
    }
}

fn end(entitlement: &Entitlement, chain_time: UnixSeconds) -> Option<Instant> {
    if entitlement.expires_at == UnixSeconds::NEVER {
        return None;
    }
    let seconds = entitlement.expires_at.0.saturating_sub(chain_time.0);
    let left = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    // Too far away for this machine's clock is never.
    Instant::now().checked_add(left)
}
