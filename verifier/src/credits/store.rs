//! Where used credits are counted: the promise that every store keeps.
//!
//! * A reservation is durable before it is granted. So a crash between the grant
//!   and its settlement never gives a credit away; the credit counts as used once.
//! * A settlement is best effort: one that is lost leaves the credit used.
//! * Whatever a store cannot say is [`StoreError`], which becomes 503: never leave
//!   to serve, and never a demand to pay.

use std::fmt;

use futures::future::BoxFuture;
use tollgate_client::{Credits, Pubkey};

use super::ledger::{ChainView, Ledger, Life, Reserved};

/// Names one reservation, so that repeating a message about it changes nothing.
/// Random: two requests never share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ReservationId(pub(crate) u128);

impl ReservationId {
    /// A new one.
    pub(crate) fn random() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for ReservationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

/// Credits that one request wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    /// The entitlement account.
    pub(crate) entitlement: Pubkey,
    /// What the chain said of it.
    pub(crate) view: ChainView,
    /// How many.
    pub(crate) cost: Credits,
    /// Under which name.
    pub(crate) id: ReservationId,
}

/// What becomes of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// The credits are used.
    Commit,
    /// They are given back.
    Release,
}

/// The end of one reservation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled {
    /// The entitlement account.
    pub(crate) entitlement: Pubkey,
    /// The life whose credits they are.
    pub(crate) life: Life,
    /// What was reserved.
    pub(crate) cost: Credits,
    /// Under which name.
    pub(crate) id: ReservationId,
    /// What becomes of it.
    pub(crate) settlement: Settlement,
}

/// Why a store did not do what it was asked. None of them means that credits are
/// used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    /// It cannot be reached, failed, or took too long. What was asked for may have
    /// happened.
    #[error("the store of used credits does not answer")]
    Unavailable,
    /// Too many requests wait for it.
    #[error("too many requests wait for the store of used credits")]
    Overloaded,
    /// The reading of the chain was of an earlier life of the account.
    #[error("the store knows a later life of the entitlement")]
    Outdated,
    /// What it holds is not what this service wrote.
    #[error("the store of used credits holds something else")]
    Damaged,
}

/// A counter of used credits. Answers are bounded in time.
pub(crate) trait CreditStore: Send + Sync + 'static {
    /// Takes credits for a request, unless fewer are left. Under an id that is
    /// reserved already, nothing more is taken.
    fn reserve(&self, demand: Demand) -> BoxFuture<'_, Result<Reserved, StoreError>>;

    /// Ends a reservation. One that is not known, or of an earlier life, is left
    /// alone.
    fn settle(&self, settled: Settled) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Takes a settlement over at once, if the store can do so without waiting: every
    /// later question then finds it done. Otherwise false, and nothing happens.
    fn settle_at_once(&self, _settled: Settled) -> bool {
        false
    }

    /// Learns a reading and says how the account stands then, without taking
    /// anything. Whether the account has used credits that are not booked is found
    /// out anew for [`CreditStore::unbooked`].
    fn learn(
        &self,
        entitlement: Pubkey,
        view: ChainView,
    ) -> BoxFuture<'_, Result<Ledger, StoreError>>;

    /// How the account stands by this reading, for whoever only wants to know:
    /// nothing is written.
    fn look(
        &self,
        entitlement: Pubkey,
        view: ChainView,
    ) -> BoxFuture<'_, Result<Ledger, StoreError>>;

    /// Entitlements that may have used credits that are not booked, in a fixed
    /// order: at most `limit` after `after`.
    fn unbooked(
        &self,
        after: Option<Pubkey>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Pubkey>, StoreError>>;

    /// Takes an entitlement off that list, because nothing of it can be booked any
    /// more. What is counted stays; the next reservation puts it back.
    fn give_up(&self, entitlement: Pubkey) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Whether this process may book now. One of all that share the store gets
    /// leave, until it has not asked again for [`LEASE`].
    fn lease(&self) -> BoxFuture<'_, Result<bool, StoreError>>;
}

/// How long leave to book lasts without being asked for again.
pub(crate) const LEASE: std::time::Duration = std::time::Duration::from_secs(180);
