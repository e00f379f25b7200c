//! What a client of Solana may rely on, written once and run against every chain that this
//! project uses: the embedded one (`tests/localnet.rs`) and the real Agave validator
//! (`tests/validator`).
//!
//! The suite talks to a chain only through the published `solana-rpc-client` and
//! `solana-pubsub-client`. Where two chains differ, Agave is right. Each check makes its own
//! accounts and waits for a bounded time only; all of them may run at once, again and again, on
//! the same chain.
//!
//! [`run`] is the whole runner: a test binary hands it a function that starts a chain.

mod chain;
mod checks;
mod failure;
mod relay;
mod runner;
mod token;
mod waiting;

pub use chain::Chain;
pub use checks::{CHECKS, Check};
pub use failure::{Failure, Outcome};
pub use runner::run;
