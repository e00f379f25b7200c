//! What came of a settlement.

use solana_signature::Signature;
use tollgate_client::Pubkey;

use super::refusal::Refusal;
use super::turns::Turn;
use crate::relay::RelayRefusal;

/// Closed list of outcomes.
#[derive(Debug)]
#[allow(dead_code, reason = "admission reads it")]
pub(crate) enum Outcome {
    /// The payer's access stands.
    Paid(Paid),
    /// Nothing moved, or all of it went back: 402 with a fresh challenge.
    Refused(Refusal),
    /// Not known yet, or not yet finished: 503 `settlement_pending` with `Retry-After`,
    /// never 402. The same request may be repeated.
    Pending {
        /// The client's transaction, where there is one.
        signature: Option<Signature>,
    },
    /// This very transaction was settled and its access is used up: 409.
    Duplicate {
        /// The client's transaction.
        signature: Signature,
    },
    /// A bound of the relay: 429 or 503; nothing was signed.
    Bounded(RelayRefusal),
    /// Too much is under way, for this payer or for all: 503 with `Retry-After`; nothing
    /// was signed for this request.
    Busy,
    /// The service cannot begin a purchase now, with a stable reason: 503; nothing was
    /// signed.
    Unavailable(&'static str),
}

/// Access that stands.
#[derive(Debug)]
#[allow(dead_code, reason = "admission reads it")]
pub(crate) struct Paid {
    /// Whose signature over the transfer was verified, and whose access it is.
    pub(crate) payer: Pubkey,
    /// The client's transaction; `None` when it was not needed, and no money was taken.
    pub(crate) signature: Option<Signature>,
    /// The purchase's intent, where this transaction paid it.
    pub(crate) intent: Option<Pubkey>,
    /// A view in which the access stands: read the entitlement in this one or later.
    pub(crate) slot: u64,
    /// Where calls are counted: hold it until the credits are taken. Whoever waits behind
    /// for the same payer and product would otherwise take them.
    pub(crate) turn: Option<Turn>,
}
