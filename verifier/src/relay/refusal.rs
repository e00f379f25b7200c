//! Why the relay does not sign.

use std::time::Duration;

/// Closed list of reasons. Whatever it is, nothing was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RelayRefusal {
    /// The relay is not the transaction's fee payer, or the transaction has no form
    /// that clusters execute.
    #[error("the transaction does not have the relay as its fee payer")]
    NotForRelay,
    /// An instruction names the relay: with its signature it could take its money.
    #[error("an instruction names the relay")]
    NamesRelay,
    /// An instruction of a program that has no part in a transfer, or accounts that
    /// only a lookup table knows.
    #[error("an instruction is of a program that the relay does not pay for")]
    ForeignProgram,
    /// Another signer's signature is missing or wrong.
    #[error("a signature is missing or wrong")]
    SignatureInvalid,
    /// Signatures and priority cost more than is allowed.
    #[error("the fee would be {fee} lamports, allowed are {most}")]
    FeeTooHigh {
        /// Lamports that it would cost.
        fee: u64,
        /// Lamports that it may cost.
        most: u64,
    },
    /// The request needs more than one request may.
    #[error("the request would take {needed} lamports, allowed are {most}")]
    RequestTooExpensive {
        /// Lamports that it would take.
        needed: u64,
        /// Lamports that it may take.
        most: u64,
    },
    /// The payer has had its share of this hour.
    #[error("the relay has spent its share on this payer")]
    PayerExhausted {
        /// When the next hour begins.
        retry_after: Duration,
    },
    /// Everybody together has had this hour's share.
    #[error("the relay has spent what it may in an hour")]
    HourExhausted {
        /// When the next hour begins.
        retry_after: Duration,
    },
    /// The relay has too few lamports left.
    #[error("the relay is low on funds")]
    BalanceTooLow,
}

impl RelayRefusal {
    /// Stable code for logs and metrics.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NotForRelay => "relay_not_fee_payer",
            Self::NamesRelay => "relay_named",
            Self::ForeignProgram => "relay_foreign_program",
            Self::SignatureInvalid => "relay_signature_invalid",
            Self::FeeTooHigh { .. } => "relay_fee_too_high",
            Self::RequestTooExpensive { .. } => "relay_request_too_expensive",
            Self::PayerExhausted { .. } => "relay_payer_exhausted",
            Self::HourExhausted { .. } => "relay_hour_exhausted",
            Self::BalanceTooLow => "relay_balance_too_low",
        }
    }
}
