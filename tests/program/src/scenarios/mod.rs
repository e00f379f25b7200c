//! Scenarios by theme. Each takes a fresh [`crate::World`].
// Their names say what they prove.
#![allow(missing_docs)]

pub mod amounts;
pub mod boundaries;
pub mod deadlines;
pub mod deposits;
pub mod endings;
pub mod intents;
pub mod merchants;
pub mod prefunding;
pub mod purchase;
pub mod refunds;
pub mod refusals;
pub mod revival;
pub mod timetable;
