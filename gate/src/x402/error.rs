//! Every refusal of a payment, by its published name (reference/protocols.md 1.3 and
//! 1.6). These travel in `error`, `invalidReason` and `errorReason`.

use super::Version;
use crate::exact::ExactError;

macro_rules! x402_errors {
    ($($variant:ident $v2:literal $v1:literal $detail:literal;)*) => {
        /// Why a payment is refused, or not yet known to be one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum X402Error {
            $(
                #[doc = concat!("`", $v2, "`: ", $detail)]
                #[error($detail)]
                $variant,
            )*
            /// The transaction breaks a rule of the scheme `exact`.
            #[error(transparent)]
            Exact(#[from] ExactError),
        }

        impl X402Error {
            /// The reasons without those of [`ExactError`], in the order of the table.
            pub const GENERIC: &[Self] = &[$(Self::$variant),*];

            /// The published name in a version of the protocol.
            pub const fn code(self, version: Version) -> &'static str {
                match (self, version) {
                    $(
                        (Self::$variant, Version::V2) => $v2,
                        (Self::$variant, Version::V1) => $v1,
                    )*
                    (Self::Exact(error), version) => error.code(version),
                }
            }
        }
    };
}

x402_errors! {
    InvalidX402Version "invalid_x402_version" "invalid_x402_version"
        "the version of the protocol is not the one that belongs here";
    InvalidPayload "invalid_payload" "invalid_payload"
        "the payment is not a payload of this protocol";
    InvalidPaymentRequirements "invalid_payment_requirements" "invalid_payment_requirements"
        "the requirements are not those of this protocol, or not the ones offered";
    UnsupportedScheme "invalid_exact_svm_unsupported_scheme" "unsupported_scheme"
        "the scheme is not `exact`";
    NetworkMismatch "invalid_exact_svm_network_mismatch" "network_mismatch"
        "payment and requirements name different networks";
    InvalidNetwork "invalid_network" "invalid_network"
        "the network is not the one that this service works with";
    ExtensionEchoMismatch "extension_echo_mismatch" "extension_echo_mismatch"
        "an extension is echoed otherwise than it was advertised";
    InsufficientFunds "insufficient_funds" "insufficient_funds"
        "the payer's token account does not hold the amount";
    SimulationFailed "invalid_exact_svm_transaction_simulation_failed" "transaction_simulation_failed"
        "the transaction would fail";
    TransactionFailed "invalid_exact_svm_transaction_failed" "transaction_failed"
        "the transaction failed on chain or expired; nothing was paid";
    InvalidTransactionState "invalid_transaction_state" "invalid_transaction_state"
        "the transaction landed without the effect that it must have";
    DuplicateSettlement "duplicate_settlement" "duplicate_settlement"
        "this transaction was settled before";
    SettlementPending "settlement_pending" "settlement_pending"
        "the transaction's fate is not known yet; repeat the same request";
    UnexpectedVerifyError "unexpected_verify_error" "unexpected_verify_error"
        "the verification could not be carried out; it says nothing about the payment";
    UnexpectedSettleError "unexpected_settle_error" "unexpected_settle_error"
        "the settlement could not be carried out";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_reasons_share_a_name() {
        let exact = ExactError::ALL.iter().copied().map(X402Error::Exact);
        let all: Vec<X402Error> = X402Error::GENERIC.iter().copied().chain(exact).collect();
        let names: HashSet<&str> = all.iter().map(|error| error.code(Version::V2)).collect();
        assert_eq!(names.len(), all.len());
    }
}
