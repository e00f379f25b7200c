//! A model-based property test: random sequences of every instruction, by several
//! merchants, payers and strangers, with time travel, held against a plain model.
//!
//! | module | what it answers |
//! | --- | --- |
//! | [`state`] | what the model remembers: maps and integers |
//! | [`rules`] | what each action may do, written from the specification |
//! | [`action`] | what can be done, and by whom |
//! | [`places`] | who takes part, and every address that can come into being |
//! | [`generator`] | the next action, drawn from a seed |
//! | [`chain`] | an action as a transaction, and the chain compared with the model |
//! | [`run`] | the loop over both |
//!
//! The model calls none of the program's own transitions: it would only repeat
//! their mistakes.
// Their names say what they hold; each file says what it is about.
#![allow(missing_docs)]

pub mod action;
pub mod chain;
pub mod generator;
pub mod places;
pub mod rules;
pub mod run;
pub mod state;

pub use run::run;
