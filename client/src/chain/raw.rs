//! Accounts and facts of a cluster as they are, without a meaning of this program.

use super::{Chain, ChainError};
use crate::accounts::decode;
use crate::{Product, Pubkey};
use anchor_lang::Discriminator;
use solana_account::{Account, ReadableAccount};
use solana_account_decoder::{UiAccount, UiAccountEncoding};
use solana_rpc_client_api::config::{RpcAccountInfoConfig, RpcProgramAccountsConfig};
use solana_rpc_client_api::filter::{Memcmp, RpcFilterType};
use solana_rpc_client_api::request::MAX_MULTIPLE_ACCOUNTS;

/// Where SPL Token keeps a mint's decimals.
const MINT_DECIMALS: usize = 44;
/// Bytes of an SPL Token mint.
const MINT_BYTES: usize = 82;

impl Chain {
    /// The account at `address`; `None` when there is none.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn account(&self, address: &Pubkey) -> Result<Option<Account>, ChainError> {
        let (_, accounts) = self.accounts_at(&[*address]).await?;
        Ok(accounts.into_iter().next().flatten())
    }

    /// The accounts at `addresses`, in their order, read in groups of a hundred. Each
    /// group is one answer; several groups may belong to different slots.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn raw_accounts(
        &self,
        addresses: &[Pubkey],
    ) -> Result<Vec<Option<Account>>, ChainError> {
        let mut all = Vec::with_capacity(addresses.len());
        for group in addresses.chunks(MAX_MULTIPLE_ACCOUNTS) {
            all.extend(self.accounts_at(group).await?.1);
        }
        Ok(all)
    }

    /// Decimals of the SPL Token mint at `address`; `None` when there is no account.
    ///
    /// # Errors
    /// [`ChainError::Malformed`] for an account that is no mint, and [`ChainError`].
    pub async fn mint_decimals(&self, address: &Pubkey) -> Result<Option<u8>, ChainError> {
        let Some(account) = self.account(address).await? else {
            return Ok(None);
        };
        let is_mint = account.owner == spl_token_interface::ID && account.data.len() == MINT_BYTES;
        account
            .data
            .get(MINT_DECIMALS)
            .filter(|_| is_mint)
            .map(|decimals| Some(*decimals))
            .ok_or(ChainError::Malformed("not an SPL Token mint"))
    }

    /// Every product of `merchant` (the account's address). Some RPC servers refuse this
    /// kind of search.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn products_of(
        &self,
        merchant: &Pubkey,
    ) -> Result<Vec<(Pubkey, Product)>, ChainError> {
        let is_product = Memcmp::new_raw_bytes(0, Product::DISCRIMINATOR.to_vec());
        let config = RpcProgramAccountsConfig {
            filters: Some(vec![RpcFilterType::Memcmp(is_product)]),
            account_config: self.account_config(),
            ..RpcProgramAccountsConfig::default()
        };
        let program = self.options.program_id;
        let call = self
            .rpc
            .get_program_ui_accounts_with_config(&program, config);
        let mut products = Vec::new();
        for (address, account) in self.bounded(call).await? {
            let account = decoded(&account)?;
            let product: Product = decode(&self.addresses(), &address, &account)?;
            if product.merchant == *merchant {
                products.push((address, product));
            }
        }
        Ok(products)
    }

    /// Lamports that keep an account of `bytes` alive.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn rent(&self, bytes: usize) -> Result<u64, ChainError> {
        self.bounded(self.rpc.get_minimum_balance_for_rent_exemption(bytes))
            .await
    }

    /// Lamports at `address`; 0 when there is no account.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn lamports(&self, address: &Pubkey) -> Result<u64, ChainError> {
        let account = self.account(address).await?;
        Ok(account.map_or(0, |account| account.lamports()))
    }

    /// The newest slot at the configured commitment.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn slot(&self) -> Result<u64, ChainError> {
        self.bounded(self.rpc.get_slot_with_commitment(self.commitment()))
            .await
    }

    /// The raw accounts at the configured commitment, in order, from one answer: at
    /// most [`MAX_MULTIPLE_ACCOUNTS`].
    ///
    /// The library's own decoding panics on damaged data, so it is done here.
    pub(super) async fn accounts_at(
        &self,
        addresses: &[Pubkey],
    ) -> Result<(u64, Vec<Option<Account>>), ChainError> {
        let call = self
            .rpc
            .get_multiple_ui_accounts_with_config(addresses, self.account_config());
        let answer = self.bounded(call).await?;
        let accounts = answer
            .value
            .iter()
            .map(|account| account.as_ref().map(decoded).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        if accounts.len() != addresses.len() {
            return Err(ChainError::Malformed("another number of accounts"));
        }
        Ok((answer.context.slot, accounts))
    }

    fn account_config(&self) -> RpcAccountInfoConfig {
        RpcAccountInfoConfig {
            encoding: Some(UiAccountEncoding::Base64),
            commitment: Some(self.commitment()),
            ..RpcAccountInfoConfig::default()
        }
    }
}

fn decoded(account: &UiAccount) -> Result<Account, ChainError> {
    account
        .to_account()
        .ok_or(ChainError::Malformed("account data is damaged"))
}
