//! The chain cache as a caller notices it: a real verifier over real sockets, with
//! scripted RPC servers and a scripted feed that do what real ones do on a bad day. (The
//! same over a real chain: tests/e2e.)
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod feed;
mod feeding;
#[cfg(feature = "yellowstone")]
#[path = "feeding.rs"]
#[allow(
    clippy::duplicate_mod,
    dead_code,
    reason = "the same promises, over the other protocol"
)]
mod feeding_over_yellowstone;
#[cfg(feature = "yellowstone")]
mod geyser;
mod moving;
mod servers;
#[path = "../service/support/mod.rs"]
#[allow(dead_code, reason = "shared with the service's tests")]
mod support;
#[cfg(feature = "yellowstone")]
mod yellowstone;
#[cfg(feature = "yellowstone")]
mod yellowstone_doors;
// Its own tests, which need the feature as well, run with these.
#[cfg(feature = "yellowstone")]
#[path = "../../src/chain/feed/yellowstone/slots.rs"]
#[allow(dead_code, reason = "the feed needs more of it")]
mod yellowstone_slots;
#[cfg(feature = "yellowstone")]
mod yellowstone_wire;
