//! What can be said of a span of time from samples.

use crate::history::{CallerId, ChainState, Event, History, Moment};

/// The samples of the chain and the states of the replicas' RPC, in their order.
pub(super) struct Timeline<'a> {
    chain: Vec<&'a ChainState>,
    /// (when, replica, works)
    rpc: Vec<(Moment, usize, bool)>,
}

impl<'a> Timeline<'a> {
    pub(super) fn of(history: &'a History) -> Self {
        let mut chain = Vec::new();
        let mut rpc = Vec::new();
        for event in &history.events {
            match event {
                Event::Chain(state) => chain.push(state),
                Event::Rpc { at, replica, works } => rpc.push((*at, *replica, *works)),
                _ => {}
            }
        }
        chain.sort_by_key(|state| state.at);
        rpc.sort_by_key(|(at, ..)| *at);
        Self { chain, rpc }
    }

    /// Whether the caller's entitlement may have been usable at some moment of the span.
    pub(super) fn maybe_usable(&self, caller: CallerId, from: Moment, to: Moment) -> bool {
        self.maybe(caller, true, from, to)
    }

    /// Whether it may have been unusable at some moment of the span.
    pub(super) fn maybe_unusable(&self, caller: CallerId, from: Moment, to: Moment) -> bool {
        self.maybe(caller, false, from, to)
    }

    /// Looks at the samples within the span and their neighbours, since the state
    /// between two samples may have been either. The chain's state changes with its
    /// slot only; where a slot was missed, anything may have been, and before the
    /// first and after the last sample as well.
    fn maybe(&self, caller: CallerId, usable: bool, from: Moment, to: Moment) -> bool {
        let first = self.chain.partition_point(|state| state.at < from);
        let end = self.chain.partition_point(|state| state.at <= to);
        if first == 0 || end == self.chain.len() {
            return true;
        }
        let covering = &self.chain[first - 1..=end];
        let missed = covering
            .windows(2)
            .any(|pair| pair[1].slot > pair[0].slot + 1);
        missed
            || covering
                .iter()
                .any(|state| state.usable.get(caller) == Some(&usable))
    }

    /// Whether the replica could not read the chain at any moment of the span.
    pub(super) fn blind(&self, replica: usize, from: Moment, to: Moment) -> bool {
        let mut works = true;
        for (at, _, now) in self.rpc.iter().filter(|(_, which, _)| *which == replica) {
            if *at <= from {
                works = *now;
            } else if *at <= to && *now {
                return false;
            }
        }
        !works
    }
}
