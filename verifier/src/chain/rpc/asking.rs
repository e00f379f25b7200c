//! Asking one server after the other.

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use std::sync::Arc;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use super::{Endpoint, HEDGE_PART, Pool, RpcFailure};

/// What one server is asked.
pub(super) type Call<'a, T> = BoxFuture<'a, Result<T, RpcFailure>>;

/// A server and what came of asking it.
type Attempt<T> = (Arc<Endpoint>, Result<T, RpcFailure>);

impl Pool {
    /// Asks one server after another until `judge` is satisfied with an answer: the next
    /// one when one fails, or takes too long; all together until the deadline.
    ///
    /// # Errors
    /// What `judge` or the servers said last; [`RpcFailure::NoServer`] when `servers` is
    /// empty.
    pub(super) async fn ask<'a, T: Send + 'a>(
        &'a self,
        servers: Vec<Arc<Endpoint>>,
        call: impl Fn(Arc<Endpoint>) -> Call<'a, T> + Send,
        mut judge: impl FnMut(&Endpoint, T) -> Result<(), RpcFailure> + Send,
    ) -> Result<(), RpcFailure> {
        let started = Instant::now();
        let deadline = started + self.limits.deadline;
        let patience = self.limits.deadline / HEDGE_PART;
        let mut hedge = started + patience;
        let mut others = servers.into_iter();
        let mut running: FuturesUnordered<BoxFuture<'a, Attempt<T>>> = FuturesUnordered::new();
        let mut open: Vec<Arc<Endpoint>> = Vec::new();
        let mut worst = None;
        loop {
            let due = running.is_empty() || Instant::now() >= hedge;
            if due && let Some(next) = others.next() {
                hedge = Instant::now() + patience;
                next.begins();
                open.push(Arc::clone(&next));
                let asking = call(Arc::clone(&next));
                running.push(Box::pin(async move { (next, asking.await) }));
            } else if due && !running.is_empty() {
                // Nobody else to ask.
                hedge = deadline;
            }
            if running.is_empty() {
                return Err(worst.unwrap_or(RpcFailure::NoServer));
            }
            tokio::select! {
                biased;
                Some((endpoint, result)) = running.next() => {
                    open.retain(|other| !Arc::ptr_eq(other, &endpoint));
                    let judged = result.and_then(|answer| judge(&endpoint, answer));
                    let failure = judged.err();
                    endpoint.note(failure.as_ref());
                    let Some(failure) = failure else {
                        // Whoever was overtaken had its chance.
                        for slow in open {
                            slow.note(Some(&RpcFailure::Timeout));
                        }
                        return Ok(());
                    };
                    warn!(
                        endpoint = endpoint.shown(),
                        code = failure.code(),
                        %failure,
                        "an RPC server gave no usable answer"
                    );
                    worst = Some(worse(worst, failure));
                    // The next one at once.
                    hedge = Instant::now();
                }
                () = sleep_until(hedge.min(deadline)) => {
                    if Instant::now() >= deadline {
                        for slow in open {
                            slow.note(Some(&RpcFailure::Timeout));
                        }
                        return Err(worse(worst, RpcFailure::Timeout));
                    }
                }
            }
        }
    }
}

/// Which of two failures is reported. Another cluster is reported only when every
/// server serves another: one that is merely down may be the right one. That servers
/// contradict each other is never hidden.
fn worse(known: Option<RpcFailure>, new: RpcFailure) -> RpcFailure {
    match known {
        Some(known @ RpcFailure::Contradicts) => known,
        Some(known) if matches!(new, RpcFailure::WrongCluster { .. }) => known,
        Some(known @ RpcFailure::Behind) if new != RpcFailure::Contradicts => known,
        _ => new,
    }
}
