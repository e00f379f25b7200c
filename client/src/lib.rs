//! Rust SDK of Tollgate.
//!
//! | module | what it answers |
//! | --- | --- |
//! | [`addresses`] | where an account lives |
//! | [`accounts`] | what an account's bytes mean, and whether they can be trusted |
//! | [`instructions`] | one builder for each instruction of the program |
//! | [`payment_ids`] | which payment id to choose |
//! | [`purchase`] | the one-shot purchase: create the intent and pay it, in one transaction |
//! | [`quote`] | a purchase on the operator's word, to be paid by a plain transfer |
//! | [`search`] | which accounts to ask a server for |
//! | [`token_account`] | what a token account holds |
//! | [`transaction`] | signed, size-checked transactions |
//! | [`chain`] (feature `rpc`) | reading and writing a cluster through its JSON-RPC |
//!
//! A program may be deployed under any id, so that everything here takes the id
//! as a value; [`PROGRAM_ID`] is the one that the kept ELF declares.
#![forbid(unsafe_code)]

pub mod accounts;
pub mod addresses;
#[cfg(feature = "rpc")]
pub mod chain;
pub mod instructions;
pub mod payment_ids;
pub mod purchase;
pub mod quote;
pub mod search;
pub mod token_account;
pub mod transaction;

pub use accounts::DecodeError;
pub use addresses::Addresses;
#[cfg(feature = "rpc")]
pub use chain::{Chain, ChainError, ChainOptions, EntitlementReading};
pub use payment_ids::{cheapest_payment_id, random_payment_id, transfer_payment_id};
pub use purchase::Purchase;
pub use quote::QuotedPurchase;
pub use search::IntentSearch;
pub use solana_pubkey::Pubkey;
pub use token_account::TokenAccount;
pub use tollgate::ID as PROGRAM_ID;
pub use tollgate::error::TollgateError;
pub use tollgate::identifiers::{PaymentId, Slug};
pub use tollgate::state::{
    Entitlement, EntitlementStatus, IntentStatus, IntentTerms, Merchant, Offer, PaymentIntent,
    Product, ProductChanges, Quote, Rail,
};
pub use tollgate::units::{Amount, Credits, DurationSeconds, UnixSeconds};

/// The program's own error behind a custom error number of a transaction, if it
/// is one.
pub fn program_error(custom: u32) -> Option<TollgateError> {
    accounts::errors().find(|error| u32::from(*error) == custom)
}
