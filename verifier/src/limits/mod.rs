//! How much one caller, and all together, may ask for.
//!
//! * [`buckets`]: how often, for each address and each payer.
//! * [`client_address`]: whose address a request has when proxies stand in front.
//! * [`places`]: how many requests may be at the upstream at the same time.
//!
//! What is counted outlives a reload; the limits themselves come from the
//! configuration in force.

mod buckets;
mod client_address;
mod places;

pub(crate) use self::buckets::{Buckets, Rate};
pub use self::client_address::TrustedProxies;
pub(crate) use self::client_address::{ClientAddress, block};
pub(crate) use self::places::{Place, Places};

use std::net::IpAddr;
use std::sync::Arc;

use tollgate_client::{DurationSeconds, Pubkey};

/// The most addresses, and the most payers, remembered at once; a few MB each.
/// When more ask, the least recently seen start anew: too many callers weaken the
/// limit, they never grow the memory.
const MAX_REMEMBERED: usize = 50_000;

/// What is counted, for as long as the process runs.
pub(crate) struct Counts {
    addresses: Buckets<IpAddr>,
    payers: Buckets<Pubkey>,
    pub(crate) upstream: Arc<Places>,
}

impl Counts {
    pub(crate) fn new(upstream: Places) -> Self {
        Self {
            addresses: Buckets::new(MAX_REMEMBERED),
            payers: Buckets::new(MAX_REMEMBERED),
            upstream: Arc::new(upstream),
        }
    }

    /// Takes a request from this address into account.
    ///
    /// # Errors
    /// How long to wait, when the address asks too often.
    pub(crate) fn of_address(
        &self,
        address: IpAddr,
        rate: Option<Rate>,
    ) -> Result<(), DurationSeconds> {
        rate.map_or(Ok(()), |rate| self.addresses.take(block(address), rate))
    }

    /// Takes a request on this entitlement into account.
    ///
    /// # Errors
    /// How long to wait, when its holder asks too often.
    pub(crate) fn of_payer(
        &self,
        entitlement: &Pubkey,
        rate: Option<Rate>,
    ) -> Result<(), DurationSeconds> {
        rate.map_or(Ok(()), |rate| self.payers.take(*entitlement, rate))
    }
}
