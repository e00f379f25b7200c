//! News in the order of the chain: by slot, then by write version, and none before its
//! slot has reached the configured commitment. Without I/O and without a clock, so
//! that every order of events can be tried.
//!
//! A server that keeps to the protocol sends the accounts of a slot, each once, and
//! then that the slot has reached the commitment. Nothing here relies on that: an
//! account is kept back until its slot's status is known, of two states of a slot the
//! one with the larger write version holds, and what came before comes again in vain.

use std::collections::{BTreeMap, HashMap};

use tollgate_client::Pubkey;

/// How many slots behind the newest one a slot's fate stays open: a minute. After that
/// it is not known any more whether it became part of the chain.
const OPEN_SLOTS: u64 = 150;

/// The most accounts of open slots: many times what slots can write.
const MOST_ACCOUNTS: usize = 65_536;

/// More accounts changed than anybody could have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overrun;

/// The state of an account as of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State<T> {
    pub(super) address: Pubkey,
    pub(super) slot: u64,
    pub(super) write_version: u64,
    pub(super) content: T,
}

/// What becomes of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate<T> {
    /// It holds as of its slot, at the configured commitment.
    Holds(State<T>),
    /// Whether it ever held is not known: its slot was left behind without a word.
    Open(State<T>),
}

/// One open slot.
struct Slot<T> {
    /// Whether it has reached the configured commitment.
    reached: bool,
    /// The newest write version of each account, and its state while it is kept back.
    accounts: HashMap<Pubkey, (u64, Option<T>)>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            reached: false,
            accounts: HashMap::new(),
        }
    }
}

/// The open slots.
pub(super) struct Slots<T> {
    open: BTreeMap<u64, Slot<T>>,
    /// All accounts of all open slots.
    accounts: usize,
    /// The newest slot that has reached the commitment.
    newest: u64,
}

impl<T> Slots<T> {
    pub(super) fn new() -> Self {
        Self {
            open: BTreeMap::new(),
            accounts: 0,
            newest: 0,
        }
    }

    /// An account was reported; hands out its fate if that is known already.
    ///
    /// # Errors
    /// [`Overrun`] when there is no room for it.
    pub(super) fn account(&mut self, state: State<T>) -> Result<Option<Fate<T>>, Overrun> {
        if state.slot < self.oldest() {
            return Ok(Some(Fate::Open(state)));
        }
        let slot = self.open.entry(state.slot).or_default();
        let known = slot.accounts.get(&state.address);
        if known.is_some_and(|(version, _)| *version >= state.write_version) {
            return Ok(None);
        }
        if known.is_none() {
            if self.accounts >= MOST_ACCOUNTS {
                return Err(Overrun);
            }
            self.accounts += 1;
        }
        let State {
            address,
            write_version,
            ..
        } = state;
        if slot.reached {
            slot.accounts.insert(address, (write_version, None));
            return Ok(Some(Fate::Holds(state)));
        }
        let kept = (write_version, Some(state.content));
        slot.accounts.insert(address, kept);
        Ok(None)
    }

    /// A slot has reached the configured commitment: what was kept back for it holds.
    /// What was kept back for slots that are left behind for good stays open.
    pub(super) fn reached(&mut self, number: u64) -> Vec<Fate<T>> {
        let mut fates = Vec::new();
        if number < self.oldest() {
            return fates;
        }
        let slot = self.open.entry(number).or_default();
        slot.reached = true;
        for (address, (write_version, kept)) in &mut slot.accounts {
            fates.extend(kept.take().map(|content| {
                Fate::Holds(State {
                    address: *address,
                    slot: number,
                    write_version: *write_version,
                    content,
                })
            }));
        }
        self.newest = self.newest.max(number);
        let open = self.open.split_off(&self.oldest());
        for (number, slot) in std::mem::replace(&mut self.open, open) {
            self.accounts = self.accounts.saturating_sub(slot.accounts.len());
            for (address, (write_version, kept)) in slot.accounts {
                fates.extend(kept.map(|content| {
                    Fate::Open(State {
                        address,
                        slot: number,
                        write_version,
                        content,
                    })
                }));
            }
        }
        fates
    }

    /// A slot will never be part of the chain: nor will what was kept back for it.
    pub(super) fn dead(&mut self, number: u64) {
        if self.open.get(&number).is_some_and(|slot| !slot.reached)
            && let Some(slot) = self.open.remove(&number)
        {
            self.accounts = self.accounts.saturating_sub(slot.accounts.len());
        }
    }

    /// The oldest slot that is still open.
    fn oldest(&self) -> u64 {
        self.newest.saturating_sub(OPEN_SLOTS)
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::panic,
        reason = "a test fails by panicking"
    )]
    use proptest::prelude::*;

    use super::*;

    fn state(name: u8, slot: u64, write_version: u64) -> State<u64> {
        State {
            address: Pubkey::new_from_array([name; 32]),
            slot,
            write_version,
            content: slot * 1_000 + write_version,
        }
    }

    #[test]
    fn nothing_holds_before_its_slot_does() {
        let mut slots = Slots::new();
        assert_eq!(slots.account(state(1, 10, 5)), Ok(None));
        assert_eq!(slots.reached(9), []);
        assert_eq!(slots.reached(10), [Fate::Holds(state(1, 10, 5))]);
        assert_eq!(slots.reached(10), [], "once");
        // What comes after the word of its slot holds at once.
        let late = state(2, 10, 6);
        assert_eq!(slots.account(late.clone()), Ok(Some(Fate::Holds(late))));
    }

    #[test]
    fn what_came_before_comes_again_in_vain() {
        let mut slots = Slots::new();
        slots.account(state(1, 10, 7)).unwrap();
        assert_eq!(slots.account(state(1, 10, 6)), Ok(None));
        assert_eq!(slots.reached(10), [Fate::Holds(state(1, 10, 7))]);
        for version in [5, 6, 7] {
            assert_eq!(slots.account(state(1, 10, version)), Ok(None));
        }
    }

    #[test]
    fn what_was_kept_back_for_a_dead_slot_never_holds() {
        let mut slots = Slots::new();
        slots.account(state(1, 10, 7)).unwrap();
        slots.dead(10);
        assert_eq!(slots.reached(11), []);
        assert_eq!(slots.accounts, 0);
    }

    #[test]
    fn what_is_left_behind_stays_open() {
        let mut slots = Slots::new();
        slots.account(state(1, 10, 7)).unwrap();
        assert_eq!(slots.reached(10 + OPEN_SLOTS), []);
        assert_eq!(
            slots.reached(11 + OPEN_SLOTS),
            [Fate::Open(state(1, 10, 7))]
        );
        let late = state(1, 10, 8);
        assert_eq!(slots.account(late.clone()), Ok(Some(Fate::Open(late))));
        assert_eq!(slots.reached(10), [], "too late to be believed");
    }

    #[test]
    fn room_is_bounded_and_comes_back() {
        let mut slots = Slots::new();
        let many = |slot: u64, number: usize| {
            let mut state = state(0, slot, 1);
            let bytes = u64::try_from(number).unwrap().to_le_bytes();
            let mut address = [0; 32];
            address[..8].copy_from_slice(&bytes);
            state.address = Pubkey::new_from_array(address);
            state
        };
        for number in 0..MOST_ACCOUNTS {
            assert_eq!(slots.account(many(10, number)), Ok(None));
        }
        assert_eq!(slots.account(many(10, MOST_ACCOUNTS)), Err(Overrun));
        slots.reached(1_000);
        assert_eq!(
            slots.account(many(1_000, 0)).map(|fate| fate.is_some()),
            Ok(true)
        );
    }

    #[derive(Clone, Debug)]
    enum Event {
        Account(u8, u64, u64),
        Reached(u64),
    }

    proptest! {
        /// However accounts and statuses are shuffled and repeated: in the end each
        /// account's newest state of the newest slot that it has one of has been handed
        /// out, and nothing was handed out of a slot that never got there.
        #[test]
        fn no_order_of_delivery_changes_the_outcome(
            writes in proptest::collection::vec((0_u8..4, 0_u64..6), 1..30),
            never in 0_u64..6,
            seed in any::<u64>(),
        ) {
            use rand::seq::SliceRandom;
            use rand::SeedableRng;
            // Write versions grow with time.
            let writes: Vec<(u8, u64, u64)> = (0..).zip(writes)
                .map(|(version, (name, slot))| (name, slot, version))
                .collect();
            let mut events: Vec<Event> = writes.iter()
                .chain(&writes)
                .map(|(name, slot, version)| Event::Account(*name, *slot, *version))
                .chain((0..6).filter(|slot| *slot != never).map(Event::Reached))
                .collect();
            events.shuffle(&mut rand::rngs::StdRng::seed_from_u64(seed));
            let mut slots = Slots::new();
            let mut newest: HashMap<(Pubkey, u64), u64> = HashMap::new();
            for event in events {
                let fates = match event {
                    Event::Account(name, slot, version) =>
                        slots.account(state(name, slot, version)).unwrap().into_iter().collect(),
                    Event::Reached(slot) => slots.reached(slot),
                };
                for fate in fates {
                    let Fate::Holds(state) = fate else { panic!("left open") };
                    prop_assert_ne!(state.slot, never);
                    let before = newest.insert((state.address, state.slot), state.write_version);
                    prop_assert!(before < Some(state.write_version), "only newer states follow");
                }
            }
            let mut wanted: HashMap<(Pubkey, u64), u64> = HashMap::new();
            for (name, slot, version) in writes.into_iter().filter(|(_, slot, _)| *slot != never) {
                wanted.insert((Pubkey::new_from_array([name; 32]), slot), version);
            }
            prop_assert_eq!(newest, wanted);
        }
    }
}
