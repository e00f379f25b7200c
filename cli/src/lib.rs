//! The pieces behind the `tollgate` command. The binary only parses arguments;
//! what it does is here, so that tests drive the same code.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`stack`] | a local chain with a merchant, an upstream and a verifier, in one process |
//! | [`deploy`] | puts the program, a merchant and its products on a cluster |
//! | [`commands`] | one file for each command |
//! | [`keyfile`] | Solana key files |

pub mod commands;
pub mod deploy;
pub mod error;
pub mod keyfile;
pub mod output;
pub mod stack;
