//! The service as a process: signals, its configuration file, its log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod checking;
mod image;
mod logs;
mod otel;
mod packaging;
mod service_manager;
mod signals;
mod support;
mod watching;
