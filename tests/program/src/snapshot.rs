//! Accounts as they were, to compare them and to put them back.

use crate::Runtime;
use solana_account::Account;
use solana_pubkey::Pubkey;
use std::collections::{BTreeMap, BTreeSet};

/// Accounts by address; `None` where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<Pubkey, Option<Account>>);

impl Snapshot {
    /// The accounts at `addresses` as they are now.
    pub fn take(runtime: &mut dyn Runtime, addresses: impl IntoIterator<Item = Pubkey>) -> Self {
        let addresses: BTreeSet<Pubkey> = addresses.into_iter().collect();
        Self(
            addresses
                .into_iter()
                .map(|address| (address, existing(runtime, &address)))
                .collect(),
        )
    }

    /// The same addresses as they are now.
    pub fn again(&self, runtime: &mut dyn Runtime) -> Self {
        Self::take(runtime, self.0.keys().copied())
    }

    /// Puts every account back that is not as it was.
    pub fn restore(&self, runtime: &mut dyn Runtime) {
        for (address, account) in &self.0 {
            if existing(runtime, address) != *account {
                runtime.set_account(*address, account.clone().unwrap_or_default());
            }
        }
    }

    /// The account at `address`.
    pub fn account(&self, address: &Pubkey) -> Option<&Account> {
        self.0.get(address).and_then(Option::as_ref)
    }

    /// Lamports at `address`; 0 where there is no account.
    pub fn lamports(&self, address: &Pubkey) -> u64 {
        self.account(address).map_or(0, |account| account.lamports)
    }

    /// Addresses whose accounts differ.
    pub fn changed(&self, later: &Self) -> BTreeSet<Pubkey> {
        self.0
            .iter()
            .filter(|(address, account)| later.0.get(*address) != Some(*account))
            .map(|(address, _)| *address)
            .collect()
    }

    /// Every address, with its account.
    pub fn iter(&self) -> impl Iterator<Item = (&Pubkey, Option<&Account>)> {
        self.0
            .iter()
            .map(|(address, account)| (address, account.as_ref()))
    }
}

/// An account without lamports is none. Its rent epoch means nothing any more, and is
/// rewritten whenever the account is loaded to be written.
fn existing(runtime: &mut dyn Runtime, address: &Pubkey) -> Option<Account> {
    runtime
        .account(address)
        .filter(|account| account.lamports > 0)
        .map(|account| Account {
            rent_epoch: u64::MAX,
            ..account
        })
}
