//! Random transactions of every instruction against the plain model, on LiteSVM with
//! the kept ELF.
//!
//! `TOLLGATE_MODEL_SEED` replays one seed, or is the first of a soak's;
//! `TOLLGATE_MODEL_STEPS` sets the number of steps in all, which are spread over
//! consecutive seeds. `cargo xtask soak` sets both. Every seed begins with a chain of
//! its own, so that each is replayed alone.
// A test has to stop at what it does not expect.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tollgate_client::{TollgateError, accounts};
use tollgate_program_tests::World;
use tollgate_program_tests::litesvm_runtime::LiteSvmRuntime;
use tollgate_program_tests::model::actors::Kind;
use tollgate_program_tests::model::{self, Tally};

/// Seeds of every run without variables, next to a random one.
const FIXED: [u64; 3] = [1, 2, 3];
/// Steps of a seed.
const STEPS: u64 = 1_000;
/// From so many steps on, every instruction has to have succeeded.
const ENOUGH_FOR_INSTRUCTIONS: u64 = 3_000;
/// From so many steps on, every error has to have been seen that can be.
const ENOUGH_FOR_ERRORS: u64 = 20_000;

/// Errors that no random use can reach: no program writes accounts of another version.
const UNREACHABLE: [TollgateError; 1] = [TollgateError::VersionUnknown];

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

/// Which seeds run for how many steps.
fn plan() -> Vec<(u64, u64)> {
    let first = variable("TOLLGATE_MODEL_SEED");
    let steps = variable("TOLLGATE_MODEL_STEPS");
    if first.is_none() && steps.is_none() {
        let seeds = FIXED.into_iter().chain([random_seed()]);
        return seeds.map(|seed| (seed, STEPS)).collect();
    }
    let first = first.unwrap_or_else(random_seed);
    let steps = steps.unwrap_or(STEPS);
    (0..steps.div_ceil(STEPS))
        .map(|number| {
            let left = steps - number * STEPS;
            (first.wrapping_add(number), left.min(STEPS))
        })
        .collect()
}

/// Short enough to be typed again.
fn random_seed() -> u64 {
    u64::from(rand::random::<u32>())
}

#[test]
fn the_chain_does_what_the_model_says() {
    let plan = plan();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    for (seed, steps) in &plan {
        println!("seed {seed}: {steps} steps");
    }
    let started = Instant::now();
    let (next, total) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..workers.min(plan.len()) {
            scope.spawn(|| {
                while let Some((seed, steps)) = plan.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let world = World::new(Box::new(LiteSvmRuntime::default()));
                    let tally = model::run(world, *seed, *steps);
                    total.lock().unwrap().merge(tally);
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    println!("{total}");
    let seconds = started.elapsed().as_secs_f64();
    println!("{seconds:.1} s on {workers} threads");
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
