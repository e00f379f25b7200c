//! The program's two generated tests on solana-program-test, with the kept ELF: the
//! model and every substitution of accounts.

use tollgate_program_test_tests::ProgramTestRuntime;
use tollgate_program_tests::litesvm_runtime::LiteSvmRuntime;
use tollgate_program_tests::model::Plan;
use tollgate_program_tests::{World, substitution};

/// A seed that once told apart what the bank and LiteSVM let an account keep that has
/// less than its rent. `cargo xtask soak --runtime bank` draws others.
const SEED: u64 = 220_202_760;

#[test]
fn the_bank_does_what_the_model_says() {
    let tally = Plan::from_environment([SEED]).run(ProgramTestRuntime::start);
    let done: u64 = tally.kinds.values().map(|outcomes| outcomes.done).sum();
    assert!(
        done > tally.steps / 2,
        "most of what is tried has to succeed"
    );
}

#[test]
fn the_bank_refuses_substitutes_as_litesvm_does() {
    let idl = include_str!("../../../programs/tollgate/artifacts/tollgate.json");
    let bank = || World::new(Box::new(ProgramTestRuntime::start()));
    let litesvm = || World::new(Box::new(LiteSvmRuntime::default()));
    let found = substitution::run(&bank, idl);
    let expected = substitution::run(&litesvm, idl);
    println!("{} substitutions", found.tried);
    let differing: Vec<_> = (found.table.lines().zip(expected.table.lines()))
        .filter(|(found, expected)| found != expected)
        .collect();
    assert!(differing.is_empty(), "bank and LiteSVM: {differing:#?}");
    assert_eq!(found.table, expected.table);
    assert!(found.surprises.is_empty(), "{:#?}", found.surprises);
}
