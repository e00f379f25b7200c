//! Random and mutated input for the program's ELF, for the client's decoders and for
//! what the service reads.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`bytes`] | mutations of bytes |
//! | [`input`] | what the program is given: instructions, accounts, the time |
//! | [`program`] | executing it on the real ELF, and what must never come of it |
//! | [`authority`] | who may lose what in a transaction that succeeded |
//! | [`campaign`] | the loop: input that comes to something new is mutated further |
//! | [`decoders`] | the client's decoders on arbitrary bytes |
//! | [`service`] | what the service reads of strangers, of servers and of its operator |
//!
//! A coverage-guided engine would watch the machine that executes the program and
//! learn nothing of the program itself, and needs a nightly compiler. What the program
//! did shows in who refused, why, and after how many compute units: that is exact, the
//! same every time, and what guides the search here.
// Test support: a broken expectation has to stop the test at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod authority;
pub mod bytes;
pub mod campaign;
pub mod decoders;
pub mod input;
pub mod program;
pub mod service;
