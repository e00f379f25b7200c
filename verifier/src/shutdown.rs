//! What has to be written down before the process ends.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tracing::{info, warn};

/// How long a hook may take when nothing else is said. The whole of shutting down has to end before the
/// process manager loses patience (systemd: 90 s).
pub(crate) const HOOK_DEADLINE: Duration = Duration::from_secs(10);

type Flush = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// What runs when no request is in flight any more, in the order in which it was
/// added: a hook may rely on those before it being through.
#[derive(Default)]
pub(crate) struct ShutdownHooks(Vec<Hook>);

struct Hook {
    name: &'static str,
    deadline: Duration,
    flush: Box<dyn FnOnce() -> Flush + Send + Sync>,
}

impl std::fmt::Debug for ShutdownHooks {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_list()
            .entries(self.0.iter().map(|hook| hook.name))
            .finish()
    }
}

impl ShutdownHooks {
    /// Adds a hook that may take `deadline`. `flush` returns why it could not write down what it had to.
    pub(crate) fn add<F>(
        &mut self,
        name: &'static str,
        deadline: Duration,
        flush: impl FnOnce() -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.0.push(Hook {
            name,
            deadline,
            flush: Box::new(move || Box::pin(flush())),
        });
    }

    /// Runs all of them and returns the names of those that failed; one that fails
    /// or hangs does not keep the others from running.
    pub(crate) async fn run(self) -> Vec<&'static str> {
        let mut failed = Vec::new();
        for hook in self.0 {
            let outcome = tokio::time::timeout(hook.deadline, (hook.flush)()).await;
            let reason = match outcome {
                Ok(Ok(())) => {
                    info!(hook = hook.name, "written down before the end");
                    continue;
                }
                Ok(Err(reason)) => reason,
                Err(_) => "it took too long".to_owned(),
            };
            warn!(
                hook = hook.name,
                reason, "could not be written down before the end"
            );
            failed.push(hook.name);
        }
        failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex, PoisonError};

    #[tokio::test(start_paused = true)]
    async fn hooks_run_in_order_and_a_bad_one_stops_nobody() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let note = |what: &'static str| {
            let seen = Arc::clone(&seen);
            move || async move {
                seen.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(what);
                Ok(())
            }
        };
        let mut hooks = ShutdownHooks::default();
        hooks.add("first", HOOK_DEADLINE, note("first"));
        hooks.add("failing", HOOK_DEADLINE, || async {
            Err("disk full".to_owned())
        });
        hooks.add("hanging", HOOK_DEADLINE, std::future::pending);
        hooks.add("last", HOOK_DEADLINE, note("last"));
        assert_eq!(hooks.run().await, ["failing", "hanging"]);
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(*seen, ["first", "last"]);
    }
}
