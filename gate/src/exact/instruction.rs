//! The instructions of a payment. Like the programs that execute them, the readers
//! here ignore data behind what they know.

use super::message::Instruction;
use super::payment::Transfer;
use super::{
    ComputeBudgetOrder, ExactError, LIGHTHOUSE_PROGRAM, MEMO_PROGRAM, Policy, TOKEN_2022_PROGRAM,
    TOKEN_PROGRAM,
};
use tollgate_client::Amount;

/// First byte of `SetComputeUnitLimit`, then a little-endian `u32`.
const SET_COMPUTE_UNIT_LIMIT: u8 = 2;
/// First byte of `SetComputeUnitPrice`, then a little-endian `u64`.
const SET_COMPUTE_UNIT_PRICE: u8 = 3;
/// First byte of `TransferChecked`, then a little-endian `u64` and the decimals.
const TRANSFER_CHECKED: u8 = 12;
/// Compute budget, compute budget, transfer.
pub(super) const FIXED_INSTRUCTIONS: usize = 3;

/// The compute unit limit and price that the first two instructions set.
pub(super) fn compute_budget(
    first: &Instruction<'_>,
    second: &Instruction<'_>,
    policy: &Policy,
) -> Result<(u32, u64), ExactError> {
    let swapped = policy.compute_budget_order == ComputeBudgetOrder::Either
        && compute_budget_data(first, SET_COMPUTE_UNIT_PRICE).is_some();
    let (limit, price) = if swapped {
        (second, first)
    } else {
        (first, second)
    };
    let limit = compute_budget_data(limit, SET_COMPUTE_UNIT_LIMIT)
        .and_then(|data| data.first_chunk())
        .map(|bytes| u32::from_le_bytes(*bytes))
        .ok_or(ExactError::ComputeLimit)?;
    if policy.max_compute_units.is_some_and(|most| limit > most) {
        return Err(ExactError::ComputeLimitTooHigh);
    }
    let price = compute_budget_data(price, SET_COMPUTE_UNIT_PRICE)
        .and_then(|data| data.first_chunk())
        .map(|bytes| u64::from_le_bytes(*bytes))
        .ok_or(ExactError::ComputePrice)?;
    if price > policy.max_compute_unit_price {
        return Err(ExactError::ComputePriceTooHigh);
    }
    Ok((limit, price))
}

/// What follows the first byte of a compute budget instruction of this kind.
fn compute_budget_data<'a>(instruction: &Instruction<'a>, kind: u8) -> Option<&'a [u8]> {
    let (first, rest) = instruction.data.split_first()?;
    let is_it = *instruction.program == solana_compute_budget_interface::ID && *first == kind;
    is_it.then_some(rest)
}

/// The transfer, if the instruction is a `TransferChecked` of Token or Token-2022.
/// Accounts behind the authority (the members of a multisignature account, what a
/// transfer hook needs) are allowed, as the programs allow them.
pub(super) fn transfer(instruction: &Instruction<'_>) -> Option<Transfer> {
    let program = *instruction.program;
    if program != TOKEN_PROGRAM && program != TOKEN_2022_PROGRAM {
        return None;
    }
    let (kind, data) = instruction.data.split_first()?;
    let (amount, data) = data.split_first_chunk()?;
    if *kind != TRANSFER_CHECKED || data.is_empty() {
        return None;
    }
    let [source, mint, destination, authority, ..] = instruction.accounts.as_slice() else {
        return None;
    };
    Some(Transfer {
        token_program: program,
        source: **source,
        mint: **mint,
        destination: **destination,
        authority: **authority,
        amount: Amount(u64::from_le_bytes(*amount)),
    })
}

/// The data of every memo behind the transfer, where nothing but memos and a wallet's
/// guards may be.
pub(super) fn memos<'a>(optional: &[Instruction<'a>]) -> Result<Vec<&'a [u8]>, ExactError> {
    let mut memos = Vec::new();
    for (index, instruction) in optional.iter().enumerate() {
        if *instruction.program == MEMO_PROGRAM {
            memos.push(instruction.data);
        } else if *instruction.program != LIGHTHOUSE_PROGRAM {
            return Err(ExactError::unknown_instruction(index));
        }
    }
    Ok(memos)
}
