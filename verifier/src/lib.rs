//! The Tollgate verifier: an HTTP service that stands in front of an API and lets
//! through whoever has paid, by what stands on chain.
//!
//! [`Verifier::start`] runs it inside any tokio program; [`config`] is what it needs
//! to know. It keeps no state that matters: replicas with the same configuration are
//! interchangeable, and a replica that loses its memory asks the chain again.
//!
//! A request's way through the modules:
//!
//! ```text
//! serve ─▶ entry (name, checks, limits) ─▶ api          (the service's own endpoints)
//!                                       └▶ gatekeeper ─▶ admission ─▶ chain (read)
//!                                                     └▶ proxy ─▶ upstream
//! ```
//!
//! The decision itself and every byte of a challenge belong to `tollgate_gate`; the
//! meaning of accounts belongs to `tollgate_client`.
#![forbid(unsafe_code)]

mod admin;
mod admission;
mod api;
mod app;
pub mod audit;
#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench_support;
mod chain;
pub mod config;
mod credits;
pub mod embedded;
mod entry;
mod error;
mod forward_auth;
mod foundation;
mod gatekeeper;
mod keys;
mod lasting;
mod limits;
pub mod logging;
mod market;
mod metrics;
mod nonces;
mod proxy;
mod receipts;
mod redis_client;
pub mod reference;
mod relay;
mod reload;
mod request_checks;
mod request_id;
mod request_record;
mod router;
mod serve;
mod settlement;
mod shutdown;
mod start_error;
mod tenure;
mod trust;
mod verifier;

pub use config::{Config, ConfigError, ConfigProblem};
pub use credits::{Booked, CreditBooks, CreditBooksError, UnbookedCredits};
pub use embedded::{Embedded, GateLayer, PaidAccess};
pub use reload::{FixedSetting, ReloadError};
pub use start_error::{StartCode, StartError};
pub use verifier::{CheckDepth, Checked, RunningVerifier, ShutdownReport, Verifier};
