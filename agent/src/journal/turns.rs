//! One purchase of a product for a key at a time.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use tokio::sync::OwnedMutexGuard;
use tollgate_client::Pubkey;

/// Who buys, and what.
type Purchase = (Pubkey, Pubkey);

/// A queue for each purchase that somebody is at.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<Purchase, Weak<tokio::sync::Mutex<()>>>>);

/// While a clone of it lives, nobody else buys the same.
#[derive(Clone, Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "held, not read")] Arc<OwnedMutexGuard<()>>);

impl Turns {
    /// Waits for the end of the purchase before.
    pub(super) async fn take(&self, purchase: Purchase) -> Turn {
        let queue = self.queue(purchase);
        Turn(Arc::new(queue.lock_owned().await))
    }

    fn queue(&self, purchase: Purchase) -> Arc<tokio::sync::Mutex<()>> {
        let mut queues = self.0.lock();
        // A guard and everybody who waits hold their queue.
        queues.retain(|_, queue| queue.strong_count() > 0);
        let queue = queues.get(&purchase).and_then(Weak::upgrade);
        queue.unwrap_or_else(|| {
            let queue = Arc::default();
            queues.insert(purchase, Arc::downgrade(&queue));
            queue
        })
    }
}
