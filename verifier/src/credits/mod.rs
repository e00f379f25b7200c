//! Metered products: credits are counted by every call, and booked on chain later.
//!
//! ```text
//! admission ─▶ Meter::take ─▶ CreditStore::reserve     durable before the upstream is asked
//!     │                          (local: redb · shared: Redis)
//!     ▼
//! Grant ─▶ Reservation::end ─▶ Settling ─▶ CreditStore::settle     kept or given back
//!
//! Booker ─▶ CreditStore::unbooked ─▶ Chain::entitlements ─▶ consume     a total, at intervals
//! ```
//!
//! The chain says what was granted and what is booked; the store adds what was used
//! since. [`ledger`] has the rules, `docs/metered.md` what merchants may rely on.

mod booking;
mod books;
mod ledger;
mod local;
mod meter;
mod owner;
mod reservation;
mod service;
mod settling;
mod shared;
mod store;
mod tally;
#[cfg(test)]
mod tests;
mod wake;

pub use self::books::{Booked, CreditBooks, CreditBooksError, UnbookedCredits};
pub(crate) use self::meter::Metered;
pub(crate) use self::owner::Owner;
pub(crate) use self::reservation::Reservation;
pub(crate) use self::service::{CreditService, CreditsError, Surroundings};
pub(crate) use self::store::StoreError;
