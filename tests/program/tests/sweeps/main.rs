//! Every instruction of the IDL, tried in ways that no scenario writes down one by
//! one: twice, with more accounts, over lamports, as large as it can be; and the tables
//! of the scenarios held against the IDL, so that a new deadline, amount or
//! instruction cannot be forgotten. On LiteSVM with the kept ELF.
// A test has to stop at what it does not expect.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod aliasing;
mod appended;
mod completeness;
mod creations;
mod events;
mod footprint;
mod layout;
mod repetition;
mod schema;
mod security_page;
mod sizes;
