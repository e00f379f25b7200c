//! What accounts looked like in the slots that are not finalized yet.
//!
//! The virtual machine holds only the newest state. This overlay keeps, for each account
//! changed since the last finalized slot, the state before the first change and the state
//! after each slot that changed it, so that a read at `confirmed` or `finalized` sees the
//! state as of that slot.

use solana_account::AccountSharedData;
use solana_address::Address;
use solana_clock::Slot;
use std::collections::HashMap;

/// The state of an account from `since` on; `None` is an account that does not exist.
#[derive(Debug, Clone)]
struct Version {
    since: Slot,
    account: Option<AccountSharedData>,
}

/// The recent versions of the accounts that changed recently. An account that is not listed
/// has not changed since the finalized slot.
#[derive(Debug, Default)]
pub(crate) struct AccountVersions {
    by_address: HashMap<Address, Vec<Version>>,
}

impl AccountVersions {
    /// Notes that `slot` turned the account from `before` into `after`. Slots must not go
    /// back; several changes in one slot leave only the last.
    pub(crate) fn record(
        &mut self,
        slot: Slot,
        address: Address,
        before: Option<AccountSharedData>,
        after: Option<AccountSharedData>,
    ) {
        let versions = self.by_address.entry(address).or_insert_with(|| {
            vec![Version {
                since: 0,
                account: before,
            }]
        });
        // The pre-image is never overwritten, even when the first change is in slot 0.
        let replaces = versions.len() > 1 && versions.last().is_some_and(|last| last.since == slot);
        if replaces {
            versions.pop();
        }
        versions.push(Version {
            since: slot,
            account: after,
        });
    }

    /// The account as of the end of `slot`: `None` when the overlay knows nothing about it and
    /// the newest state holds, `Some(None)` when the account did not exist then.
    pub(crate) fn at(&self, address: &Address, slot: Slot) -> Option<Option<&AccountSharedData>> {
        let versions = self.by_address.get(address)?;
        versions
            .iter()
            .rev()
            .find(|version| version.since <= slot)
            .or(versions.first())
            .map(|version| version.account.as_ref())
    }

    /// The accounts that the overlay knows something about.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.by_address.keys()
    }

    /// Forgets what nobody can ask for any more about `addresses`, now that `finalized` is the
    /// oldest slot that can be read.
    pub(crate) fn prune<'a>(
        &mut self,
        addresses: impl IntoIterator<Item = &'a Address>,
        finalized: Slot,
    ) {
        for address in addresses {
            let Some(versions) = self.by_address.get_mut(address) else {
                continue;
            };
            let superseded = versions
                .iter()
                .rposition(|version| version.since <= finalized)
                .unwrap_or(0);
            versions.drain(..superseded);
            // The only version left is also the newest state.
            if versions.len() == 1 {
                self.by_address.remove(address);
            }
        }
    }

    /// How many accounts the overlay holds.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.by_address.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;
    use solana_account::ReadableAccount;

    fn account(lamports: u64) -> Option<AccountSharedData> {
        Some(AccountSharedData::new(lamports, 0, &Address::default()))
    }

    fn lamports(versions: &AccountVersions, address: &Address, slot: Slot) -> Option<u64> {
        versions.at(address, slot).unwrap().map(|a| a.lamports())
    }

    #[test]
    fn each_slot_sees_its_own_version() {
        let mut versions = AccountVersions::default();
        let address = Address::new_from_array([7; 32]);
        versions.record(5, address, None, account(1));
        versions.record(5, address, account(1), account(2));
        versions.record(8, address, account(2), account(3));
        versions.record(9, address, account(3), None);
        assert_eq!(lamports(&versions, &address, 4), None);
        assert_eq!(lamports(&versions, &address, 5), Some(2));
        assert_eq!(lamports(&versions, &address, 7), Some(2));
        assert_eq!(lamports(&versions, &address, 8), Some(3));
        assert_eq!(lamports(&versions, &address, 9), None);
        assert!(versions.at(&Address::new_from_array([8; 32]), 9).is_none());
    }

    #[test]
    fn a_change_in_slot_zero_keeps_the_state_before_it() {
        let mut versions = AccountVersions::default();
        let address = Address::new_from_array([7; 32]);
        versions.record(0, address, account(1), account(2));
        versions.record(0, address, account(2), account(3));
        assert_eq!(lamports(&versions, &address, 0), Some(3));
    }

    #[test]
    fn pruning_keeps_what_can_still_be_read_and_ends_empty() {
        let mut versions = AccountVersions::default();
        let address = Address::new_from_array([7; 32]);
        versions.record(5, address, account(1), account(2));
        versions.record(8, address, account(2), account(3));
        versions.prune([&address], 6);
        assert_eq!(lamports(&versions, &address, 6), Some(2));
        assert_eq!(lamports(&versions, &address, 8), Some(3));
        versions.prune([&address], 8);
        assert_eq!(versions.len(), 0);
    }
}
