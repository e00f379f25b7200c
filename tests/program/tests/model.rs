//! Random sequences of every instruction against the plain model, on LiteSVM with
//! the kept ELF.
//!
//! `TOLLGATE_MODEL_SEED` replays one seed, or is the first of a soak's;
//! `TOLLGATE_MODEL_STEPS` sets the number of steps in all, which are spread over
//! consecutive seeds. `cargo xtask soak` sets both.
// A test has to stop at what it does not expect.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tollgate_program_tests::World;
use tollgate_program_tests::litesvm_runtime::LiteSvmRuntime;
use tollgate_program_tests::model::{self, run::Tally};

/// Seeds of every run without variables, next to a random one.
const FIXED: [u64; 3] = [1, 2, 3];
/// Steps of each seed then.
const STEPS: u64 = 500;
/// Most steps of one seed in a soak, so that a failure is soon replayed.
const STEPS_OF_A_SEED: u64 = 5_000;

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

/// Which seeds run for how many steps.
fn plan() -> Vec<(u64, u64)> {
    let first = variable("TOLLGATE_MODEL_SEED");
    match variable("TOLLGATE_MODEL_STEPS") {
        Some(steps) => {
            let first = first.unwrap_or_else(random_seed);
            let seeds = steps.div_ceil(STEPS_OF_A_SEED);
            (0..seeds)
                .map(|number| {
                    let left = steps - number * STEPS_OF_A_SEED;
                    (first.wrapping_add(number), left.min(STEPS_OF_A_SEED))
                })
                .collect()
        }
        None => match first {
            Some(seed) => vec![(seed, STEPS_OF_A_SEED)],
            None => FIXED
                .into_iter()
                .chain([random_seed()])
                .map(|seed| (seed, STEPS))
                .collect(),
        },
    }
}

/// Short enough to be typed again.
fn random_seed() -> u64 {
    u64::from(rand::random::<u32>())
}

#[test]
fn the_chain_does_what_the_model_says() {
    let plan = plan();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, total) = (AtomicUsize::new(0), Mutex::new(Tally::new()));
    std::thread::scope(|scope| {
        for _ in 0..workers.min(plan.len()) {
            scope.spawn(|| {
                while let Some((seed, steps)) = plan.get(next.fetch_add(1, Ordering::Relaxed)) {
                    println!("seed {seed}: {steps} steps");
                    let world = World::new(Box::new(LiteSvmRuntime::default()));
                    let tally = model::run(world, *seed, *steps);
                    let mut total = total.lock().unwrap();
                    for (kind, (done, refused)) in tally {
                        let sum = total.entry(kind).or_default();
                        sum.0 += done;
                        sum.1 += refused;
                    }
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    for (kind, (done, refused)) in &total {
        println!("{kind:<20} {done:>8} done {refused:>8} refused");
    }
    // A generator that stopped reaching an instruction would prove nothing of it.
    // A short replay may well miss one.
    if plan.len() > FIXED.len() {
        for (kind, (done, _)) in &total {
            assert!(
                *done > 0 || kind == "CreateMerchant",
                "{kind} never succeeded"
            );
        }
        assert_eq!(total.len(), KINDS, "some kinds of action were never drawn");
    }
}

/// Nineteen instructions, three kinds of transfer, and time travel.
const KINDS: usize = 23;
