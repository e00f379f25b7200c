//! On a local chain with the real program, with transactions shaped as the stock
//! client's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod books;
mod client;
mod deposits;
mod door;
mod endings;
mod killed;
mod orders;
mod plan;
mod random;
mod stage;
mod vault;
