//! Waking the booking when much has been used.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tollgate_client::Credits;

/// Counts credits until there are enough for a booking ahead of its time.
pub(super) struct Wake {
    threshold: Credits,
    since: AtomicU64,
    notify: Notify,
}

impl Wake {
    pub(super) fn new(threshold: Credits) -> Self {
        Self {
            threshold,
            since: AtomicU64::new(0),
            notify: Notify::new(),
        }
    }

    /// Counts used credits.
    pub(super) fn used(&self, credits: Credits) {
        let before = self.since.fetch_add(credits.0, Ordering::Relaxed);
        if before.saturating_add(credits.0) >= self.threshold.0 {
            self.notify.notify_one();
        }
    }

    /// Begins to count anew.
    pub(super) fn reset(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    /// Waits until there are enough.
    pub(super) async fn enough(&self) {
        self.notify.notified().await;
    }
}
