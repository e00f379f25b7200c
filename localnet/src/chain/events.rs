//! What the chain tells its subscribers.

use super::landed::LandedTransaction;
use solana_account::AccountSharedData;
use solana_address::Address;
use solana_clock::Slot;
use solana_commitment_config::CommitmentLevel;
use solana_rpc_client_api::response::SlotInfo;
use std::sync::Arc;

/// How many events a subscriber may be behind before it is cut off.
pub(crate) const EVENT_BUFFER: usize = 8_192;

/// Something that happened on the chain. Events are sent while the chain is locked, so their
/// order is that of the changes, and a subscriber that joins under the same lock misses none.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// A new slot has begun.
    Slot(SlotInfo),
    /// A slot was finalized.
    Root(Slot),
    /// Changes reached a commitment level.
    Changes(Arc<Changes>),
}

/// The changes of one slot that reached a commitment level: at `processed` those of one
/// transaction, at `confirmed` and `finalized` those of the whole block, each account once, as
/// of the end of the block.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) level: CommitmentLevel,
    pub(crate) slot: Slot,
    /// The accounts; `None` is one that does not exist any more.
    pub(crate) accounts: Vec<(Address, Option<AccountSharedData>)>,
    pub(crate) transactions: Vec<Arc<LandedTransaction>>,
}
