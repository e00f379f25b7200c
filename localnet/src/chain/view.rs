//! The chain as a reader at one slot sees it; what a cluster calls a bank.

use super::{Chain, blocks::Blocks, landed::LandedTransaction};
use solana_account::{AccountSharedData, ReadableAccount};
use solana_address::Address;
use solana_clock::{Clock, Slot, UnixTimestamp};
use solana_epoch_schedule::EpochSchedule;
use solana_hash::Hash;
use solana_signature::Signature;
use std::sync::Arc;

/// A read-only view of the state as of the end of a slot that is not older than the finalized
/// one.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(super) chain: &'a Chain,
    pub(super) slot: Slot,
}

impl<'a> View<'a> {
    /// The slot that the view shows.
    pub(crate) fn slot(&self) -> Slot {
        self.slot
    }

    /// The number of blocks before this slot. No slot is skipped.
    pub(crate) fn block_height(&self) -> u64 {
        self.slot
    }

    /// An account, if it exists.
    pub(crate) fn account(&self, address: &Address) -> Option<&'a AccountSharedData> {
        let newest = || self.chain.vm.accounts_db().get_account_ref(address);
        if self.slot >= self.chain.blocks.head() {
            return newest();
        }
        let then = self.chain.versions.at(address, self.slot);
        then.unwrap_or_else(newest)
    }

    /// The accounts that a program owns, in the order of their addresses.
    pub(crate) fn program_accounts(
        &self,
        owner: &Address,
    ) -> Vec<(Address, &'a AccountSharedData)> {
        let unchanged = self
            .chain
            .vm
            .accounts_db()
            .inner
            .iter()
            .filter(|(address, _)| self.chain.versions.at(address, self.slot).is_none())
            .map(|(address, account)| (*address, account));
        let changed = self.chain.versions.addresses().filter_map(|address| {
            let account = self.chain.versions.at(address, self.slot)??;
            Some((*address, account))
        });
        let mut owned: Vec<_> = unchanged
            .chain(changed)
            .filter(|(_, account)| account.owner() == owner)
            .collect();
        owned.sort_unstable_by_key(|(address, _)| *address);
        owned
    }

    /// The chain's time in this slot, in seconds since 1970.
    pub(crate) fn unix_timestamp(&self) -> UnixTimestamp {
        self.chain.blocks.get(self.slot).map_or_else(
            || self.chain.vm.get_sysvar::<Clock>().unix_timestamp,
            |block| block.time,
        )
    }

    /// The epoch schedule.
    pub(crate) fn epoch_schedule(&self) -> EpochSchedule {
        self.chain.vm.get_sysvar()
    }

    /// The newest blockhash and the last block height at which it is usable.
    pub(crate) fn latest_blockhash(&self) -> (Hash, u64) {
        (
            self.chain.blocks.blockhash(self.slot),
            Blocks::last_valid_block_height(self.slot),
        )
    }

    /// What was paid, in millionths of a lamport for each compute unit, to write `accounts` in
    /// each of the newest blocks with transactions.
    pub(crate) fn compute_unit_prices(&self, accounts: &[Address]) -> Vec<(Slot, u64)> {
        self.chain.blocks.compute_unit_prices(self.slot, accounts)
    }

    /// Whether a transaction naming this blockhash could land.
    pub(crate) fn is_blockhash_valid(&self, blockhash: &Hash) -> bool {
        self.chain.blocks.is_recent(blockhash, self.slot)
    }

    /// The smallest balance, in lamports, that keeps an account with `data_length` bytes alive.
    pub(crate) fn minimum_balance(&self, data_length: usize) -> u64 {
        self.chain
            .vm
            .minimum_balance_for_rent_exemption(data_length)
    }

    /// A transaction that has landed by this slot and is still remembered.
    pub(crate) fn transaction(&self, signature: &Signature) -> Option<&'a Arc<LandedTransaction>> {
        self.chain
            .history
            .get(signature)
            .filter(|landed| landed.slot <= self.slot)
    }

    /// The number of transactions that have landed since genesis.
    pub(crate) fn transaction_count(&self) -> u64 {
        self.chain.transaction_count
    }
}
