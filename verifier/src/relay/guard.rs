//! What a transaction must be for the relay to put its name to it.
//!
//! The relay's signature gives every instruction that names the relay leave to act
//! for it. So none may name it, whatever has been verified before: this is the last
//! look, at the very bytes that are signed.

use solana_message::VersionedMessage;
use solana_message::compiled_instruction::CompiledInstruction;
use solana_transaction::versioned::VersionedTransaction;
use tollgate_client::Pubkey;
use tollgate_gate::exact::{LIGHTHOUSE_PROGRAM, MEMO_PROGRAM, TOKEN_2022_PROGRAM, TOKEN_PROGRAM};

use super::RelayRefusal;

/// What a cluster takes for each signature, in lamports.
pub(super) const LAMPORTS_PER_SIGNATURE: u64 = 5_000;
/// Most compute units of a transaction; what one without a limit of its own may be
/// charged for.
const MOST_COMPUTE_UNITS: u32 = 1_400_000;
/// Sets limit and price of compute units.
const COMPUTE_BUDGET_PROGRAM: Pubkey =
    Pubkey::from_str_const("ComputeBudget111111111111111111111111111111");
/// The ComputeBudget program's instructions that matter for the fee.
const SET_UNIT_LIMIT: u8 = 2;
const SET_UNIT_PRICE: u8 = 3;

/// The programs of a transfer.
const PROGRAMS: [Pubkey; 5] = [
    COMPUTE_BUDGET_PROGRAM,
    TOKEN_PROGRAM,
    TOKEN_2022_PROGRAM,
    MEMO_PROGRAM,
    LIGHTHOUSE_PROGRAM,
];

/// Passes a transaction that costs the relay its fee and nothing else, and says how
/// many lamports that is at most.
///
/// # Errors
/// [`RelayRefusal`].
pub(super) fn require_harmless(
    transaction: &VersionedTransaction,
    relay: &Pubkey,
) -> Result<u64, RelayRefusal> {
    let message = &transaction.message;
    if !matches!(
        message,
        VersionedMessage::Legacy(_) | VersionedMessage::V0(_)
    ) {
        return Err(RelayRefusal::NotForRelay);
    }
    let keys = message.static_account_keys();
    let signers = usize::from(message.header().num_required_signatures);
    // Signing is asked for once, as the fee payer; a key listed twice could be named
    // by its other place.
    let place = keys.iter().filter(|key| *key == relay).count();
    if keys.first() != Some(relay) || place != 1 || transaction.signatures.len() != signers {
        return Err(RelayRefusal::NotForRelay);
    }
    if message
        .address_table_lookups()
        .is_some_and(|lookups| !lookups.is_empty())
    {
        return Err(RelayRefusal::ForeignProgram);
    }
    for instruction in message.instructions() {
        require_foreign_to_relay(instruction)?;
        let program = keys.get(usize::from(instruction.program_id_index));
        if !program.is_some_and(|program| PROGRAMS.contains(program)) {
            return Err(RelayRefusal::ForeignProgram);
        }
    }
    Ok(fee_of(transaction))
}

/// What a transaction costs its fee payer at most, in lamports.
pub(super) fn fee_of(transaction: &VersionedTransaction) -> u64 {
    let message = &transaction.message;
    let signatures = u64::from(message.header().num_required_signatures);
    let fee = LAMPORTS_PER_SIGNATURE.saturating_mul(signatures);
    fee.saturating_add(priority_fee(message))
}

/// The relay stands at the first place.
fn require_foreign_to_relay(instruction: &CompiledInstruction) -> Result<(), RelayRefusal> {
    if instruction.program_id_index == 0 || instruction.accounts.contains(&0) {
        return Err(RelayRefusal::NamesRelay);
    }
    Ok(())
}

/// Lamports for the priority of `units` at `price` millionths of a lamport, rounded up.
pub(super) fn priority(units: u32, price: u64) -> u64 {
    const MILLIONTHS: u128 = 1_000_000;
    let millionths = u128::from(units) * u128::from(price);
    u64::try_from(millionths.div_ceil(MILLIONTHS)).unwrap_or(u64::MAX)
}

/// What a message asks for.
fn priority_fee(message: &VersionedMessage) -> u64 {
    // A cluster refuses a message that sets one of them twice; what is dearer counts.
    let (mut limit, mut price) = (None, 0_u64);
    let keys = message.static_account_keys();
    for instruction in message.instructions() {
        if keys.get(usize::from(instruction.program_id_index)) != Some(&COMPUTE_BUDGET_PROGRAM) {
            continue;
        }
        match instruction.data.split_first() {
            Some((&SET_UNIT_LIMIT, units)) => {
                let units = units
                    .try_into()
                    .map_or(MOST_COMPUTE_UNITS, u32::from_le_bytes);
                limit = limit.max(Some(units));
            }
            Some((&SET_UNIT_PRICE, micro)) => {
                price = price.max(micro.try_into().map_or(u64::MAX, u64::from_le_bytes));
            }
            _ => {}
        }
    }
    priority(limit.unwrap_or(MOST_COMPUTE_UNITS), price)
}
