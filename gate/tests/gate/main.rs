//! The gate from outside, by its public interface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in tests a failed assumption is a failed test"
)]

mod challenge;
mod challenge_templates;
mod decision;
mod errors;
mod identity;
mod nonces;
mod paths;
mod receipts;
mod sessions;
mod sign_in;
mod support;
mod x402;
