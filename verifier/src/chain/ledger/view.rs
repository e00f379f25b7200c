//! What holds for all entries at once: how far the feed reaches, and chain time.

use std::time::Duration;

use tollgate_client::UnixSeconds;

use crate::chain::question::Moment;

/// After this time without a newer slot an older one's clock is taken.
const CLOCK_MEMORY: Duration = Duration::from_secs(60);

/// The newest that is known of the chain's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockReading {
    pub(crate) slot: u64,
    pub(crate) time: UnixSeconds,
    /// When it was true at the latest: its read began or its notice came in.
    pub(crate) at: Moment,
}

impl ClockReading {
    /// Chain time at `now`. Chain time moves in whole seconds; a begun second counts
    /// as a whole one, so that nothing is served at or after its expiry.
    pub(crate) fn advanced(&self, now: Moment) -> UnixSeconds {
        let age = now.since(self.at);
        let whole = age.as_secs() + u64::from(age.subsec_nanos() > 0);
        let whole = i64::try_from(whole).unwrap_or(i64::MAX);
        UnixSeconds(self.time.0.saturating_add(whole))
    }
}

/// A feed that reports every change from a slot on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// Number of the connection; never 0.
    pub(crate) epoch: u32,
    /// Changes of later slots are reported; a state as of this slot or a later one
    /// stays right until a report.
    pub(crate) since_slot: u64,
    /// When the feed last said that a slot is complete.
    pub(crate) beat: Moment,
}

/// Handed to every question: a copy, so that questions hold no lock while they are
/// answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// The feed, while it lives.
    pub(crate) feed: Option<Coverage>,
    /// The feed before the present gap or feed: what it covered was right until its
    /// last beat.
    pub(crate) ended: Option<Coverage>,
    pub(crate) clock: Option<ClockReading>,
}

impl View {
    /// The feed reports from `since_slot` on.
    pub(crate) fn feed_began(&mut self, since_slot: u64, now: Moment) -> Coverage {
        let last = self.feed.or(self.ended).map_or(0, |feed| feed.epoch);
        self.feed_ended();
        let feed = Coverage {
            epoch: last.checked_add(1).unwrap_or(1),
            since_slot,
            beat: now,
        };
        self.feed = Some(feed);
        feed
    }

    /// A gap begins: what is known is right as of the last beat and ages from there.
    pub(crate) fn feed_ended(&mut self) {
        if let Some(feed) = self.feed.take() {
            self.ended = Some(feed);
        }
    }

    /// Everything up to a slot has been reported.
    pub(crate) fn beat(&mut self, clock: ClockReading) {
        if let Some(feed) = &mut self.feed {
            feed.beat = feed.beat.max(clock.at);
        }
        self.saw(clock);
    }

    /// Chain time was read. The same slot's again is no news, and neither is an older
    /// one's, until nothing newer has come for [`CLOCK_MEMORY`]: then the chain stands
    /// still or began anew.
    pub(crate) fn saw(&mut self, clock: ClockReading) {
        let news = self.clock.is_none_or(|known| {
            clock.slot > known.slot || clock.at.since(known.at) >= CLOCK_MEMORY
        });
        if news {
            self.clock = Some(clock);
        }
    }

    /// When what is covered by `epoch` was right at last, if a feed covers it.
    pub(crate) fn covered(&self, epoch: u32) -> Option<Moment> {
        [self.feed, self.ended]
            .into_iter()
            .flatten()
            .find(|feed| feed.epoch == epoch)
            .map(|feed| feed.beat)
    }
}
