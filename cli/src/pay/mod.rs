//! Following a 402 with the program's own scheme, the way an agent does.
//!
//! The order is what makes it safe: an unfinished payment of the journal is
//! settled first, then the chain is asked whether the key is entitled already,
//! and only then is something paid: within the policy, on terms that the product
//! account confirms, with the signed transaction in the journal before the first
//! byte leaves. What is not known to have failed is never paid again.

mod agent;
mod challenge;
mod error;
mod http;
mod journal;
mod policy;
mod sign_in;

pub use agent::{Agent, Fetched, HowServed, Payment};
pub use challenge::Challenge;
pub use error::PayError;
pub use http::{Answer, Browser};
pub use journal::{Entry, Journal, State};
pub use policy::SpendingPolicy;
