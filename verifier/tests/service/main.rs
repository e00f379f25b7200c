//! The whole service over real sockets. The chain is a scripted JSON-RPC endpoint
//! (`support::rpc`) that serves account bytes made with the program's own types and
//! can fail on demand; the upstream is a real server. The same service over a real
//! chain is tested in tests/e2e.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod audit;
mod chain_faults;
mod configuration;
mod discovery;
mod embedded;
mod endpoints;
mod entrance;
mod forward_auth;
mod heads;
mod http2_abuse;
mod http2_upstreams;
mod metered;
mod metrics;
mod openapi;
mod pages;
mod passage;
mod payments;
mod proxying;
mod receipts;
#[path = "../redis_server/mod.rs"]
mod redis_server;
mod relay_section;
mod reloading;
mod replicas;
mod shared_sign_ins;
mod smuggling;
mod spellings;
mod starting;
mod streaming;
mod support;
mod tls;
mod upstreams;
mod websockets;
mod yellowstone_section;
