//! The loop: draw, predict, execute, compare.

use super::action::Action;
use super::chain::{Chain, agrees};
use super::generator::Generator;
use super::places::Places;
use super::state::Model;
use crate::World;
use rand::SeedableRng;
use rand::rngs::StdRng;
use solana_pubkey::Pubkey;
use std::collections::{BTreeMap, VecDeque};

/// How many of the last actions a failure shows.
const SHOWN: usize = 20;

/// What was done: by kind of action, how often it succeeded and was refused.
pub type Tally = BTreeMap<String, (u64, u64)>;

/// Runs `steps` random actions on `world`, the same for the same seed.
///
/// # Panics
/// When chain and model disagree; what was done last is printed before.
pub fn run(world: World, seed: u64, steps: u64) -> Tally {
    let places = Places::get();
    let (mut chain, mut model) = Chain::new(world, places);
    chain.compare(&model, &model);
    let mut random = StdRng::seed_from_u64(seed);
    let mut history = History {
        seed,
        step: 0,
        lines: VecDeque::new(),
    };
    let mut tally = Tally::new();
    for step in 1..=steps {
        let mut generator = Generator {
            random: &mut random,
            model: &model,
            places,
        };
        let action = generator.draw();
        history.push(step, &model, &action);
        let count = tally.entry(action.kind()).or_default();
        let expected = model.after(&action, places);
        let executed = chain.execute(&action, &model);
        let next = match (expected, executed) {
            (Ok(next), Ok(())) => {
                count.0 += 1;
                require_agreement(&action, &model, &next, places);
                next
            }
            (Err(refusal), Err(failure)) if agrees(refusal, &failure) => {
                count.1 += 1;
                model.clone()
            }
            (expected, executed) => panic!(
                "the model says {:?}, the chain {executed:#?}",
                expected.map(|_| "success")
            ),
        };
        chain.compare(&model, &next);
        model = next;
    }
    tally
}

/// Nobody's tokens fall, except a signer's by what it agreed to, and those of an
/// account of the program by its rule.
fn require_agreement(action: &Action, before: &Model, after: &Model, places: &Places) {
    let agreed = agreed(action, before, places);
    for (address, held) in &before.tokens {
        let left = after.tokens.get(address).map_or(0, |tokens| tokens.amount);
        let fell = held.amount.saturating_sub(left);
        let allowed = agreed.filter(|(account, _)| account == address);
        let allowed = allowed.map_or(0, |(_, amount)| amount);
        assert!(fell <= allowed, "{} fell by {fell}", places.names[address]);
    }
}

/// The one token account that an action may debit, and by how much.
fn agreed(action: &Action, before: &Model, places: &Places) -> Option<(Pubkey, u64)> {
    match action {
        Action::Pay {
            source,
            payer,
            amount,
            ..
        } => {
            assert_eq!(
                before.tokens[source].owner, *payer,
                "the payer signs for its own"
            );
            Some((*source, *amount))
        }
        Action::Deposit {
            sender,
            mint,
            amount,
            ..
        }
        | Action::Transfer {
            sender,
            mint,
            amount,
            ..
        } => Some((places.purses[&(*sender, *mint)], *amount)),
        Action::SettleDeposit {
            intent, deposit, ..
        } => Some((*deposit, before.intents[intent].amount)),
        Action::ReclaimDeposit { deposit, .. } => Some((*deposit, before.tokens[deposit].amount)),
        Action::Refund { intent, amount, .. } => {
            let intent = &before.intents[intent];
            let vault = places.vaults[&(intent.merchant, intent.mint)];
            assert!(*amount <= intent.amount - intent.refunded);
            Some((vault, *amount))
        }
        Action::Withdraw {
            merchant,
            mint,
            amount,
            ..
        } => Some((places.vaults[&(*merchant, *mint)], *amount)),
        _ => None,
    }
}

/// The last actions, printed when the test fails for whatever reason.
struct History {
    seed: u64,
    step: u64,
    lines: VecDeque<(u64, i64, Action)>,
}

impl History {
    fn push(&mut self, step: u64, model: &Model, action: &Action) {
        self.step = step;
        if self.lines.len() == SHOWN {
            self.lines.pop_front();
        }
        self.lines.push_back((step, model.now, action.clone()));
    }
}

impl Drop for History {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let Self { seed, step, lines } = self;
        eprintln!("model test failed: seed {seed}, step {step}; the last actions:");
        for (step, now, action) in lines {
            eprintln!("  {step} at {now}: {}", action.describe(Places::get()));
        }
        eprintln!("replay: TOLLGATE_MODEL_SEED={seed} TOLLGATE_MODEL_STEPS={step}");
    }
}
