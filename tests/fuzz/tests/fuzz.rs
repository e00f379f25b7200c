//! Random input for a bounded time in every run, and for as long as wanted by
//! `cargo xtask fuzz`.
//!
//! `TOLLGATE_FUZZ_SECONDS` sets how long each test searches, `TOLLGATE_FUZZ_SEED` the
//! first seed. Work is cut into rounds of one seed each, which are replayed by setting
//! the seed alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tollgate_fuzz::program::Target;
use tollgate_fuzz::{campaign, decoders, service};
use tollgate_program_tests::rehearsal::IDL;
use tollgate_program_tests::substitution::idl;

/// Seed of every run without variables, next to a random one.
const FIXED: u64 = 1;

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

/// How much is done with one seed: little in every run, more where there is time for
/// it and where a seed is replayed, whose beginning is the same.
fn size(usual: u64) -> u64 {
    let long = ["TOLLGATE_FUZZ_SECONDS", "TOLLGATE_FUZZ_SEED"];
    if long.iter().any(|name| variable(name).is_some()) {
        usual * 8
    } else {
        usual
    }
}

/// Calls `round` with one seed after another: with as many as there is time for, or
/// with the one that is to be replayed, or with a fixed and a random one.
fn rounds(round: impl Fn(u64) + Sync) {
    let first = variable("TOLLGATE_FUZZ_SEED");
    let random = || u64::from(rand::random::<u32>());
    let Some(seconds) = variable("TOLLGATE_FUZZ_SECONDS") else {
        let seeds = first.map_or_else(|| vec![FIXED, random()], |seed| vec![seed]);
        std::thread::scope(|scope| {
            for seed in seeds {
                let round = &round;
                scope.spawn(move || round(seed));
            }
        });
        return;
    };
    let end = Instant::now() + Duration::from_secs(seconds);
    let next = AtomicU64::new(first.unwrap_or_else(random));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while Instant::now() < end {
                    round(next.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
    });
}

#[test]
fn no_input_crashes_the_program() {
    let executions = size(1_500);
    let names: Vec<String> = idl::instructions(IDL)
        .into_iter()
        .map(|shape| shape.name)
        .collect();
    let total = Mutex::new(campaign::Tally::default());
    rounds(|seed| {
        println!("seed {seed}: {executions} executions");
        let tally = campaign::run(&mut Target::default(), &names, seed, executions);
        total.lock().unwrap().add(tally);
    });
    let total = total.into_inner().unwrap();
    println!(
        "{} executions, {} of them on genuine accounts, {} outcomes",
        total.executions, total.genuine, total.outcomes
    );
    // A search that reaches nothing would prove nothing.
    for name in &names {
        let (done, reasons) = &total.instructions[name];
        println!("{name:<20} {done:>8} done, {:>4} reasons", reasons.len());
        assert!(*done > 0, "{name} never succeeded");
        assert!(!reasons.is_empty(), "{name} was never refused");
    }
    assert!(total.genuine > 0 && total.genuine < total.executions);
}

#[test]
fn no_bytes_break_the_clients_decoders() {
    let inputs = size(5_000);
    let target = Target::default();
    let seeds = [
        target.material.account_bytes().to_vec(),
        target.wire_transactions(),
    ]
    .concat();
    let total = Mutex::new(decoders::Tally::default());
    rounds(|seed| {
        println!("seed {seed}: {inputs} inputs");
        let tally = decoders::run(&seeds, seed, inputs);
        let mut total = total.lock().unwrap();
        total.inputs += tally.inputs;
        total.accounts += tally.accounts;
        total.transactions += tally.transactions;
    });
    let total = total.into_inner().unwrap();
    println!("{total:?}");
    assert!(total.accounts > 0 && total.accounts < total.inputs);
    assert!(total.transactions > 0 && total.transactions < total.inputs);
}

/// A reader of the service: some inputs are accepted and some are not, or the search
/// would prove nothing.
fn service_rounds(name: &str, inputs: u64, run: fn(u64, u64) -> service::Tally) {
    let inputs = size(inputs);
    let total = Mutex::new(service::Tally::default());
    rounds(|seed| {
        println!("{name}: seed {seed}: {inputs} inputs");
        total.lock().unwrap().add(run(seed, inputs));
    });
    let total = total.into_inner().unwrap();
    println!("{name}: {total:?}");
    assert!(total.accepted > 0 && total.accepted < total.inputs);
}

#[test]
fn no_spelling_of_a_path_is_decided_otherwise_than_its_canonical_form() {
    service_rounds("paths", 20_000, service::paths::run);
}

#[test]
fn no_header_makes_somebody_somebody_else() {
    service_rounds("headers", 2_000, service::headers::run);
}

#[test]
fn no_message_verifies_that_was_not_signed() {
    service_rounds("sign-ins", 2_000, service::sign_in::run);
}

#[test]
fn no_payment_verifies_that_the_payer_did_not_sign() {
    service_rounds("payments", 3_000, service::payments::run);
}

#[test]
fn no_account_opens_what_is_not_its_owners() {
    service_rounds("accounts", 5_000, service::accounts::run);
}

#[test]
fn no_configuration_breaks_its_reader() {
    service_rounds("configurations", 1_000, service::configuration::run);
}
