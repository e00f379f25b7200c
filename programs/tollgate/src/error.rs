//! Every way in which an instruction refuses. Numbers never change and are never
//! used again; 6000 is Anchor's offset for a program's own errors.

use anchor_lang::prelude::*;

/// Refusals of the program, in groups of twenty: general, merchant and product,
/// intent, payment, entitlement.
#[error_code]
#[derive(PartialEq, Eq)]
pub enum TollgateError {
    // General
    #[msg("The account was written by a version of the program that this one does not know")]
    VersionUnknown = 0,
    #[msg("A sum or a difference left the range of its type")]
    ArithmeticOverflow = 1,
    #[msg("Two accounts of the instruction must not be the same")]
    AccountsAliased = 2,
    #[msg("The key must not be the default key")]
    KeyMissing = 3,
    #[msg("The signer is not entitled to this instruction")]
    SignerNotAllowed = 4,
    #[msg("The account can still be used or refunded")]
    NotFinal = 5,
    #[msg("Rent goes back to the recorded rent payer only")]
    RentPayerMismatch = 6,

    // Merchant and product
    #[msg("The merchant has paused payments")]
    MerchantPaused = 20,
    #[msg("A slug has 1 to 32 bytes of a-z, 0-9, '-', '_' and '.', padded with zeros")]
    SlugInvalid = 21,
    #[msg("The product is not for sale")]
    ProductInactive = 22,
    #[msg("The price must be more than zero")]
    PriceZero = 23,
    #[msg("The access time is longer than a payment may grant")]
    AccessTooLong = 24,
    #[msg("The refund window is too long")]
    RefundWindowTooLong = 25,
    #[msg("Whether a product counts credits cannot change after its creation")]
    MeteringFixed = 26,
    #[msg("The account belongs to another merchant, or the merchant to another owner")]
    MerchantMismatch = 27,
    #[msg("The product's address does not belong to this merchant and slug")]
    ProductMismatch = 28,

    // Intent
    #[msg("The product's terms are not those that the caller expects")]
    TermsChanged = 40,
    #[msg("An intent must expire in the future and within 30 days")]
    ExpiryInvalid = 41,
    #[msg("The intent is past its expiry")]
    IntentExpired = 42,
    #[msg("The intent is already paid")]
    IntentAlreadyPaid = 43,
    #[msg("The intent is cancelled")]
    IntentCancelled = 44,
    #[msg("The intent is refunded")]
    IntentRefunded = 45,
    #[msg("The intent's address does not belong to this merchant, author and payment id")]
    IntentMismatch = 46,

    // Payment
    #[msg("The intent is for another payer")]
    PayerMismatch = 60,
    #[msg("The amount is not that of the intent")]
    AmountMismatch = 61,
    #[msg("The beneficiary is not that of the intent")]
    BeneficiaryMismatch = 62,
    #[msg("The mint is not that of the intent")]
    MintMismatch = 63,
    #[msg("The vault is not that of the intent")]
    VaultMismatch = 64,
    #[msg("Nothing is to be moved")]
    AmountZero = 65,
    #[msg("The deposit account belongs to somebody else or holds another mint")]
    DepositMismatch = 66,
    #[msg("The deposit account has a delegate or a close authority")]
    DepositEncumbered = 67,
    #[msg("The deposit is less than the amount; it can be topped up")]
    DepositShort = 68,
    #[msg("The deposit can still become a payment")]
    DepositPending = 69,
    #[msg("Only the operator's quotes can be paid by deposit")]
    DepositNotOffered = 70,
    #[msg("The destination belongs to somebody else")]
    DestinationMismatch = 71,
    #[msg("The intent is not paid")]
    IntentNotPaid = 72,
    #[msg("The refund window is over")]
    RefundWindowOver = 73,
    #[msg("More than was paid cannot be refunded")]
    RefundTooLarge = 74,
    #[msg("A payment on another rail is refunded there")]
    RefundElsewhere = 75,

    // Entitlement
    #[msg("The entitlement's address does not belong to this product and beneficiary")]
    EntitlementMismatch = 80,
    #[msg("The entitlement's account belongs to another program")]
    EntitlementOwner = 81,
    #[msg("The entitlement was closed and created again")]
    EntitlementReplaced = 82,
    #[msg("The entitlement counts no credits")]
    NotMetered = 83,
    #[msg("The total of used credits cannot fall, nor rise over what was granted")]
    CreditsOutOfRange = 84,
}

/// Refuses with `error` unless `holds`.
///
/// Anchor's `require!` builds its error at every place where it stands; one place
/// for all takes a tenth off the program.
pub fn ensure(holds: bool, error: TollgateError) -> Result<()> {
    if holds {
        Ok(())
    } else {
        refuse(error)
    }
}

/// Refuses with `error`.
#[cold]
#[inline(never)]
pub fn refuse(error: TollgateError) -> Result<()> {
    Err(error.into())
}
