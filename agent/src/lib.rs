//! Calls paid APIs from Rust: a [`reqwest`] client that follows a 402 with the
//! program's own scheme.
//!
//! The order is what makes it safe: an unfinished payment of the journal is
//! settled first, then the chain is asked whether the key is entitled already,
//! and only then is something paid: within the policy, on terms that the product
//! account confirms, with the signed transaction in the journal before the first
//! byte leaves. What is not known to have failed is never paid again.
//!
//! ```no_run
//! use solana_keypair::Keypair;
//! use tollgate_agent::{HowServed, Journal, PayError, PayingClient, SpendingPolicy, reqwest};
//! use tollgate_client::{Chain, ChainOptions};
//!
//! # async fn report(wallet: Keypair, rpc_url: String) -> Result<(), PayError> {
//! let chain = Chain::new(rpc_url, ChainOptions::default());
//! let client = PayingClient::new(reqwest::Client::builder(), wallet, chain)?
//!     .with_policy(SpendingPolicy::usdc("0.05").in_total("2"))
//!     .with_journal(Journal::folder("payments"));
//! let answer = client.get("https://api.example.com/v1/report").send().await?;
//! if let HowServed::Paid(payment) = HowServed::of(&answer) {
//!     println!("paid by {}", payment.signature);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Nothing is spent that nobody allowed:
//!
//! ```
//! use tollgate_agent::SpendingPolicy;
//! use tollgate_client::{Amount, Pubkey};
//!
//! let token = Pubkey::new_from_array([7; 32]);
//! let policy = SpendingPolicy::usdc("0.05").in_total("0.08").with_mint(token);
//! let decimals = 6;
//! assert!(policy.check(Amount(50_000), &token, decimals).is_ok());
//! let error = policy.check(Amount(50_001), &token, decimals).unwrap_err();
//! assert_eq!(error.code(), "over_spending_limit");
//! let spent = Amount(50_000);
//! let error = policy.check_total(Amount(50_000), spent, decimals).unwrap_err();
//! assert_eq!(error.code(), "over_total_limit");
//! ```
#![forbid(unsafe_code)]

mod agent;
mod answer;
mod challenge;
mod client;
mod errand;
mod error;
mod journal;
#[cfg(feature = "middleware")]
mod middleware;
mod policy;
mod request;
mod sessions;
mod sign_in;
mod visit;

pub use answer::{Answer, Fetched};
pub use challenge::{Challenge, SignIn};
pub use client::PayingClient;
pub use errand::MAX_REPEATED_BODY;
pub use error::PayError;
pub use journal::{Entry, Journal, State};
pub use policy::SpendingPolicy;
pub use request::PayingRequest;
/// The version that this crate is a wrapper of.
pub use reqwest;
#[cfg(feature = "middleware")]
pub use reqwest_middleware;
pub use visit::{HowServed, Payment};
