//! Clients that others wrote, run unmodified against a verifier and the local chain.
//!
//! A client is a small script in `clients/`, started as a process of its own: it gets
//! its task as JSON in an environment variable, does what the client's manual says,
//! and prints what it saw as one line of JSON. What is then asserted is that line, the
//! accounts on chain, and the second visit. `cargo xtask clients` installs everything
//! as the lock files say; nothing here reaches beyond the machine.
// Test support: a broken expectation has to stop the test at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod child;
pub mod installation;
pub mod rails;
mod shop;

pub use shop::{CALLS_PER_PAYMENT, CALLS_PRICE, FUNDS, PRICE, Shop};
