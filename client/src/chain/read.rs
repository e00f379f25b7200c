//! Readings: accounts with the slot and the chain time that they belong to.

use super::{Chain, ChainError};
use crate::accounts::{DecodeError, ProgramAccount, decode};
use crate::{
    Addresses, Amount, Entitlement, Merchant, PaymentIntent, Product, Pubkey, UnixSeconds,
};
use solana_account::Account;
use solana_clock::Clock;
use solana_hash::Hash;
use solana_rpc_client_api::request::MAX_MULTIPLE_ACCOUNTS;

/// Address of the Clock sysvar.
pub const CLOCK: Pubkey = Pubkey::from_str_const("SysvarC1ock11111111111111111111111111111111");
/// Where SPL Token keeps an account's amount.
const TOKEN_AMOUNT: std::ops::Range<usize> = 64..72;

/// What the chain says of one beneficiary, all from one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntitlementReading {
    /// Slot that the server answered for.
    pub slot: u64,
    /// Chain time of that answer.
    pub chain_time: UnixSeconds,
    /// The entitlement; `None` when there is no such account.
    pub entitlement: Option<Entitlement>,
}

/// What the chain says of several entitlements, all from one answer.
#[derive(Clone, Debug)]
pub struct EntitlementsReading {
    /// Slot that the server answered for.
    pub slot: u64,
    /// Chain time of that answer.
    pub chain_time: UnixSeconds,
    /// In the order of the question: the entitlement, `None` when there is no such
    /// account, or why what stands there is no entitlement.
    pub entitlements: Vec<Result<Option<Entitlement>, DecodeError>>,
}

/// Most entitlements of one [`EntitlementsReading`]: a call has a hundred accounts,
/// one of them the clock.
pub const MAX_ENTITLEMENTS_AT_ONCE: usize = MAX_MULTIPLE_ACCOUNTS - 1;

impl Chain {
    /// Several entitlements by their addresses, with the chain time to judge them by:
    /// one call. One account that is something else does not spoil the others.
    ///
    /// # Errors
    /// [`ChainError`] whenever the server's answer is missing or not trustworthy,
    /// and for more than [`MAX_ENTITLEMENTS_AT_ONCE`] addresses.
    pub async fn entitlements(
        &self,
        addresses: &[Pubkey],
    ) -> Result<EntitlementsReading, ChainError> {
        if addresses.len() > MAX_ENTITLEMENTS_AT_ONCE {
            return Err(ChainError::Malformed("too many accounts in one question"));
        }
        let asked: Vec<Pubkey> = addresses.iter().copied().chain([CLOCK]).collect();
        let (slot, mut accounts) = self.accounts_at(&asked).await?;
        let chain_time = chain_time(accounts.pop().flatten())?;
        let known = self.addresses();
        let entitlements = addresses
            .iter()
            .zip(accounts)
            .map(|(address, account)| decode_created(&known, address, account))
            .collect();
        Ok(EntitlementsReading {
            slot,
            chain_time,
            entitlements,
        })
    }

    /// The entitlement of `beneficiary` to `product` (the account's address),
    /// with the chain time to judge it by: one call.
    ///
    /// # Errors
    /// [`ChainError`] whenever the server's answer is missing or not trustworthy.
    pub async fn entitlement(
        &self,
        product: &Pubkey,
        beneficiary: &Pubkey,
    ) -> Result<EntitlementReading, ChainError> {
        let address = self.addresses().entitlement(product, beneficiary);
        let (slot, accounts) = self.accounts([address, CLOCK]).await?;
        let [entitlement, clock] = accounts;
        let chain_time = chain_time(clock)?;
        let entitlement = decode_created(&self.addresses(), &address, entitlement)?;
        Ok(EntitlementReading {
            slot,
            chain_time,
            entitlement,
        })
    }

    /// Chain time: the Clock sysvar's.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn time(&self) -> Result<UnixSeconds, ChainError> {
        let (_, [clock]) = self.accounts([CLOCK]).await?;
        chain_time(clock)
    }

    /// A product by its address.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn product(&self, address: &Pubkey) -> Result<Option<Product>, ChainError> {
        self.decoded(address).await
    }

    /// A merchant by its address.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn merchant(&self, address: &Pubkey) -> Result<Option<Merchant>, ChainError> {
        self.decoded(address).await
    }

    /// A payment intent by its address.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn intent(&self, address: &Pubkey) -> Result<Option<PaymentIntent>, ChainError> {
        self.decoded(address).await
    }

    /// What an SPL Token account holds; `None` when there is no such account.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn token_balance(&self, address: &Pubkey) -> Result<Option<Amount>, ChainError> {
        let (_, [account]) = self.accounts([*address]).await?;
        let Some(account) = account else {
            return Ok(None);
        };
        if account.owner != spl_token_interface::ID {
            return Err(ChainError::Malformed("not an SPL Token account"));
        }
        let amount = account
            .data
            .get(TOKEN_AMOUNT)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(ChainError::Malformed("not an SPL Token account"))?;
        Ok(Some(Amount(u64::from_le_bytes(amount))))
    }

    /// The cluster's genesis hash.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn genesis_hash(&self) -> Result<Hash, ChainError> {
        self.bounded(self.rpc.get_genesis_hash()).await
    }

    /// Refuses a server of another cluster.
    ///
    /// # Errors
    /// [`ChainError::WrongCluster`], or what kept the server from answering.
    pub async fn require_genesis_hash(&self, expected: &Hash) -> Result<(), ChainError> {
        let actual = self.genesis_hash().await?;
        if actual == *expected {
            return Ok(());
        }
        Err(ChainError::WrongCluster {
            expected: expected.to_string(),
            actual: actual.to_string(),
        })
    }

    /// A recent blockhash and the last block height at which it is valid.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn latest_blockhash(&self) -> Result<(Hash, u64), ChainError> {
        self.bounded(
            self.rpc
                .get_latest_blockhash_with_commitment(self.commitment()),
        )
        .await
    }

    async fn decoded<T: ProgramAccount>(&self, address: &Pubkey) -> Result<Option<T>, ChainError> {
        let (_, [account]) = self.accounts([*address]).await?;
        Ok(decode_created(&self.addresses(), address, account)?)
    }

    /// The raw accounts at the configured commitment, in order, from one answer.
    async fn accounts<const N: usize>(
        &self,
        addresses: [Pubkey; N],
    ) -> Result<(u64, [Option<Account>; N]), ChainError> {
        let (slot, accounts) = self.accounts_at(&addresses).await?;
        let accounts = accounts
            .try_into()
            .map_err(|_| ChainError::Malformed("another number of accounts"))?;
        Ok((slot, accounts))
    }
}

/// What was created at `address`, if anything was: anybody may send lamports to an
/// address at which nothing stands yet, and the system program holds them there.
fn decode_created<T: ProgramAccount>(
    addresses: &Addresses,
    address: &Pubkey,
    account: Option<Account>,
) -> Result<Option<T>, DecodeError> {
    account
        .filter(|account| {
            account.owner != solana_system_interface::program::ID || !account.data.is_empty()
        })
        .map(|account| decode(addresses, address, &account))
        .transpose()
}

/// The time that a Clock sysvar account holds.
///
/// # Errors
/// [`ChainError::Malformed`] when there is no such account or its bytes are no clock.
pub fn chain_time(clock: Option<Account>) -> Result<UnixSeconds, ChainError> {
    let clock = clock.ok_or(ChainError::Malformed("the Clock sysvar is missing"))?;
    let clock: Clock = bincode::deserialize(&clock.data)
        .map_err(|_| ChainError::Malformed("the Clock sysvar is damaged"))?;
    Ok(UnixSeconds(clock.unix_timestamp))
}
