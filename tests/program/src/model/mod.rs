//! A model-based property test: random transactions of every instruction, by several
//! merchants, payers and strangers, with time travel, held against a plain model.
//!
//! | module | what it answers |
//! | --- | --- |
//! | [`state`] | what the model remembers: maps and integers |
//! | [`action`] | what can be done |
//! | [`actors`] | who signs for an action, and what it is called |
//! | [`rules`] | what each action may do, written from the specification |
//! | [`refusal`] | why an action must fail, and how the chain says so |
//! | [`places`] | who takes part, and every address that can come into being |
//! | [`generator`] | the next transaction, drawn from a seed |
//! | [`chain`] | a transaction executed, and the chain compared with the model |
//! | [`invariants`] | what holds after every step, whatever the rules say |
//! | [`consent`] | what nobody may lose without having signed for it |
//! | [`coverage`] | situations that have to come up |
//! | [`tally`] | how often what was tried, and with which outcome |
//! | [`run`] | the loop over all of it |
//! | [`plan`] | which seeds run, and for how long |
//!
//! The model calls none of the program's own transitions: it would only repeat
//! their mistakes.
// Their names say what they hold; each file says what it is about.
#![allow(missing_docs)]

pub mod action;
pub mod actors;
pub mod chain;
pub mod consent;
pub mod coverage;
pub mod generator;
pub mod invariants;
pub mod places;
pub mod plan;
pub mod refusal;
pub mod rules;
pub mod run;
pub mod state;
pub mod tally;

pub use plan::{Plan, random_seed};
pub use run::run;
pub use tally::Tally;
