//! The chain's time: that of the machine, moved by as much as a test wants.

use solana_clock::UnixTimestamp;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// A clock in whole seconds. Clones are the same clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChainTime {
    /// Seconds ahead of the machine.
    ahead: Arc<AtomicI64>,
}

impl ChainTime {
    /// Seconds since 1970, on the chain.
    pub(crate) fn now(&self) -> UnixTimestamp {
        machine().saturating_add(self.ahead.load(Ordering::Relaxed))
    }

    /// Moves the clock so that it shows `now` and goes on from there.
    pub(crate) fn set(&self, now: UnixTimestamp) {
        self.ahead
            .store(now.saturating_sub(machine()), Ordering::Relaxed);
    }
}

fn machine() -> UnixTimestamp {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    UnixTimestamp::try_from(seconds).unwrap_or(UnixTimestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_goes_on_from_where_it_was_set() {
        let time = ChainTime::default();
        assert!((time.now() - machine()).abs() <= 1);
        time.clone().set(1_000);
        assert!((1_000..=1_001).contains(&time.now()));
    }
}
