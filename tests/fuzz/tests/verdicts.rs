//! What the searches look for is found where it is there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use solana_instruction::error::InstructionError;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_transaction_error::TransactionError;
use std::collections::BTreeMap;
use tollgate_client::{Amount, Entitlement, PROGRAM_ID, UnixSeconds};
use tollgate_fuzz::authority;
use tollgate_fuzz::input::Input;
use tollgate_fuzz::program::require_orderly;
use tollgate_program_tests::rehearsal::Rehearsal;
use tollgate_program_tests::{Failure, Snapshot};

/// A transaction that these keys signed.
fn signed_by(rehearsal: &mut Rehearsal, signers: &[Pubkey]) -> Input {
    Input {
        instructions: vec![Instruction {
            program_id: PROGRAM_ID,
            accounts: signers
                .iter()
                .map(|key| AccountMeta::new(*key, true))
                .collect(),
            data: Vec::new(),
        }],
        planted: BTreeMap::new(),
        now: rehearsal.stage.world.now().0,
    }
}

/// The verdict on a transaction that did `deed`, for each group of signers.
fn verdicts(
    rehearsal: &mut Rehearsal,
    deed: impl FnOnce(&mut Rehearsal),
    signers: &[&[&str]],
) -> Vec<bool> {
    let before = rehearsal.snapshot(&[]);
    deed(rehearsal);
    let after: Snapshot = before.again(&mut *rehearsal.stage.world.runtime);
    before.restore(&mut *rehearsal.stage.world.runtime);
    signers
        .iter()
        .map(|names| {
            let keys: Vec<Pubkey> = names.iter().map(|name| rehearsal.stage.at(name)).collect();
            let input = signed_by(rehearsal, &keys);
            authority::require(&input, &before, &after).is_ok()
        })
        .collect()
}

#[test]
fn a_theft_is_noticed() {
    let mut rehearsal = Rehearsal::default();
    let debit = |account: &'static str, owner: &'static str| {
        move |rehearsal: &mut Rehearsal| {
            let (account, owner) = (rehearsal.stage.at(account), rehearsal.stage.at(owner));
            let mint = rehearsal.stage.at("mint");
            let world = &mut rehearsal.stage.world;
            world.put_tokens(account, mint, owner, Amount(1));
        }
    };
    let purse = debit("purse", "payer");
    let verdict = verdicts(&mut rehearsal, purse, &[&[], &["operator"], &["payer"]]);
    assert_eq!(verdict, [false, false, true]);
    let vault = debit("vault", "merchant");
    let signers: [&[&str]; 4] = [&["payer"], &["rival owner"], &["owner"], &["operator"]];
    assert_eq!(
        verdicts(&mut rehearsal, vault, &signers),
        [false, false, true, true]
    );
    // Handed to somebody else without a change of the amount.
    let stolen = |rehearsal: &mut Rehearsal| {
        let (purse, mint) = (rehearsal.stage.at("purse"), rehearsal.stage.at("mint"));
        let thief = rehearsal.stage.at("rival payer");
        let world = &mut rehearsal.stage.world;
        let held = world.tokens(&purse);
        world.put_tokens(purse, mint, thief, held);
    };
    assert_eq!(verdicts(&mut rehearsal, stolen, &[&["payer"]]), [false]);
}

#[test]
fn access_without_a_payment_is_noticed() {
    let mut rehearsal = Rehearsal::default();
    let longer = |rehearsal: &mut Rehearsal| {
        let address = rehearsal.stage.at("entitlement");
        let mut held: Entitlement = rehearsal.stage.read("entitlement");
        held.expires_at = UnixSeconds(held.expires_at.0 + 1);
        let runtime = &mut rehearsal.stage.world.runtime;
        let mut account = runtime.account(&address).unwrap();
        let mut data = &mut account.data[..];
        anchor_lang::AccountSerialize::try_serialize(&held, &mut data).unwrap();
        runtime.set_account(address, account);
    };
    let everybody: [&[&str]; 2] = [&[], &["owner", "operator", "payer"]];
    assert_eq!(verdicts(&mut rehearsal, longer, &everybody), [false, false]);
}

#[test]
fn a_crash_is_no_refusal() {
    let failure = |error: InstructionError| Failure {
        error: TransactionError::InstructionError(0, error),
        logs: vec![
            format!("Program {PROGRAM_ID} invoke [1]"),
            format!("Program {PROGRAM_ID} failed: whatever"),
        ],
    };
    let refused = failure(InstructionError::Custom(6_004));
    assert_eq!(require_orderly(&refused, true), Ok(()));
    for crash in [
        InstructionError::ProgramFailedToComplete,
        InstructionError::ComputationalBudgetExceeded,
        InstructionError::ReadonlyDataModified,
        InstructionError::UnbalancedInstruction,
        InstructionError::Custom(6_999),
        InstructionError::Custom(0),
    ] {
        assert!(
            require_orderly(&failure(crash.clone()), false).is_err(),
            "{crash}"
        );
    }
}
