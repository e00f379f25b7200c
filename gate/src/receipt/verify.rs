//! Who signed a receipt, and whether a byte of it was changed.

use super::offer::{OfferReceipt, VERSION};
use super::{KeySet, ReceiptError, ReceiptFacts, jws, peac};

/// Verifies a PEAC record of ours with the issuer's keys. `issuer` is whose keys
/// they are; a record that names another is refused.
///
/// Stricter than a PEAC verifier: only what [`super::issue`] could have written
/// passes, so that two different texts never verify as the same receipt.
///
/// # Errors
/// [`ReceiptError`], from [`ReceiptError::TooLong`] to [`ReceiptError::Issuer`].
pub fn verify_peac(
    text: &str,
    keys: &KeySet,
    issuer: &str,
) -> Result<(ReceiptFacts, String), ReceiptError> {
    let payload = verified(text, keys, Some(peac::MEDIA_TYPE))?;
    let (facts, id) = peac::read(&payload)?;
    if facts.issuer != issuer {
        return Err(ReceiptError::Issuer);
    }
    Ok((facts, id))
}

/// Verifies an x402 offer-receipt with the issuer's keys.
///
/// # Errors
/// [`ReceiptError`], from [`ReceiptError::TooLong`] to [`ReceiptError::Payload`].
pub fn verify_offer_receipt(text: &str, keys: &KeySet) -> Result<OfferReceipt, ReceiptError> {
    let payload = verified(text, keys, None)?;
    let receipt: OfferReceipt =
        serde_json::from_slice(&payload).map_err(|_| ReceiptError::Payload)?;
    if receipt.version != VERSION || receipt.to_bytes() != payload {
        return Err(ReceiptError::Payload);
    }
    Ok(receipt)
}

/// What a signed text of another media type says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedText {
    /// The bytes that were signed.
    pub payload: Vec<u8>,
}

/// Verifies a text of [`super::sign_text`] with the media type `kind`.
///
/// # Errors
/// [`ReceiptError`], from [`ReceiptError::TooLong`] to [`ReceiptError::Signature`].
pub fn verify_text(text: &str, keys: &KeySet, kind: &str) -> Result<VerifiedText, ReceiptError> {
    verified(text, keys, Some(kind)).map(|payload| VerifiedText { payload })
}

fn verified(text: &str, keys: &KeySet, kind: Option<&str>) -> Result<Vec<u8>, ReceiptError> {
    let parts = jws::read(text, kind)?;
    let key = keys.find(&parts.key_id).ok_or(ReceiptError::UnknownKey)?;
    parts.require_signature_of(key)?;
    Ok(parts.payload)
}
