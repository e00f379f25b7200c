//! What an SPL Token account holds, and for whom.

use crate::{Amount, Pubkey};
use solana_account::ReadableAccount;
use solana_program_pack::Pack;
use spl_token_interface::state::{Account, AccountState};

/// A token account of SPL Token (not Token-2022).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenAccount {
    /// Of which currency.
    pub mint: Pubkey,
    /// Whose it is.
    pub owner: Pubkey,
    /// How much there is.
    pub amount: Amount,
    /// Whether the mint's authority has frozen it: nothing can move.
    pub frozen: bool,
    /// Whether somebody else than the owner may spend from it or close it.
    pub encumbered: bool,
}

impl TokenAccount {
    /// Reads an account; `None` when it is no token account in use.
    pub fn read(account: &impl ReadableAccount) -> Option<Self> {
        if account.owner() != &spl_token_interface::ID {
            return None;
        }
        let read = Account::unpack(account.data()).ok()?;
        Some(Self {
            mint: read.mint,
            owner: read.owner,
            amount: Amount(read.amount),
            frozen: read.state == AccountState::Frozen,
            encumbered: read.delegate.is_some() || read.close_authority.is_some(),
        })
    }
}
