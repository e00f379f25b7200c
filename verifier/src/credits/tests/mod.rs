//! What every store promises, tried on each of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod fixture;
mod history;
mod killed;
mod measure;
mod promises;
#[path = "../../../tests/redis_server/mod.rs"]
mod redis_server;
mod shared_only;
