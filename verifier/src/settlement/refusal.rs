//! Why a transfer is not settled: each says that nothing of it has moved, or that it
//! went back.

use tollgate_gate::x402::{Version, X402Error};

/// Closed list. Answered with 402 and a fresh challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The relay does not sign it.
    #[error("the transaction cannot be co-signed: {0}")]
    NotSigned(#[from] crate::relay::RelayRefusal),
    /// The cluster says that it would fail.
    #[error("the transaction would fail")]
    SimulationFailed,
    /// It stands on chain and failed.
    #[error("the transaction failed")]
    TransactionFailed,
    /// Its blockhash has expired, and it was never sent.
    #[error("the transaction's blockhash has expired")]
    BlockhashExpired,
    /// The payer does not have the money.
    #[error("the payer's token account holds too little")]
    InsufficientFunds,
    /// The product is not sold any more, or at another price.
    #[error("the product is not for sale at this price")]
    NotForSale,
    /// Somebody else has begun a purchase of this id.
    #[error("the payment id belongs to another purchase")]
    PaymentIdTaken,
    /// A purchase of this id was paid by another transaction.
    #[error("the payment id is spent")]
    PaymentIdSpent,
    /// The transaction has paid, but too long ago to prove a key by it.
    #[error("the transaction is too old to prove who asks")]
    ProofTooOld,
    /// The money came too late and went back to the payer.
    #[error("the payment came too late and was returned")]
    PaymentReturned,
    /// A pushed transfer is not the one that was asked for.
    #[error("the transfer does not match what was asked for")]
    TransferMismatch,
    /// A pushed transfer is older than it may be.
    #[error("the transfer is too old")]
    TransferTooOld,
}

impl Refusal {
    /// The name for `errorReason` and the 402's `error`: the published one, where there
    /// is one.
    #[allow(dead_code, reason = "admission reads it")]
    pub(crate) fn code(self, version: Version) -> &'static str {
        match self {
            Self::SimulationFailed => X402Error::SimulationFailed.code(version),
            Self::TransactionFailed | Self::BlockhashExpired => {
                X402Error::TransactionFailed.code(version)
            }
            Self::InsufficientFunds => X402Error::InsufficientFunds.code(version),
            Self::NotSigned(refusal) => refusal.code(),
            Self::NotForSale => "product_not_for_sale",
            Self::PaymentIdTaken => "payment_id_taken",
            Self::PaymentIdSpent => "payment_id_spent",
            Self::ProofTooOld => "payment_proof_too_old",
            Self::PaymentReturned => "payment_returned",
            Self::TransferMismatch => "transfer_mismatch",
            Self::TransferTooOld => "transfer_too_old",
        }
    }
}
