//! Accounts at derived addresses, created by hand where every payment pays for it:
//! Anchor's `init` costs 2,300 compute units more for the same effect.

use crate::error::TollgateError;
use anchor_lang::prelude::*;
use anchor_lang::solana_program::instruction::{AccountMeta, Instruction};
use anchor_lang::solana_program::program::invoke_signed;
use anchor_lang::system_program;

/// The system program's tag of `CreateAccountAllowPrefund { lamports: u64, space:
/// u64, owner: Pubkey }`, with bincode's 32-bit tags.
const CREATE_ACCOUNT_ALLOW_PREFUND: u32 = 13;

/// The canonical bump of the address that `seeds` lead to, which must be that of
/// `account`; otherwise `mismatch`.
pub fn require_address(
    account: &AccountInfo<'_>,
    seeds: &[&[u8]],
    mismatch: TollgateError,
) -> Result<u8> {
    let (address, bump) = Pubkey::find_program_address(seeds, &crate::ID);
    if account.key != &address {
        return Err(mismatch.into());
    }
    Ok(bump)
}

/// Creates the account that `seeds`, bump included, lead to. Fails with the
/// system program's "already in use" when it exists. Lamports that somebody sent to
/// the address beforehand count towards the rent and cannot prevent the creation:
/// that is what `CreateAccountAllowPrefund` (SIMD-0312) adds to `CreateAccount`.
pub fn create<'info>(
    account: &AccountInfo<'info>,
    rent_payer: &AccountInfo<'info>,
    space: usize,
    seeds: &[&[u8]],
) -> Result<()> {
    let missing = Rent::get()?
        .minimum_balance(space)
        .saturating_sub(account.lamports());
    let mut data = Vec::with_capacity(52);
    data.extend_from_slice(&CREATE_ACCOUNT_ALLOW_PREFUND.to_le_bytes());
    data.extend_from_slice(&missing.to_le_bytes());
    data.extend_from_slice(&(space as u64).to_le_bytes());
    data.extend_from_slice(crate::ID.as_ref());
    let mut accounts = vec![AccountMeta::new(*account.key, true)];
    // The system program takes the funding account only when it has to pay.
    if missing > 0 {
        accounts.push(AccountMeta::new(*rent_payer.key, true));
    }
    let instruction = Instruction {
        program_id: system_program::ID,
        accounts,
        data,
    };
    invoke_signed(
        &instruction,
        &[account.clone(), rent_payer.clone()],
        &[seeds],
    )?;
    Ok(())
}

/// Writes an account, discriminator included.
pub fn store(account: &AccountInfo<'_>, value: &impl AccountSerialize) -> Result<()> {
    let mut data = account.try_borrow_mut_data()?;
    value.try_serialize(&mut &mut data[..])
}
