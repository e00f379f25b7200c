//! The one way in which tokens move: `TransferChecked` of SPL Token.

use crate::error::{ensure, TollgateError};
use crate::units::Amount;
use anchor_lang::prelude::*;
use anchor_lang::solana_program::instruction::{AccountMeta, Instruction};
use anchor_lang::solana_program::program::invoke_signed_unchecked;
use anchor_spl::token;
use bytemuck::NoUninit;

/// SPL Token's tag of `TransferChecked`.
const TRANSFER_CHECKED: u8 = 12;

/// The instruction's data: little-endian, without padding.
#[derive(Clone, Copy, NoUninit)]
#[repr(C, packed)]
struct TransferChecked {
    tag: u8,
    amount: u64,
    decimals: u8,
}

/// The accounts of one transfer. Token compares the mint with both token
/// accounts and the authority with the source's owner.
pub struct Transfer<'a, 'info> {
    /// Debited token account.
    pub source: &'a AccountInfo<'info>,
    /// The token's mint.
    pub mint: &'a AccountInfo<'info>,
    /// Credited token account.
    pub destination: &'a AccountInfo<'info>,
    /// Who signs for the source.
    pub authority: &'a AccountInfo<'info>,
}

impl Transfer<'_, '_> {
    /// Moves `amount`; `signer` holds the authority's seeds when it is ours.
    ///
    /// Built by hand instead of by the helper library: it saves the copies of
    /// all account handles, which cost more than the transfer itself. Unchecked means
    /// without a look at the handles' borrow flags: nothing is borrowed here.
    pub fn execute(&self, amount: Amount, decimals: u8, signer: &[&[&[u8]]]) -> Result<()> {
        ensure(!amount.is_zero(), TollgateError::AmountZero)?;
        // A transfer to itself succeeds in SPL Token and moves nothing.
        ensure(
            *self.source.key != *self.destination.key,
            TollgateError::AccountsAliased,
        )?;
        let data = TransferChecked {
            tag: TRANSFER_CHECKED,
            amount: amount.0,
            decimals,
        };
        let instruction = Instruction {
            program_id: token::ID,
            accounts: vec![
                AccountMeta::new(*self.source.key, false),
                AccountMeta::new_readonly(*self.mint.key, false),
                AccountMeta::new(*self.destination.key, false),
                AccountMeta::new_readonly(*self.authority.key, true),
            ],
            data: bytemuck::bytes_of(&data).to_vec(),
        };
        let accounts = [
            self.source.clone(),
            self.mint.clone(),
            self.destination.clone(),
            self.authority.clone(),
        ];
        invoke_signed_unchecked(&instruction, &accounts, signer)?;
        Ok(())
    }
}

/// SPL Token's tag of `CloseAccount`.
const CLOSE_ACCOUNT: u8 = 9;

/// Closes an empty token account of `owner`; its lamports go to `destination`.
pub fn close_account<'info>(
    account: &AccountInfo<'info>,
    destination: &AccountInfo<'info>,
    owner: &AccountInfo<'info>,
    signer: &[&[&[u8]]],
) -> Result<()> {
    let instruction = Instruction {
        program_id: token::ID,
        accounts: vec![
            AccountMeta::new(*account.key, false),
            AccountMeta::new(*destination.key, false),
            AccountMeta::new_readonly(*owner.key, true),
        ],
        data: vec![CLOSE_ACCOUNT],
    };
    let accounts = [account.clone(), destination.clone(), owner.clone()];
    invoke_signed_unchecked(&instruction, &accounts, signer)?;
    Ok(())
}
