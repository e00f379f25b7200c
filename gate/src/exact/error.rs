//! Every reason to refuse an `exact` transaction, by the names that the stock
//! TypeScript facilitator publishes (`@x402/svm` 2.27).

use crate::x402::Version;

macro_rules! exact_errors {
    ($($variant:ident $v2:literal $v1:literal $detail:literal;)*) => {
        /// Why a transaction is not the payment that was asked for. Nothing can have
        /// moved: it was refused before anybody put a fee payer's signature to it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum ExactError {
            $(
                #[doc = concat!("`", $v2, "`: ", $detail)]
                #[error($detail)]
                $variant,
            )*
        }

        impl ExactError {
            /// Every reason, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The published name in a version of the protocol.
            pub const fn code(self, version: Version) -> &'static str {
                match (self, version) {
                    $(
                        (Self::$variant, Version::V2) => $v2,
                        (Self::$variant, Version::V1) => $v1,
                    )*
                }
            }
        }
    };
}

exact_errors! {
    MissingFeePayer "invalid_exact_svm_payload_missing_fee_payer" "invalid_exact_svm_payload_missing_fee_payer"
        "the requirements name no fee payer";
    FeePayerNotManaged "invalid_exact_svm_fee_payer_not_managed_by_facilitator" "fee_payer_not_managed_by_facilitator"
        "the fee payer is not one of this service's keys";
    Undecodable "invalid_exact_svm_payload_transaction_could_not_be_decoded" "invalid_exact_svm_payload_transaction_could_not_be_decoded"
        "the payload is not base64 of exactly one transaction that a cluster could execute";
    ExcessiveSigners "invalid_exact_svm_payload_excessive_signers" "invalid_exact_svm_payload_excessive_signers"
        "the transaction asks for more signatures than are paid for";
    FeePayerMismatch "invalid_exact_svm_fee_payer_mismatch" "invalid_exact_svm_fee_payer_mismatch"
        "the transaction's fee payer is not the one that the requirements name";
    SignatureInvalid "invalid_exact_svm_payload_signature_invalid" "invalid_exact_svm_payload_signature_invalid"
        "a signature is missing or does not belong to the message";
    LookupTables "invalid_exact_svm_smart_wallet_alt_resolution_not_available" "invalid_exact_svm_payload_transaction_could_not_be_decoded"
        "the transaction uses address lookup tables";
    InstructionCount "invalid_exact_svm_payload_transaction_instructions_length" "invalid_exact_svm_payload_transaction_instructions_length"
        "the transaction has too few or too many instructions";
    ComputeLimit "invalid_exact_svm_payload_transaction_instructions_compute_limit_instruction" "invalid_exact_svm_payload_transaction_instructions_compute_limit_instruction"
        "the instruction that sets the compute unit limit is not where it belongs";
    ComputeLimitTooHigh "invalid_exact_svm_payload_transaction_instructions_compute_limit_instruction_too_high" "invalid_exact_svm_payload_transaction_instructions_compute_limit_instruction_too_high"
        "the compute unit limit is too high";
    ComputePrice "invalid_exact_svm_payload_transaction_instructions_compute_price_instruction" "invalid_exact_svm_payload_transaction_instructions_compute_price_instruction"
        "the instruction that sets the compute unit price is not where it belongs";
    ComputePriceTooHigh "invalid_exact_svm_payload_transaction_instructions_compute_price_instruction_too_high" "invalid_exact_svm_payload_transaction_instructions_compute_price_instruction_too_high"
        "the compute unit price is too high";
    NoTransfer "invalid_exact_svm_payload_no_transfer_instruction" "invalid_exact_svm_payload_no_transfer_instruction"
        "the third instruction is not a checked transfer of a token";
    FeePayerTransferring "invalid_exact_svm_payload_transaction_fee_payer_transferring_funds" "invalid_exact_svm_payload_transaction_fee_payer_transferring_funds"
        "the transfer would spend this service's money";
    MintMismatch "invalid_exact_svm_payload_mint_mismatch" "invalid_exact_svm_payload_mint_mismatch"
        "the transfer is of another token";
    RecipientMismatch "invalid_exact_svm_payload_recipient_mismatch" "invalid_exact_svm_payload_recipient_mismatch"
        "the transfer does not go to the recipient's token account";
    AmountMismatch "invalid_exact_svm_payload_amount_mismatch" "invalid_exact_svm_payload_amount_mismatch"
        "the transfer is not of the exact amount";
    UnknownFourth "invalid_exact_svm_payload_unknown_fourth_instruction" "invalid_exact_svm_payload_unknown_fourth_instruction"
        "the fourth instruction is neither a memo nor a wallet's guard";
    UnknownFifth "invalid_exact_svm_payload_unknown_fifth_instruction" "invalid_exact_svm_payload_unknown_fifth_instruction"
        "the fifth instruction is neither a memo nor a wallet's guard";
    UnknownSixth "invalid_exact_svm_payload_unknown_sixth_instruction" "invalid_exact_svm_payload_unknown_sixth_instruction"
        "the sixth instruction is neither a memo nor a wallet's guard";
    UnknownSeventh "invalid_exact_svm_payload_unknown_seventh_instruction" "invalid_exact_svm_payload_unknown_optional_instruction"
        "the seventh instruction is neither a memo nor a wallet's guard";
    UnknownOptional "invalid_exact_svm_payload_unknown_optional_instruction" "invalid_exact_svm_payload_unknown_optional_instruction"
        "an instruction is neither a memo nor a wallet's guard";
    MemoCount "invalid_exact_svm_payload_memo_count" "invalid_exact_svm_payload_memo_count"
        "the transaction must hold exactly one memo";
    MemoMismatch "invalid_exact_svm_payload_memo_mismatch" "invalid_exact_svm_payload_memo_mismatch"
        "the memo is not the one that the requirements name";
    FeePayerInInstruction "invalid_exact_svm_payload_transaction_fee_payer_included_in_instruction_accounts" "invalid_exact_svm_payload_transaction_fee_payer_included_in_instruction_accounts"
        "an instruction names the fee payer among its accounts";
}

impl ExactError {
    /// The refusal of the optional instruction at `index` (0: the first after the
    /// transfer) for its program.
    pub(super) fn unknown_instruction(index: usize) -> Self {
        match index {
            0 => Self::UnknownFourth,
            1 => Self::UnknownFifth,
            2 => Self::UnknownSixth,
            3 => Self::UnknownSeventh,
            _ => Self::UnknownOptional,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_reason_of_version_two_has_a_name_of_its_own() {
        let names: HashSet<&str> = ExactError::ALL
            .iter()
            .map(|error| error.code(Version::V2))
            .collect();
        assert_eq!(names.len(), ExactError::ALL.len());
    }
}
