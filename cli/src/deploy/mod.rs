//! Putting the program, a merchant and its products on a cluster.
//!
//! Everything here first looks at what stands, decides in a pure function what is
//! missing, and then does only that. So each command can be repeated: after an
//! interruption it goes on, and when all is done it does nothing.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`artifact`] | the kept ELF and its recorded hash |
//! | [`guard`] | keeps the test address off public clusters |
//! | [`loader`] | what the upgradeable loader holds |
//! | [`plan`] | what has to happen to the program |
//! | [`program`] | makes it happen: buffer, chunks, deployment, verification |
//! | [`catalog`] | merchant and products from a file |

pub mod artifact;
mod buffer;
pub mod buffer_key;
pub mod catalog;
mod error;
pub mod guard;
pub mod loader;
pub mod plan;
pub mod program;
mod progress;
mod task;
mod transactions;

pub use artifact::{Artifact, TEST_PROGRAM};
pub use buffer::close_buffer;
pub use error::DeployError;
pub use program::{Deployment, DeploymentOptions, Outcome, Preview};
