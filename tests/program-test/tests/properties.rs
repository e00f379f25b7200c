//! The program's two generated tests on solana-program-test, with the kept ELF: the
//! model, for a seed that is printed and may be given in `TOLLGATE_MODEL_SEED`, and
//! every substitution of accounts.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use tollgate_program_test_tests::ProgramTestRuntime;
use tollgate_program_tests::litesvm_runtime::LiteSvmRuntime;
use tollgate_program_tests::{World, model, substitution};

/// Steps of the model.
const STEPS: u64 = 1_000;

/// The given number, or one short enough to be typed again.
fn seed() -> u64 {
    let given = std::env::var("TOLLGATE_MODEL_SEED").ok();
    let given = given.map(|text| text.parse().expect("a number"));
    given.unwrap_or_else(|| u64::from(rand::random::<u32>()))
}

#[test]
fn the_bank_does_what_the_model_says() {
    let seed = seed();
    println!("seed {seed}");
    let world = World::new(Box::new(ProgramTestRuntime::start()));
    let tally = model::run(world, seed, STEPS);
    println!("{tally}");
    assert_eq!(tally.steps, STEPS);
    let done: u64 = tally.kinds.values().map(|outcomes| outcomes.done).sum();
    assert!(done > STEPS / 2, "most of what is tried has to succeed");
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
