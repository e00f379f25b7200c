//! Room for a bounded number of entries.
//!
//! Entries stand in blocks that never move or double, and an index of four-byte
//! numbers finds them: growing costs no copy of what is there, and memory follows the
//! number of entries closely. When the room is used up, the entry that was not asked
//! for since the last sweep makes room (the "clock" or second-chance rule).

use hashbrown::HashTable;

use super::entry::{Entry, flag};

/// Entries in one block.
const BLOCK: u32 = 1024;

pub(super) struct Slab {
    blocks: Vec<Vec<Entry>>,
    index: HashTable<u32>,
    free: Vec<u32>,
    used: u32,
    hand: u32,
    capacity: u32,
}

impl Slab {
    /// Room for `capacity` entries, at least one. Memory is taken as it is needed.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            blocks: Vec::new(),
            index: HashTable::new(),
            free: Vec::new(),
            used: 0,
            hand: 0,
            capacity: u32::try_from(capacity.max(1)).unwrap_or(u32::MAX),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.free.is_empty() && self.used >= self.capacity
    }

    pub(super) fn find(&self, hash: u64, is_it: impl Fn(&Entry) -> bool) -> Option<u32> {
        self.index
            .find(hash, |place| self.get(*place).is_some_and(&is_it))
            .copied()
    }

    pub(super) fn get(&self, place: u32) -> Option<&Entry> {
        let block = self.blocks.get(usize::try_from(place / BLOCK).ok()?)?;
        block.get(usize::try_from(place % BLOCK).ok()?)
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut Entry> {
        let block = self.blocks.get_mut(usize::try_from(place / BLOCK).ok()?)?;
        block.get_mut(usize::try_from(place % BLOCK).ok()?)
    }

    /// Takes in an entry that is not there yet. `hash_of` is the hash that each entry
    /// was or is filed under. Returns what had to make room.
    pub(super) fn insert(
        &mut self,
        entry: Entry,
        hash_of: impl Fn(&Entry) -> u64,
    ) -> Option<Entry> {
        let evicted = if self.is_full() {
            let victim = self.victim();
            self.remove(victim, &hash_of)
        } else {
            None
        };
        let hash = hash_of(&entry);
        let place = match self.free.pop() {
            Some(place) => {
                if let Some(old) = self.get_mut(place) {
                    *old = entry;
                }
                place
            }
            None => {
                let place = self.used;
                self.used = self.used.saturating_add(1);
                self.append(entry);
                place
            }
        };
        let blocks = &self.blocks;
        self.index
            .insert_unique(hash, place, |other| at(blocks, *other).map_or(0, &hash_of));
        evicted
    }

    fn append(&mut self, entry: Entry) {
        let block = usize::try_from(BLOCK).unwrap_or(1);
        match self.blocks.last_mut() {
            Some(last) if last.len() < block => last.push(entry),
            _ => {
                let mut fresh = Vec::with_capacity(block);
                fresh.push(entry);
                self.blocks.push(fresh);
            }
        }
    }

    /// Takes out an entry.
    pub(super) fn remove(&mut self, place: u32, hash_of: impl Fn(&Entry) -> u64) -> Option<Entry> {
        let entry = self.get(place).filter(|entry| entry.has(flag::OCCUPIED))?;
        let (hash, copy) = (hash_of(entry), entry.clone());
        if let Ok(found) = self.index.find_entry(hash, |other| *other == place) {
            found.remove();
        }
        if let Some(entry) = self.get_mut(place) {
            entry.clear(flag::OCCUPIED);
        }
        self.free.push(place);
        Some(copy)
    }

    /// The next entry that nobody asked for since the hand last passed it.
    fn victim(&mut self) -> u32 {
        // After one whole turn no entry is touched any more.
        for _ in 0..self.used.saturating_mul(2) {
            let place = self.hand;
            self.hand = match self.hand.saturating_add(1) {
                next if next >= self.used => 0,
                next => next,
            };
            match self.get_mut(place) {
                Some(entry) if entry.has(flag::OCCUPIED) => {
                    if !entry.has(flag::TOUCHED) {
                        return place;
                    }
                    entry.clear(flag::TOUCHED);
                }
                _ => {}
            }
        }
        self.hand
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.blocks
            .iter()
            .flatten()
            .filter(|entry| entry.has(flag::OCCUPIED))
    }
}

fn at(blocks: &[Vec<Entry>], place: u32) -> Option<&Entry> {
    let block = blocks.get(usize::try_from(place / BLOCK).ok()?)?;
    block.get(usize::try_from(place % BLOCK).ok()?)
}
