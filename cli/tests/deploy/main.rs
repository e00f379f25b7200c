//! Deploying to a chain that holds nothing yet, through the real upgradeable loader.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod catalog;
mod command;
mod program;
mod recovery;
mod support;
