//! How often what was tried, and with which outcome.

use super::action::Action;
use super::actors::Kind;
use super::coverage::Situation;
use super::refusal::Failed;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Formatter};

/// What became of the actions of one kind.
#[derive(Clone, Debug, Default)]
pub struct Outcomes {
    /// Succeeded, and their transaction did.
    pub done: u64,
    /// Succeeded, but a later action of their transaction did not.
    pub undone: u64,
    /// Refused, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Behind an action that was refused.
    pub unreached: u64,
}

/// What was done, by kind of action.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub kinds: BTreeMap<Kind, Outcomes>,
    /// How often what came up.
    pub situations: BTreeMap<Situation, u64>,
    /// Steps: transactions and changes of time.
    pub steps: u64,
    /// Transactions of more than one action that succeeded.
    pub several: u64,
    /// Transactions that a later action undid.
    pub undone: u64,
    /// Transactions that would have left an account below its rent.
    pub poor: u64,
}

impl Tally {
    /// Counts one transaction.
    pub fn add(&mut self, actions: &[Action], failed: Option<Failed>) {
        self.steps += 1;
        let end = failed.map_or(actions.len(), |failed| failed.action);
        if failed.is_none() && actions.len() > 1 {
            self.several += 1;
        }
        match failed {
            Some(_) if end == actions.len() => self.poor += 1,
            Some(_) if end > 0 => self.undone += 1,
            _ => {}
        }
        for (position, action) in actions.iter().enumerate() {
            let outcomes = self.kinds.entry(action.kind()).or_default();
            match failed {
                None => outcomes.done += 1,
                Some(failed) if position == failed.action => {
                    let reason = failed.refusal.to_string();
                    *outcomes.refused.entry(reason).or_default() += 1;
                }
                Some(_) if position < end => outcomes.undone += 1,
                Some(_) => outcomes.unreached += 1,
            }
        }
    }

    /// Counts what came up.
    pub fn met(&mut self, situations: Vec<Situation>) {
        for situation in situations {
            *self.situations.entry(situation).or_default() += 1;
        }
    }

    /// Adds what another run did.
    pub fn merge(&mut self, other: Self) {
        self.steps += other.steps;
        self.several += other.several;
        self.undone += other.undone;
        self.poor += other.poor;
        for (situation, count) in other.situations {
            *self.situations.entry(situation).or_default() += count;
        }
        for (kind, outcomes) in other.kinds {
            let sum = self.kinds.entry(kind).or_default();
            sum.done += outcomes.done;
            sum.undone += outcomes.undone;
            sum.unreached += outcomes.unreached;
            for (reason, count) in outcomes.refused {
                *sum.refused.entry(reason).or_default() += count;
            }
        }
    }

    /// Kinds of action that never succeeded: of them nothing was shown.
    pub fn never_done(&self) -> Vec<Kind> {
        (Kind::INSTRUCTIONS.into_iter().chain(Kind::AROUND))
            .filter(|kind| self.kinds.get(kind).is_none_or(|it| it.done == 0))
            .collect()
    }

    /// Situations that never came up.
    pub fn never_met(&self) -> Vec<Situation> {
        (Situation::ALL.into_iter())
            .filter(|situation| !self.situations.contains_key(situation))
            .collect()
    }

    /// Every reason for which something was refused.
    pub fn reasons(&self) -> BTreeSet<&str> {
        let outcomes = self.kinds.values();
        outcomes
            .flat_map(|it| it.refused.keys())
            .map(String::as_str)
            .collect()
    }
}

impl Display for Tally {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        writeln!(
            formatter,
            "{:<17} {:>7} {:>7} {:>7} {:>9}  refused",
            "action", "tried", "done", "undone", "unreached"
        )?;
        for (kind, it) in &self.kinds {
            let refused: u64 = it.refused.values().sum();
            let tried = it.done + it.undone + it.unreached + refused;
            let reasons: Vec<_> = (it.refused.iter())
                .map(|(reason, count)| format!("{count} {reason}"))
                .collect();
            let name = format!("{kind:?}");
            writeln!(
                formatter,
                "{name:<17} {tried:>7} {:>7} {:>7} {:>9}  {refused}: {}",
                it.done,
                it.undone,
                it.unreached,
                reasons.join(", ")
            )?;
        }
        let situations: Vec<_> = (self.situations.iter())
            .map(|(situation, count)| format!("{count} {situation:?}"))
            .collect();
        writeln!(formatter, "came up: {}", situations.join(", "))?;
        writeln!(
            formatter,
            "transactions of several actions: {} succeeded, {} were undone by a later action",
            self.several, self.undone
        )?;
        write!(
            formatter,
            "{} steps; {} would have left an account below its rent",
            self.steps, self.poor
        )
    }
}
