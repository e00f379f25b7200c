//! Accounts at derived addresses, created by hand where every payment pays for it:
//! Anchor's `init` does more than that needs (benches/README.md).

use crate::error::TollgateError;
use anchor_lang::prelude::*;
use anchor_lang::solana_program::instruction::{AccountMeta, Instruction};
use anchor_lang::solana_program::program::invoke_signed_unchecked;
use anchor_lang::system_program;
use bytemuck::NoUninit;

/// The system program's tag of `CreateAccountAllowPrefund`.
const CREATE_ACCOUNT_ALLOW_PREFUND: u32 = 13;

/// The instruction's data, as bincode writes it: little-endian, without padding.
#[derive(Clone, Copy, NoUninit)]
#[repr(C, packed)]
struct CreateAccountAllowPrefund {
    tag: u32,
    lamports: u64,
    space: u64,
    owner: Pubkey,
}

/// Bytes that every account counts for besides its data.
const ACCOUNT_STORAGE_OVERHEAD: u64 = 128;
/// The bits of 1.0 and 2.0.
const ONE_YEAR: u64 = 1.0_f64.to_bits();
const TWO_YEARS: u64 = 2.0_f64.to_bits();

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
    let missing = rent_exemption(space)?.saturating_sub(account.lamports());
    let data = CreateAccountAllowPrefund {
        tag: CREATE_ACCOUNT_ALLOW_PREFUND,
        lamports: missing,
        space: space as u64,
        owner: crate::ID,
    };
    let created = AccountMeta::new(*account.key, true);
    // The system program takes the funding account only when it has to pay.
    let accounts = if missing > 0 {
        vec![created, AccountMeta::new(*rent_payer.key, true)]
    } else {
        vec![created]
    };
    let instruction = Instruction {
        program_id: system_program::ID,
        accounts,
        data: bytemuck::bytes_of(&data).to_vec(),
    };
    // Unchecked: without a look at the handles' borrow flags; nothing is borrowed here.
    invoke_signed_unchecked(
        &instruction,
        &[account.clone(), rent_payer.clone()],
        &[seeds],
    )?;
    Ok(())
}

/// Lamports that an account of `space` bytes has to hold, by the Rent sysvar.
///
/// The sysvar states years as a floating-point number, which is 2 where accounts pay
/// for two years and 1 where that is part of the price; the processor has no such
/// numbers, and every creation would pay for a multiplication by one in software.
#[expect(
    deprecated,
    reason = "clusters still pay for two years, and only these fields say so without software arithmetic"
)]
fn rent_exemption(space: usize) -> Result<u64> {
    let rent = Rent::get()?;
    let yearly = (ACCOUNT_STORAGE_OVERHEAD + space as u64).checked_mul(rent.lamports_per_byte_year);
    let exemption = match rent.exemption_threshold.to_bits() {
        ONE_YEAR => yearly,
        TWO_YEARS => yearly.and_then(|yearly| yearly.checked_mul(2)),
        _ => Some(rent.minimum_balance(space)),
    };
    Ok(exemption.ok_or(TollgateError::ArithmeticOverflow)?)
}

/// Writes an account, discriminator included.
pub fn store(account: &AccountInfo<'_>, value: &impl AccountSerialize) -> Result<()> {
    let mut data = account.try_borrow_mut_data()?;
    value.try_serialize(&mut &mut data[..])
}
