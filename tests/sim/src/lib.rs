//! Whole runs of the service against a hostile world, judged afterwards.
//!
//! [`run`] starts replicas of the real verifier behind a balancer, a local chain with
//! the real program, and callers who ask, sign in, pay, retry and use sessions, while
//! an operator revokes and refunds, the chain's clock jumps, RPC servers fail, lag and
//! stall, and replicas restart or get another configuration. Nothing is asserted on the way: everything that
//! happens goes into a [`history::History`], and [`checker::judge`] holds the whole of
//! it against the invariants I1 to I8.
//!
//! | invariant | what it says |
//! | --- | --- |
//! | I1 | no 200 without an entitlement that was usable at the configured commitment within the declared staleness |
//! | I2 | whoever has paid is not told otherwise, and is served once the world has healed |
//! | I3 | a payer who follows the protocol pays once for one payment id, and never while entitled |
//! | I4 | what cannot be known is 503 with `Retry-After`, never 402 |
//! | I5 | nothing reaches the upstream before a grant |
//! | I6 | no 402 may be stored, no paid answer shared |
//! | I7 | what a replica asks the chain at the same time is bounded |
//! | I8 | nobody is served more often than the limit in force allows; 429, with `Retry-After`, is said only where one is |
//!
//! A run is repeatable in what it tries (`seed`), not in how the operating system
//! interleaves it. So the checker never judges by when something was meant to happen:
//! the chain's state is sampled all the time, every event carries the moment it was
//! recorded, and an answer is right if any state within the declared window allows it.
// Test support: a broken expectation has to stop the run at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a run that cannot go on has to stop"
)]

mod callers;
pub mod checker;
pub mod history;
pub mod latency;
mod operator;
pub mod run;
mod world;
