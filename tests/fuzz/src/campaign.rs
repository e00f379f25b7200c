//! The loop: input that comes to something new is kept and mutated further.

use crate::input::Input;
use crate::program::Target;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};

/// Most inputs that are kept, so that those of one path cannot crowd out the others.
const KEPT: usize = 4_000;

/// What a campaign came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Transactions executed.
    pub executions: u64,
    /// Of them on genuine accounts, where the program's rules were checked as well.
    pub genuine: u64,
    /// Different outcomes.
    pub outcomes: u64,
    /// By instruction (as the IDL calls it): executions that succeeded, and reasons of
    /// refusal.
    pub instructions: BTreeMap<String, (u64, BTreeSet<String>)>,
}

impl Tally {
    /// Adds another campaign's.
    pub fn add(&mut self, other: Self) {
        self.executions += other.executions;
        self.genuine += other.genuine;
        self.outcomes += other.outcomes;
        for (name, (done, reasons)) in other.instructions {
            let sum = self.instructions.entry(name).or_default();
            sum.0 += done;
            sum.1.extend(reasons);
        }
    }
}

/// Executes `executions` inputs on `target`, the same for the same seed.
///
/// # Panics
/// When something happens that must never happen; the input and its seed are printed.
pub fn run(target: &mut Target, names: &[String], seed: u64, executions: u64) -> Tally {
    let mut random = StdRng::seed_from_u64(seed);
    let mut kept: Vec<Input> = target.material.valid.clone();
    let mut seen = BTreeSet::new();
    let mut tally = Tally::default();
    // First everything as it should be: that the search begins where it succeeds.
    let mut waiting = kept.clone();
    while tally.executions < executions {
        let input = waiting.pop().unwrap_or_else(|| {
            let parent = if random.random_ratio(1, 4) {
                target.material.valid.choose(&mut random)
            } else {
                kept.choose(&mut random)
            };
            let parent = parent.expect("there is valid input").clone();
            parent.mutated(&mut random, &target.material)
        });
        let outcome = target.execute(&input).unwrap_or_else(|error| {
            panic!(
                "seed {seed}, execution {}: {error}\n{input:#?}",
                tally.executions
            )
        });
        let Some(outcome) = outcome else { continue };
        tally.executions += 1;
        tally.genuine += u64::from(input.is_genuine());
        if let [instruction] = input.instructions.as_slice() {
            let position = target.material.position(instruction);
            if let Some(position) = position {
                let entry = tally.instructions.entry(names[position].clone());
                let count = entry.or_default();
                match &outcome.refusal {
                    None => count.0 += 1,
                    Some(reason) => drop(count.1.insert(reason.clone())),
                }
            }
        }
        if seen.insert(outcome) {
            if kept.len() < KEPT {
                kept.push(input);
            } else {
                let old = random.random_range(0..kept.len());
                kept[old] = input;
            }
        }
    }
    tally.outcomes = u64::try_from(seen.len()).unwrap_or(u64::MAX);
    tally
}
