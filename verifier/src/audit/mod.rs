//! The audit log: what was decided, in an order that nobody can change unnoticed.
//!
//! JSON lines in a folder. Every record carries the hash of the one before and its
//! own, so that a changed, removed, added or moved record breaks the chain; the chain
//! goes on across files and restarts. What a chain cannot show is a missing end: a
//! head that was noted elsewhere, or a signed checkpoint, can ([`verify`]).
//!
//! Records are written by one task, off the request's path, from a bounded queue
//! ([`AuditLog`]). They hold who was let through to what and on which grounds,
//! never bodies, header values, tokens or secrets.

mod error;
mod files;
mod log;
mod observer;
mod record;
#[cfg(test)]
mod tests;
pub mod verify;
mod writer;

pub use error::AuditError;
pub use record::{Digest, Head, Kind, MAX_LINE_BYTES, Proof, Record};

pub(crate) use log::AuditLog;
pub(crate) use observer::{Outcome, Trail};
pub(crate) use writer::Notary;

/// Media type of signed checkpoints.
pub(crate) const CHECKPOINT_TYPE: &str = "tollgate-audit-checkpoint+jws";
