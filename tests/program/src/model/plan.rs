//! Which seeds run for how many steps, and all of them run.
//!
//! `TOLLGATE_MODEL_SEED` replays one seed, or is the first of a soak's;
//! `TOLLGATE_MODEL_STEPS` sets the number of steps in all, which are spread over
//! consecutive seeds. `cargo xtask soak` sets both. Every seed begins with a chain of
//! its own, so that each is replayed alone.

use super::{Tally, run};
use crate::{Runtime, World};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Steps of a seed.
const STEPS: u64 = 1_000;

/// Seeds, each with its number of steps.
pub struct Plan(Vec<(u64, u64)>);

impl Plan {
    /// What the environment asks for, else `otherwise`.
    ///
    /// # Panics
    /// When a variable is not a number.
    pub fn from_environment(otherwise: impl IntoIterator<Item = u64>) -> Self {
        let first = variable("TOLLGATE_MODEL_SEED");
        let steps = variable("TOLLGATE_MODEL_STEPS");
        if first.is_none() && steps.is_none() {
            return Self(otherwise.into_iter().map(|seed| (seed, STEPS)).collect());
        }
        let first = first.unwrap_or_else(random_seed);
        let steps = steps.unwrap_or(STEPS);
        let numbers = 0..steps.div_ceil(STEPS);
        let left = |number: u64| (steps - number * STEPS).min(STEPS);
        Self(
            numbers
                .map(|number| (first.wrapping_add(number), left(number)))
                .collect(),
        )
    }

    /// Runs every seed on a chain of its own, as many at once as there are processors,
    /// and prints the seeds before, and behind what was done.
    ///
    /// # Panics
    /// When chain and model disagree.
    pub fn run<R: Runtime + 'static>(&self, start: impl Fn() -> R + Sync) -> Tally {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        for (seed, steps) in &self.0 {
            println!("seed {seed}: {steps} steps");
        }
        let started = Instant::now();
        let (next, total) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
        std::thread::scope(|scope| {
            for _ in 0..workers.min(self.0.len()) {
                scope.spawn(|| {
                    while let Some((seed, steps)) = self.0.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let world = World::new(Box::new(start()));
                        let tally = run(world, *seed, *steps);
                        total.lock().unwrap().merge(tally);
                    }
                });
            }
        });
        let total = total.into_inner().unwrap();
        println!("{total}");
        let seconds = started.elapsed().as_secs_f64();
        println!("{seconds:.1} s on {workers} threads");
        total
    }
}

/// A seed short enough to be typed again.
pub fn random_seed() -> u64 {
    u64::from(rand::random::<u32>())
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}
