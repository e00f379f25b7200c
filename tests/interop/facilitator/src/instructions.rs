//! The instructions that payments are made of.

use crate::world::World;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::{AccountMeta, Instruction};
use solana_signer::Signer;
use tollgate_client::Pubkey;
use tollgate_gate::exact::{LIGHTHOUSE_PROGRAM, MEMO_PROGRAM};

/// First byte of `TransferChecked`.
pub const TRANSFER_CHECKED: u8 = 12;
/// Decimals of the mint.
const DECIMALS: u8 = 6;

/// `SetComputeUnitLimit`.
pub fn limit(units: u32) -> Instruction {
    ComputeBudgetInstruction::set_compute_unit_limit(units)
}

/// `SetComputeUnitPrice`.
pub fn price(millionths: u64) -> Instruction {
    ComputeBudgetInstruction::set_compute_unit_price(millionths)
}

/// `TransferChecked` of the sale's amount from the payer to the recipient.
pub fn transfer(world: &World) -> Instruction {
    let mut data = vec![TRANSFER_CHECKED];
    data.extend(world.amount.to_le_bytes());
    data.push(DECIMALS);
    Instruction {
        program_id: world.token_program,
        accounts: vec![
            AccountMeta::new(world.source(), false),
            AccountMeta::new_readonly(world.mint, false),
            AccountMeta::new(world.destination(), false),
            AccountMeta::new_readonly(world.payer.pubkey(), true),
        ],
        data,
    }
}

/// A memo.
pub fn memo(text: impl AsRef<[u8]>) -> Instruction {
    Instruction {
        program_id: MEMO_PROGRAM,
        accounts: Vec::new(),
        data: text.as_ref().to_vec(),
    }
}

/// A wallet's guard over `accounts`; what it asserts is nobody's business here.
pub fn guard(accounts: &[Pubkey]) -> Instruction {
    let accounts = accounts.iter();
    Instruction {
        program_id: LIGHTHOUSE_PROGRAM,
        accounts: accounts
            .map(|key| AccountMeta::new_readonly(*key, false))
            .collect(),
        data: vec![9, 4, 1, 0, 0],
    }
}

/// An instruction of a program that has no business in a payment.
pub fn foreign(world: &World) -> Instruction {
    Instruction {
        program_id: Pubkey::default(),
        accounts: vec![
            AccountMeta::new(world.payer.pubkey(), true),
            AccountMeta::new(world.stranger.pubkey(), false),
        ],
        // The system program's transfer of one lamport.
        data: vec![2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
    }
}
