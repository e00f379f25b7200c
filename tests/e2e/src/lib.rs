//! The whole loop over real HTTP on whichever chain: but for [`local`], nothing here
//! knows whether a LiteSVM or an Agave validator answers.
// Test support: a broken expectation has to stop the test at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[cfg(feature = "yellowstone")]
mod bridge;
mod chain_cache;
mod cluster;
mod door;
#[cfg(feature = "yellowstone")]
#[path = "../../../verifier/tests/cache/geyser.rs"]
#[allow(dead_code, missing_docs, reason = "shared with the verifier's tests")]
mod geyser;
mod local;
mod paid_request;
pub mod proof;
mod service;
mod wallet;

#[cfg(feature = "yellowstone")]
pub use bridge::Bridge;
pub use chain_cache::{ChainCache, chain_cache};
pub use cluster::Cluster;
pub use door::Door;
pub use local::local;
pub use paid_request::paid_request;
pub use service::Service;
pub use wallet::sign_and_send;
