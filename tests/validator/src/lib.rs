//! The real Agave validator, in this process, for the tests of this workspace.
//!
//! [`Validator::start`] brings up a cluster of one node with real consensus timing and real RPC,
//! and stops it when the value is dropped. [`devnet`] makes it look like devnet to a payer: the
//! program at its address and a USDC mint at devnet's address.
//!
//! Everything the tests use listens on 127.0.0.1, with one exception that the crate does not
//! let anybody change: the validator opens its RPC and WebSocket ports on all interfaces.

pub mod devnet;
mod validator;

pub use validator::{Setup, StartError, Validator};
