//! What is known of the chain, how old it may be, and what happens when it
//! cannot be read.
//!
//! ```text
//! question ─▶ cache ─▶ memory (ledger)          a hit costs no call
//!                └───▶ rpc ─▶ endpoints         misses, a hundred to a call
//!            feed ───▶ memory                   changes, pushed
//!        finality ───▶ memory                   grants that never became final
//! ```
//!
//! * Entitlements are kept by a subscription ([`feed`]) and read when it does not
//!   cover them ([`cache`]); what may be answered from memory, and how long, is decided
//!   in one place without I/O ([`ledger`]).
//! * Merchant, products and genesis hash are read at the start and again at a
//!   fixed interval ([`catalogue`]).
//! * A failed, slow or contradictory answer is an error that becomes 503; it is
//!   never taken for "nobody paid".

#[cfg(feature = "bench")]
pub(crate) mod bench;
mod cache;
mod calls;
mod catalogue;
mod counters;
mod dear;
mod desk;
mod feed;
mod finality;
mod health;
mod ledger;
mod memory;
mod question;
mod reading;
mod rpc;
mod run;
mod samples;

pub(crate) use self::cache::Answer;
pub(crate) use self::catalogue::{Catalogue, CatalogueError, Listing, Snapshot};
#[allow(unused_imports, reason = "read by the exporter of metrics")]
pub(crate) use self::health::ChainHealth;
pub(crate) use self::question::{Freshness, Key, Observed, ReadFailure};
pub(crate) use self::rpc::{Pool, RpcFailure, Seen, SimulationFailure, Trace, chain_time};
pub(crate) use self::run::{ChainTasks, Entitlements};

/// Keys of one call: `getMultipleAccounts` takes a hundred, and the Clock sysvar comes
/// along to judge them by.
pub(crate) const KEYS_PER_CALL: usize = 99;
