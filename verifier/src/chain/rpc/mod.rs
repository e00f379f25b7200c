//! The RPC servers of the configuration, in their order of preference: the only way to
//! the chain.
//!
//! A question goes to the first server that is not being left alone; to the next when
//! that fails, is behind, or takes a third of the deadline; and is given up at the
//! deadline. Nothing is waited for because a server asks for it.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`asking`] | one server after the other |
//! | [`accounts`] | reads accounts |
//! | [`batch`], [`second`] | reads for the cache; has large grants confirmed by another |
//! | [`sending`] | sends transactions and looks for them |
//! | [`purchases`], [`history`] | reads what settlements depend on |
//! | [`snapshot`], [`elements`] | reads all entitlements |
//! | [`endpoint`], [`breaker`], [`transport`], [`wire`] | one server |

mod accounts;
mod asking;
mod batch;
mod breaker;
mod elements;
mod endpoint;
mod failure;
mod history;
mod purchases;
mod second;
mod sending;
mod snapshot;
mod transport;
mod wire;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::Instant;
use tollgate_client::{Addresses, Pubkey};

use self::elements::Elements;
pub(crate) use self::endpoint::Endpoint;
pub(crate) use self::failure::RpcFailure;
pub(crate) use self::history::{Seen, Trace};
pub(crate) use self::sending::SimulationFailure;
#[cfg(feature = "bench")]
pub(crate) use self::snapshot::SnapshotReader;
pub(crate) use self::snapshot::filters;
pub(crate) use self::transport::{authorization, connector};
pub(crate) use self::wire::{AtSlot, KeyedAccount, WireAccount, chain_time, entitlement_of};
use super::counters::EndpointSnapshot;
use super::question::Key;
use crate::config::{Commitment, SecretUrl};

/// How long a slot takes, to turn slots into time.
pub(crate) const SLOT_TIME: Duration = Duration::from_millis(400);

/// After this part of the deadline the next server is asked as well.
const HEDGE_PART: u32 = 3;

/// What the servers are asked for, and how patiently.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolLimits {
    pub(crate) addresses: Addresses,
    pub(crate) commitment: Commitment,
    pub(crate) deadline: Duration,
    /// How far behind the newest slot seen an answer may be.
    pub(crate) max_lag: Duration,
    /// After this time without a newer slot a smaller one is believed again.
    pub(crate) slot_memory: Duration,
}

/// All servers.
pub(crate) struct Pool {
    endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    limits: PoolLimits,
    newest: Mutex<Newest>,
}

#[derive(Clone, Copy)]
struct Newest {
    slot: u64,
    seen: Instant,
}

impl Pool {
    /// The servers in their order of preference.
    pub(crate) fn new(endpoints: Vec<Arc<Endpoint>>, limits: PoolLimits) -> Self {
        Self {
            endpoints: ArcSwap::from_pointee(endpoints),
            limits,
            newest: Mutex::new(Newest {
                slot: 0,
                seen: Instant::now(),
            }),
        }
    }

    pub(crate) fn addresses(&self) -> Addresses {
        self.limits.addresses
    }

    fn entitlement_address(&self, key: &Key) -> Pubkey {
        let addresses = self.limits.addresses;
        addresses.entitlement(&key.product, &key.beneficiary)
    }

    /// A server of this pool, with all that is known of it.
    pub(crate) fn endpoint_at(&self, url: &SecretUrl) -> Option<Arc<Endpoint>> {
        let endpoints = self.endpoints.load();
        let known = endpoints.iter().find(|endpoint| endpoint.is_at(url));
        known.map(Arc::clone)
    }

    /// Asks the servers of `other` from now on. What is under way ends with the servers
    /// with which it began.
    pub(crate) fn take_endpoints_of(&self, other: &Self) {
        self.endpoints.store(other.endpoints.load_full());
    }

    pub(crate) fn endpoints(&self) -> Vec<EndpointSnapshot> {
        let endpoints = self.endpoints.load();
        endpoints
            .iter()
            .map(|endpoint| endpoint.snapshot())
            .collect()
    }

    /// Every server has to prove again which cluster it serves.
    pub(crate) fn unpin(&self) {
        for endpoint in self.endpoints.load().iter() {
            endpoint.unpin();
        }
    }

    /// A slot at the configured commitment was seen.
    pub(crate) fn saw_slot(&self, slot: u64) {
        let now = Instant::now();
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten = now.saturating_duration_since(newest.seen) >= self.limits.slot_memory;
        if slot > newest.slot || forgotten {
            *newest = Newest { slot, seen: now };
        }
    }

    /// The newest slot seen, unless that was too long ago to mean anything.
    fn newest(&self) -> u64 {
        let newest = *self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.seen.elapsed() >= self.limits.slot_memory {
            return 0;
        }
        newest.slot
    }

    /// The oldest slot that an answer may be of.
    fn floor(&self) -> u64 {
        let lag = self.limits.max_lag.as_millis() / SLOT_TIME.as_millis().max(1);
        let lag = u64::try_from(lag).unwrap_or(u64::MAX).max(1);
        self.newest().saturating_sub(lag)
    }

    /// How far an answer of `slot` is behind the newest slot seen, in time.
    fn behind(&self, slot: u64) -> Duration {
        let late = self.newest().saturating_sub(slot);
        SLOT_TIME.saturating_mul(u32::try_from(late).unwrap_or(u32::MAX))
    }

    /// The servers to ask, those first that are not being left alone. When all are, they
    /// are asked all the same: an answer late is worth more than none, and the number
    /// of calls in flight is bounded elsewhere.
    fn in_order(&self) -> Vec<Arc<Endpoint>> {
        let endpoints = self.endpoints.load();
        let admitted: Vec<_> = endpoints
            .iter()
            .filter(|endpoint| endpoint.admits())
            .map(Arc::clone)
            .collect();
        if admitted.is_empty() {
            return endpoints.to_vec();
        }
        admitted
    }
}
