//! No account can stand in for another: every slot of every instruction of the IDL,
//! on LiteSVM with the kept ELF. The outcomes are recorded in a snapshot, so that a
//! change of any of them is seen.

use tollgate_program_tests::litesvm_runtime::LiteSvmRuntime;
use tollgate_program_tests::{World, substitution};

#[test]
fn no_account_stands_in_for_another() {
    let idl = include_str!("../../../programs/tollgate/artifacts/tollgate.json");
    let new_world = || World::new(Box::new(LiteSvmRuntime::default()));
    let report = substitution::run(&new_world, idl);
    println!(
        "{} substitutions, {} of them allowed for a reason",
        report.tried, report.allowed
    );
    insta::assert_snapshot!("substitutions", report.table);
    assert!(report.surprises.is_empty(), "{:#?}", report.surprises);
}
