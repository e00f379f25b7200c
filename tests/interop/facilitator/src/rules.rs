//! Every rule, broken: one change to a valid payment each, and the values at the edge
//! of the rule that are still good.

mod instructions;
mod request;
mod transfer;

use crate::case::{Case, Expected};
use crate::payment::Payment;
use crate::world::World;
use std::rc::Rc;
use tollgate_gate::x402::Version;

/// What the change is, what comes of it, and the change.
type Rule = (&'static str, Expected, fn(&mut Payment));

/// The cases of every rule.
pub fn cases(world: &Rc<World>, version: Version) -> Vec<Case> {
    let rules = [request::RULES, instructions::RULES, transfer::RULES].concat();
    let mut cases: Vec<Case> = rules
        .into_iter()
        .map(|(name, expected, change)| {
            let mut payment = Payment::new(world, version);
            change(&mut payment);
            Case::new(name, &payment, expected)
        })
        .collect();
    cases.extend(instructions::counts(world, version));
    cases
}
