//! When the chain was last read successfully.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::metrics::{Sample, SampleSource, SampleValue};

/// Shared by everything that reads the chain on behalf of requests. An RPC
/// server's own `getHealth` is not asked: servers have answered "ok" while their
/// account reads failed.
#[derive(Debug)]
pub(crate) struct ChainHealth {
    ready_within: Duration,
    last_success: Mutex<Option<Instant>>,
}

impl SampleSource for ChainHealth {
    fn samples(&self) -> Vec<Sample> {
        let age = self.age().map_or(f64::INFINITY, |age| age.as_secs_f64());
        vec![Sample {
            name: "chain_last_read_age_seconds",
            help: "How long ago the chain was last read successfully",
            value: SampleValue::Gauge(age),
        }]
    }
}

impl ChainHealth {
    pub(crate) fn new(ready_within: Duration) -> Self {
        Self {
            ready_within,
            last_success: Mutex::new(None),
        }
    }

    /// A critical read succeeded.
    pub(crate) fn succeeded(&self) {
        let mut last = self
            .last_success
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last = Some(Instant::now());
    }

    /// How long ago that was; `None` when never.
    pub(crate) fn age(&self) -> Option<Duration> {
        let last = self
            .last_success
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        last.map(|last| last.elapsed())
    }

    /// Whether it was recent enough to take requests.
    pub(crate) fn is_ready(&self) -> bool {
        self.age().is_some_and(|age| age <= self.ready_within)
    }
}
