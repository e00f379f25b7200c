//! Ending reservations behind the callers' backs: an answer does not wait for it.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use tokio::sync::{mpsc, watch};
use tracing::warn;

use super::store::{CreditStore, Settled, Settlement};
use super::tally::Tally;
use super::wake::Wake;

/// How many settlements may wait. More than that are dropped: their credits count
/// as used, which is what a lost settlement means.
const MAX_WAITING: usize = 16_384;

/// How many are with the store at the same time.
const AT_ONCE: usize = 128;

/// How often one is tried, and how long after a failure.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(300);

/// Where settlements are handed in. Cheap to clone.
#[derive(Clone)]
pub(super) struct Settling {
    store: Arc<dyn CreditStore>,
    queue: mpsc::Sender<Settled>,
    waiting: watch::Sender<usize>,
    tally: Arc<Tally>,
    wake: Arc<Wake>,
}

impl Settling {
    /// The entrance, and the work behind it, which lasts until every clone of the
    /// entrance is gone.
    pub(super) fn new(
        store: Arc<dyn CreditStore>,
        tally: Arc<Tally>,
        wake: Arc<Wake>,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (queue, queued) = mpsc::channel(MAX_WAITING);
        let waiting = watch::Sender::new(0);
        let entrance = Self {
            store: Arc::clone(&store),
            queue,
            waiting: waiting.clone(),
            tally: Arc::clone(&tally),
            wake,
        };
        let work = async move {
            stream::unfold(queued, async |mut queued| {
                queued.recv().await.map(|settled| (settled, queued))
            })
            .for_each_concurrent(AT_ONCE, |settled| {
                let (store, tally, waiting) = (&store, &tally, &waiting);
                async move {
                    settle(&**store, settled, tally).await;
                    waiting.send_modify(|count| *count = count.saturating_sub(1));
                }
            })
            .await;
        };
        (entrance, work)
    }

    /// Hands one in.
    pub(super) fn settle(&self, settled: Settled) {
        if settled.settlement == Settlement::Commit {
            self.tally.used.add(settled.cost.0);
            self.wake.used(settled.cost);
        }
        if self.store.settle_at_once(settled) {
            return;
        }
        self.waiting.send_modify(|count| *count += 1);
        if self.queue.try_send(settled).is_err() {
            self.waiting
                .send_modify(|count| *count = count.saturating_sub(1));
            self.tally.settlements_lost.add(1);
        }
    }

    /// Whether something waits to be settled.
    pub(super) fn is_busy(&self) -> bool {
        *self.waiting.borrow() > 0
    }

    /// Waits until everything that was handed in is settled or given up.
    pub(super) async fn settled(&self) {
        let mut waiting = self.waiting.subscribe();
        let _ = waiting.wait_for(|count| *count == 0).await;
    }
}

async fn settle(store: &dyn CreditStore, settled: Settled, tally: &Tally) {
    for attempt in 1..=TRIES {
        match store.settle(settled).await {
            Ok(()) => return,
            Err(error) if attempt == TRIES => {
                warn!(%error, entitlement = %settled.entitlement, "credits in flight count as used");
                tally.settlements_lost.add(1);
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

impl std::fmt::Debug for Settling {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Settling")
            .field("waiting", &*self.waiting.borrow())
            .finish_non_exhaustive()
    }
}
