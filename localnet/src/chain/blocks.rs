//! The blocks made so far: their hashes, which transactions name as recent, and what changed in
//! those that are not finalized yet.

use crate::chain::landed::LandedTransaction;
use sha2::{Digest, Sha256};
use solana_address::Address;
use solana_clock::{Slot, UnixTimestamp};
use solana_hash::Hash;
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

/// For how many blocks a blockhash stays usable (`MAX_PROCESSING_AGE` of a cluster).
pub(crate) const MAX_BLOCKHASH_AGE: u64 = 150;

/// For how many blocks prices are remembered, as many as `getRecentPrioritizationFees` lists.
const PRICED_BLOCKS: u64 = 150;

/// How many blocks are remembered for `getBlockTime` and `getBlocks`.
const RETAINED_BLOCKS: usize = 4_096;

/// One slot's block. The local chain skips no slot, so the block height is the slot.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) slot: Slot,
    pub(crate) time: UnixTimestamp,
    /// The block's hash. It does not depend on the transactions, so that the open block has one
    /// as well: to its clients a cluster's newest block is one that has just ended.
    pub(crate) blockhash: Hash,
    /// The accounts changed; emptied when the block is finalized.
    pub(crate) changed: BTreeSet<Address>,
    /// The transactions that landed; emptied when the block is finalized.
    pub(crate) landed: Vec<Arc<LandedTransaction>>,
    /// What the transactions paid; emptied when nobody can ask any more.
    prices: Prices,
}

/// The lowest prices that the transactions of a block paid for a compute unit, in millionths of
/// a lamport.
#[derive(Debug, Default)]
struct Prices {
    lowest: Option<u64>,
    to_write: HashMap<Address, u64>,
}

impl Block {
    fn new(slot: Slot, time: UnixTimestamp, blockhash: Hash) -> Self {
        Self {
            slot,
            time,
            blockhash,
            changed: BTreeSet::new(),
            landed: Vec::new(),
            prices: Prices::default(),
        }
    }

    /// Notes what a transaction that writes `accounts` paid.
    pub(crate) fn note_price(&mut self, price: u64, accounts: impl IntoIterator<Item = Address>) {
        let prices = &mut self.prices;
        prices.lowest = Some(prices.lowest.map_or(price, |lowest| lowest.min(price)));
        for account in accounts {
            let lowest = prices.to_write.entry(account).or_insert(price);
            *lowest = price.min(*lowest);
        }
    }
}

/// The chain of blocks.
#[derive(Debug)]
pub(crate) struct Blocks {
    complete: VecDeque<Block>,
    open: Block,
    /// Makes the hashes of two runs differ, so that a transaction signed for one is not
    /// accepted by the next.
    seed: [u8; 32],
}

impl Blocks {
    /// A chain whose first block, in slot 0, is open.
    pub(crate) fn new(genesis_hash: Hash, time: UnixTimestamp, seed: [u8; 32]) -> Self {
        Self {
            complete: VecDeque::new(),
            open: Block::new(0, time, hash_after(&seed, genesis_hash, 0)),
            seed,
        }
    }

    /// The block that transactions land in.
    pub(crate) fn open(&mut self) -> &mut Block {
        &mut self.open
    }

    /// The slot of the open block.
    pub(crate) fn head(&self) -> Slot {
        self.open.slot
    }

    /// Ends the open block and opens the next.
    pub(crate) fn advance(&mut self, time: UnixTimestamp) {
        let slot = self.open.slot.saturating_add(1);
        let next = Block::new(
            slot,
            time,
            hash_after(&self.seed, self.open.blockhash, slot),
        );
        let ended = std::mem::replace(&mut self.open, next);
        self.complete.push_back(ended);
        while self.complete.len() > RETAINED_BLOCKS {
            self.complete.pop_front();
        }
        let unpriced = self.open.slot.checked_sub(PRICED_BLOCKS);
        if let Some(block) = unpriced.and_then(|slot| self.get_mut(slot)) {
            block.prices = Prices::default();
        }
    }

    /// The block of a slot, if it is remembered.
    pub(crate) fn get(&self, slot: Slot) -> Option<&Block> {
        if slot == self.open.slot {
            return Some(&self.open);
        }
        let first = self.complete.front()?.slot;
        let index = usize::try_from(slot.checked_sub(first)?).ok()?;
        self.complete.get(index)
    }

    /// The same, to be changed.
    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Block> {
        if slot == self.open.slot {
            return Some(&mut self.open);
        }
        let first = self.complete.front()?.slot;
        let index = usize::try_from(slot.checked_sub(first)?).ok()?;
        self.complete.get_mut(index)
    }

    /// The oldest slot that is remembered.
    pub(crate) fn first(&self) -> Slot {
        self.complete
            .front()
            .map_or(self.open.slot, |block| block.slot)
    }

    /// The blockhash of `slot`, or of the nearest slot that is remembered.
    pub(crate) fn blockhash(&self, slot: Slot) -> Hash {
        let slot = slot.max(self.first());
        self.get(slot).unwrap_or(&self.open).blockhash
    }

    /// The last block height at which a transaction naming the hash of `slot` may land.
    pub(crate) fn last_valid_block_height(slot: Slot) -> u64 {
        slot.saturating_add(MAX_BLOCKHASH_AGE)
    }

    /// Whether a transaction naming `blockhash` may land in `slot`: it is the hash of that slot
    /// or of one of the 150 before it.
    pub(crate) fn is_recent(&self, blockhash: &Hash, slot: Slot) -> bool {
        let oldest = slot.saturating_sub(MAX_BLOCKHASH_AGE);
        self.newest_first(slot)
            .take_while(|block| block.slot >= oldest)
            .any(|block| block.blockhash == *blockhash)
    }

    /// What was paid to write `accounts` in the blocks up to `slot` that have transactions,
    /// oldest first.
    pub(crate) fn compute_unit_prices(&self, slot: Slot, accounts: &[Address]) -> Vec<(Slot, u64)> {
        let oldest = self
            .open
            .slot
            .saturating_sub(PRICED_BLOCKS.saturating_sub(1));
        let mut prices: Vec<_> = self
            .newest_first(slot)
            .take_while(|block| block.slot >= oldest)
            .filter_map(|block| {
                let lowest = block.prices.lowest?;
                let to_write = accounts
                    .iter()
                    .filter_map(|account| block.prices.to_write.get(account));
                Some((
                    block.slot,
                    to_write.fold(lowest, |price, other| price.max(*other)),
                ))
            })
            .collect();
        prices.reverse();
        prices
    }

    fn newest_first(&self, from: Slot) -> impl Iterator<Item = &Block> {
        let newer = self.open.slot.saturating_sub(from);
        std::iter::once(&self.open)
            .chain(self.complete.iter().rev())
            .skip(usize::try_from(newer).unwrap_or(usize::MAX))
    }

    /// The hashes of the newest blocks, newest first, as the SlotHashes sysvar lists them.
    pub(crate) fn slot_hashes(&self) -> impl Iterator<Item = (Slot, Hash)> {
        self.complete
            .iter()
            .rev()
            .map(|block| (block.slot, block.blockhash))
    }
}

fn hash_after(seed: &[u8; 32], parent: Hash, slot: Slot) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(seed);
    hasher.update(parent.as_ref());
    hasher.update(slot.to_le_bytes());
    Hash::new_from_array(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(slots: u64) -> Blocks {
        let mut blocks = Blocks::new(Hash::default(), 0, [1; 32]);
        for _ in 0..slots {
            blocks.advance(0);
        }
        blocks
    }

    #[test]
    fn a_blockhash_is_usable_up_to_its_last_valid_block_height() {
        let mut blocks = chain(10);
        let hash = blocks.blockhash(10);
        let last = Blocks::last_valid_block_height(10);
        while blocks.head() < last {
            assert!(blocks.is_recent(&hash, blocks.head()));
            blocks.advance(0);
        }
        assert_eq!(blocks.head(), last);
        assert!(blocks.is_recent(&hash, blocks.head()));
        blocks.advance(0);
        assert!(!blocks.is_recent(&hash, blocks.head()));
    }

    #[test]
    fn an_older_view_does_not_know_newer_hashes() {
        let blocks = chain(10);
        let newest = blocks.blockhash(10);
        assert!(blocks.is_recent(&newest, 10));
        assert!(!blocks.is_recent(&newest, 9));
        assert!(blocks.is_recent(&blocks.blockhash(5), 5));
    }

    #[test]
    fn prices_are_the_lowest_paid_for_an_account_and_forgotten_in_time() {
        let mut blocks = chain(10);
        let (busy, quiet) = (
            Address::new_from_array([1; 32]),
            Address::new_from_array([2; 32]),
        );
        blocks.open().note_price(50, [busy]);
        blocks.open().note_price(70, [busy]);
        blocks.open().note_price(3, []);
        blocks.advance(0);
        assert_eq!(blocks.compute_unit_prices(11, &[busy, quiet]), [(10, 50)]);
        assert_eq!(blocks.compute_unit_prices(11, &[quiet]), [(10, 3)]);
        assert_eq!(blocks.compute_unit_prices(9, &[busy]), []);
        for _ in 0..PRICED_BLOCKS {
            blocks.advance(0);
        }
        assert_eq!(blocks.compute_unit_prices(blocks.head(), &[busy]), []);
        assert!(
            blocks
                .get(10)
                .is_some_and(|block| block.prices.to_write.is_empty())
        );
    }

    #[test]
    fn remembered_blocks_are_bounded() {
        let blocks = chain(5_000);
        assert_eq!(blocks.first(), 5_000 - 4_096);
        assert!(blocks.get(0).is_none());
        assert_eq!(blocks.get(4_999).map(|block| block.slot), Some(4_999));
    }
}
