//! Bounded waiting: nothing in the suite waits forever.

use std::{future::Future, panic::Location, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use crate::failure::{Failure, Outcome};

/// How long to pause between two questions to the chain.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Waits for one future, at most for `limit`.
#[track_caller]
pub(crate) fn within<T>(
    limit: Duration,
    what: &str,
    future: impl Future<Output = T>,
) -> impl Future<Output = Outcome<T>> {
    let at = Location::caller();
    async move {
        timeout(limit, future).await.map_err(|_| Failure::Timeout {
            at,
            what: what.to_owned(),
            limit,
        })
    }
}

/// Asks again and again until there is an answer, at most for `limit`.
///
/// # Errors
/// The question's own error at once, [`Failure::Timeout`] when the answer stays out.
#[track_caller]
pub(crate) fn eventually<T, F, A>(
    limit: Duration,
    what: &str,
    mut ask: F,
) -> impl Future<Output = Outcome<T>>
where
    F: FnMut() -> A,
    A: Future<Output = Outcome<Option<T>>>,
{
    let at = Location::caller();
    async move {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
            if Instant::now() >= deadline {
                return Err(Failure::Timeout {
                    at,
                    what: what.to_owned(),
                    limit,
                });
            }
            sleep(POLL_INTERVAL).await;
        }
    }
}
