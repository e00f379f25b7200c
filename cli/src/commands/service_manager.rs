//! What a service manager (systemd, by the protocol of `sd_notify`) is told of a
//! running service. Without one (no `NOTIFY_SOCKET`) nothing is said.

use std::time::Duration;

use tollgate_verifier::{ReloadError, RunningVerifier};

#[cfg(target_os = "linux")]
use sd_notify::NotifyState;

/// The service manager that started this process, if one did.
pub(super) struct ServiceManager;

impl ServiceManager {
    /// The service listens; those that wait for it may go on.
    pub(super) fn started(&self, verifier: &RunningVerifier) {
        let status = format!("serving at {}", verifier.local_addr());
        tell(Event::Ready, &status);
    }

    /// The configuration is being read again.
    pub(super) fn reloading(&self) {
        tell(Event::Reloading, "reading the configuration");
    }

    /// A reload is over, whatever came of it: the service serves.
    pub(super) fn reloaded(&self, outcome: &Result<(), ReloadError>) {
        let status = match outcome {
            Ok(()) => "serving; the new configuration is in force".to_owned(),
            Err(error) => format!(
                "serving; the new configuration is refused ({})",
                error.code()
            ),
        };
        tell(Event::Ready, &status);
    }

    /// The service finishes what is in progress and ends.
    pub(super) fn stopping(&self) {
        tell(Event::Stopping, "finishing requests in flight");
    }

    /// Shows life, twice in the time after which the manager would end the service, for
    /// as long as there is life to show. Never returns.
    pub(super) async fn show_life(&self, verifier: &RunningVerifier) {
        let Some(limit) = watchdog_limit() else {
            return std::future::pending().await;
        };
        let interval = limit / 2;
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // An answer that takes longer would come too late for the next tick.
            if verifier.is_alive(interval).await {
                tell(Event::Alive, "");
            } else {
                tracing::error!("the service does not answer itself");
            }
        }
    }
}

/// What there is to tell.
enum Event {
    Ready,
    Reloading,
    Stopping,
    Alive,
}

#[cfg(target_os = "linux")]
fn tell(event: Event, status: &str) {
    let mut states = Vec::new();
    match event {
        Event::Ready => states.push(NotifyState::Ready),
        Event::Reloading => {
            states.push(NotifyState::Reloading);
            // By which the manager knows that its own order was meant.
            states.extend(NotifyState::monotonic_usec_now());
        }
        Event::Stopping => states.push(NotifyState::Stopping),
        Event::Alive => states.push(NotifyState::Watchdog),
    }
    if !status.is_empty() {
        states.push(NotifyState::Status(status));
    }
    if let Err(error) = sd_notify::notify(&states) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

#[cfg(target_os = "linux")]
fn watchdog_limit() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())
}

/// Elsewhere nobody listens.
#[cfg(not(target_os = "linux"))]
fn tell(_: Event, _: &str) {}

#[cfg(not(target_os = "linux"))]
fn watchdog_limit() -> Option<Duration> {
    None
}
