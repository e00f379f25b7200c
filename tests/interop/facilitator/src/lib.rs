//! A corpus of x402 payments, good and broken, and the two that judge it: our
//! verification ([`tollgate_gate::exact`]) and the published facilitator of
//! `@x402/svm`, run unmodified by Node.js.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`world`] | the keys and the sale that a case is about |
//! | [`payment`] | one payment, changed until it is what a case wants, and signed |
//! | [`case`] | a payment, its requirements, and what is expected of the verdict |
//! | [`shapes`] | what real clients send |
//! | [`rules`] | every rule, broken |
//! | [`differences`] | where we are stricter on purpose, and why |
//! | [`random`] | random orders of instructions, and mutated bytes |
//! | [`echoes`] | what clients echo of a 402 |
//! | [`stock`] | the published facilitator and resource server as a process |
//!
//! Everything is made from a seed; nothing is sent to a cluster.
// Test support: a broken expectation has to stop the test at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod case;
pub mod differences;
pub mod echoes;
pub mod instructions;
pub mod payment;
pub mod random;
pub mod rules;
pub mod shapes;
pub mod stock;
pub mod world;

use case::Case;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tollgate_gate::x402::Version;

/// Sales whose every rule is broken.
const WORLDS: usize = 3;
/// Payments of random instructions, for each version of the protocol.
const RANDOM: usize = 150;
/// Payments with mutated bytes, for each version of the protocol.
const MUTATED: usize = 300;

/// Every case of a seed, for both versions of the protocol.
pub fn corpus(seed: u64) -> Vec<Case> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut cases = Vec::new();
    for version in [Version::V2, Version::V1] {
        for _ in 0..WORLDS {
            let world = world::World::random(&mut random);
            cases.extend(shapes::cases(&world, version));
            cases.extend(rules::cases(&world, version));
            cases.extend(differences::cases(&world, version));
        }
        cases.extend(random::instructions(&mut random, version, RANDOM));
        cases.extend(random::mutations(&mut random, version, MUTATED));
    }
    cases
}
