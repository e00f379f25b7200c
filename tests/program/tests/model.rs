//! Random transactions of every instruction against the plain model, on LiteSVM with
//! the kept ELF.

use std::collections::BTreeSet;
use tollgate_client::{TollgateError, accounts};
use tollgate_program_tests::litesvm_runtime::LiteSvmRuntime;
use tollgate_program_tests::model::actors::Kind;
use tollgate_program_tests::model::{self, Plan};

/// Seeds of every run without variables, next to a random one.
const FIXED: [u64; 3] = [1, 2, 3];
/// From so many steps on, every instruction has to have succeeded.
const ENOUGH_FOR_INSTRUCTIONS: u64 = 3_000;
/// From so many steps on, every error has to have been seen that can be.
const ENOUGH_FOR_ERRORS: u64 = 20_000;

/// Errors that no random use can reach: no program writes accounts of another version.
const UNREACHABLE: [TollgateError; 1] = [TollgateError::VersionUnknown];

#[test]
fn the_chain_does_what_the_model_says() {
    let seeds = FIXED.into_iter().chain([model::random_seed()]);
    let total = Plan::from_environment(seeds).run(LiteSvmRuntime::default);
    // A generator that stopped reaching something would prove nothing of it. A short
    // replay may well miss one.
    if total.steps >= ENOUGH_FOR_INSTRUCTIONS {
        let missed = total.never_done();
        assert!(missed.is_empty(), "{missed:?} never succeeded");
    }
    if total.steps >= ENOUGH_FOR_ERRORS {
        let seen = total.reasons();
        let missed: Vec<_> = accounts::errors()
            .filter(|error| !UNREACHABLE.contains(error))
            .filter(|error| !seen.contains(format!("{error:?}").as_str()))
            .collect();
        assert!(missed.is_empty(), "{missed:?} were never seen");
        let missed = total.never_met();
        assert!(missed.is_empty(), "{missed:?} never came up");
    }
}

#[test]
fn the_model_knows_every_instruction() {
    let idl = include_str!("../../../programs/tollgate/artifacts/tollgate.json");
    let idl: BTreeSet<String> = tollgate_program_tests::substitution::idl::instructions(idl)
        .into_iter()
        .map(|shape| shape.name.replace('_', ""))
        .collect();
    let known: BTreeSet<String> = (Kind::INSTRUCTIONS.iter())
        .map(|kind| format!("{kind:?}").to_lowercase())
        .collect();
    assert_eq!(known, idl);
}
