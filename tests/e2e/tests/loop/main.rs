//! The loop and its faults on the embedded chain.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod cache;
mod embedded;
mod faults;
mod metered;
mod paying_client;
mod providers;
mod sales;
mod scene;
mod solana_pay;
