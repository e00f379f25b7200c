//! Accounts as JSON-RPC shows them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use solana_account::Account;
use tollgate_client::{Addresses, Entitlement, Pubkey, UnixSeconds, accounts, chain};

use super::failure::RpcFailure;

/// The most bytes of an account that anybody asks for here; the largest is a product's.
const MAX_ACCOUNT_BYTES: usize = 4096;

/// The system program, which owns what is no account of any other program.
const SYSTEM_PROGRAM: Pubkey = Pubkey::new_from_array([0; 32]);

/// A value and the slot it holds for.
#[derive(Debug, Deserialize)]
pub(crate) struct AtSlot<T> {
    pub(crate) context: Context,
    pub(crate) value: T,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Context {
    pub(crate) slot: u64,
}

/// An account in the encoding `base64`.
#[derive(Debug, Deserialize)]
pub(crate) struct WireAccount {
    lamports: u64,
    owner: String,
    data: (String, String),
}

/// An account with its address.
#[derive(Debug, Deserialize)]
pub(crate) struct KeyedAccount {
    pub(crate) pubkey: String,
    pub(crate) account: WireAccount,
}

impl WireAccount {
    /// The account; `None` when it stands for none: without lamports, or left to the
    /// system program without data (what remains of a closed account, or of lamports
    /// that somebody sent to an address before its account exists).
    pub(crate) fn account(&self) -> Result<Option<Account>, RpcFailure> {
        const DAMAGED: RpcFailure = RpcFailure::Malformed("account data is damaged");
        let (text, encoding) = &self.data;
        if encoding != "base64" || text.len() > MAX_ACCOUNT_BYTES {
            return Err(DAMAGED);
        }
        let data = STANDARD.decode(text).map_err(|_| DAMAGED)?;
        let owner: Pubkey = self.owner.parse().map_err(|_| DAMAGED)?;
        Ok(existing(self.lamports, owner, data))
    }
}

/// An account; `None` when it stands for none ([`WireAccount::account`]).
pub(crate) fn existing(lamports: u64, owner: Pubkey, data: Vec<u8>) -> Option<Account> {
    if lamports == 0 || (owner == SYSTEM_PROGRAM && data.is_empty()) {
        return None;
    }
    Some(Account {
        lamports,
        data,
        owner,
        executable: false,
        rent_epoch: 0,
    })
}

/// The time of a Clock sysvar account.
pub(crate) fn chain_time(clock: Option<Account>) -> Result<UnixSeconds, RpcFailure> {
    chain::chain_time(clock).map_err(|_| RpcFailure::Malformed("the Clock sysvar is damaged"))
}

/// The entitlement of an account that was found by searching, checked against its own
/// address and the merchant.
pub(crate) fn entitlement_of(
    keyed: &KeyedAccount,
    addresses: &Addresses,
    merchant: &Pubkey,
) -> Result<Entitlement, RpcFailure> {
    let address: Pubkey = keyed
        .pubkey
        .parse()
        .map_err(|_| RpcFailure::Malformed("not an address"))?;
    let account = keyed
        .account
        .account()?
        .ok_or(RpcFailure::Malformed("an empty account was found"))?;
    entitlement_at(&address, &account, addresses, merchant)
}

/// The entitlement of the account at `address`, checked as in [`entitlement_of`].
pub(crate) fn entitlement_at(
    address: &Pubkey,
    account: &Account,
    addresses: &Addresses,
    merchant: &Pubkey,
) -> Result<Entitlement, RpcFailure> {
    let entitlement: Entitlement = accounts::decode(addresses, address, account)?;
    if entitlement.merchant != *merchant {
        return Err(RpcFailure::Malformed("an account of another merchant"));
    }
    Ok(entitlement)
}
