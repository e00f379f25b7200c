//! The loop: draw, predict, execute, compare.

use super::action::Action;
use super::chain::Chain;
use super::generator;
use super::invariants::Invariants;
use super::places::Places;
use super::state::Model;
use super::{Tally, consent, coverage};
use crate::World;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::VecDeque;

/// How many of the last transactions a failure shows.
const SHOWN: usize = 20;
/// Steps between comparisons of every account. In between, those of the transaction
/// are compared: the runtime lets it change no other.
const FULL_COMPARISON: u64 = 250;

/// Runs `steps` random transactions on `world`, the same for the same seed.
///
/// # Panics
/// When chain and model disagree; what was done last is printed before.
pub fn run(world: World, seed: u64, steps: u64) -> Tally {
    let places = Places::get();
    let mut random = StdRng::seed_from_u64(seed);
    let (mut chain, mut model) = Chain::new(world, places, &mut random);
    chain.compare_everything(&model);
    let invariants = Invariants::of(&model, places);
    let mut history = History {
        seed,
        step: 0,
        lines: VecDeque::new(),
    };
    let mut tally = Tally::default();
    let mut opening = generator::opening(places).into_iter();
    for step in 1..=steps {
        let mut actions = match opening.next() {
            Some(action) => vec![action],
            None => generator::step(&mut random, &model, places),
        };
        chain.fit(&mut actions);
        history.push(step, &model, &actions);
        let expected = model.after(&actions, places);
        let executed = chain.execute(&actions);
        tally.add(&actions, expected.as_ref().err().copied());
        match (expected, executed) {
            (Ok(states), Ok(())) => {
                tally.met(coverage::of_success(&actions, &model, &states, places));
                let mut before = &model;
                for (action, after) in actions.iter().zip(&states) {
                    consent::require(action, before, after, places);
                    before = after;
                }
                model = states.into_iter().next_back().unwrap_or(model);
                invariants.require(&model);
            }
            (Err(failed), Err(found)) if found.agrees(failed) => {
                tally.met(coverage::of_failure(&actions, failed, &model));
            }
            (expected, executed) => panic!(
                "the model says {:?}, the chain {executed:#?}",
                expected.map(|_| "success")
            ),
        }
        if step % FULL_COMPARISON == 0 || step == steps {
            chain.compare_everything(&model);
        } else {
            chain.compare_touched(&model);
        }
    }
    tally
}

/// The last transactions, printed when the test fails for whatever reason.
struct History {
    seed: u64,
    step: u64,
    lines: VecDeque<(u64, i64, Vec<Action>)>,
}

impl History {
    fn push(&mut self, step: u64, model: &Model, actions: &[Action]) {
        self.step = step;
        if self.lines.len() == SHOWN {
            self.lines.pop_front();
        }
        self.lines.push_back((step, model.now, actions.to_vec()));
    }
}

impl Drop for History {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let Self { seed, step, lines } = self;
        eprintln!("model test failed: seed {seed}, step {step}; the last transactions:");
        for (step, now, actions) in lines {
            eprintln!("  {step} at {now}:");
            for action in actions {
                eprintln!("    {}", action.describe(Places::get()));
            }
        }
        eprintln!("replay: TOLLGATE_MODEL_SEED={seed} TOLLGATE_MODEL_STEPS={step}");
    }
}
