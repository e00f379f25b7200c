//! Why a receipt does not hold.

/// Closed list of reasons, in the order in which they are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ReceiptError {
    /// Longer than any receipt.
    #[error("this is too long for a receipt")]
    TooLong,
    /// Not three parts of base64url with a JSON object each.
    #[error("this is not a compact JWS")]
    Malformed,
    /// A header that does not belong to the format, or asks for more than it may.
    #[error("the header of the JWS is not that of such a receipt")]
    Header,
    /// No key of this name is known.
    #[error("the receipt names a key that the issuer does not publish")]
    UnknownKey,
    /// The signature does not belong to the bytes and the key.
    #[error("the signature does not fit")]
    Signature,
    /// The signed bytes are not the payload of the format, or not in canonical form.
    #[error("the payload is not that of such a receipt")]
    Payload,
    /// The record's id does not follow from its content.
    #[error("the receipt's id does not follow from its content")]
    Id,
    /// Another issuer than the one whose keys were used.
    #[error("the receipt is another issuer's")]
    Issuer,
    /// For another cluster than the one that was read.
    #[error("the receipt is for another cluster")]
    Network,
    /// For another deployment of the program.
    #[error("the receipt is for another program")]
    Program,
    /// The entitlement's address does not follow from product and beneficiary.
    #[error("the entitlement's address does not follow from product and beneficiary")]
    Address,
    /// The reading is older than the one that the receipt states.
    #[error("the chain was read at an earlier slot than the receipt states; try again later")]
    ReadingTooOld,
    /// What was read cannot have become of what is stated.
    #[error("the account contradicts the receipt")]
    Contradicted,
    /// What is stated would not have opened anything.
    #[error("the receipt states an entitlement that was of no use at the stated time")]
    NotUsable,
}

impl ReceiptError {
    /// Every reason.
    pub const ALL: [Self; 14] = [
        Self::TooLong,
        Self::Malformed,
        Self::Header,
        Self::UnknownKey,
        Self::Signature,
        Self::Payload,
        Self::Id,
        Self::Issuer,
        Self::Network,
        Self::Program,
        Self::Address,
        Self::ReadingTooOld,
        Self::Contradicted,
        Self::NotUsable,
    ];

    /// Stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "receipt_too_long",
            Self::Malformed => "receipt_malformed",
            Self::Header => "receipt_header",
            Self::UnknownKey => "receipt_unknown_key",
            Self::Signature => "receipt_signature",
            Self::Payload => "receipt_payload",
            Self::Id => "receipt_id",
            Self::Issuer => "receipt_issuer",
            Self::Network => "receipt_network",
            Self::Program => "receipt_program",
            Self::Address => "receipt_address",
            Self::ReadingTooOld => "receipt_reading_too_old",
            Self::Contradicted => "receipt_contradicted",
            Self::NotUsable => "receipt_not_usable",
        }
    }
}
