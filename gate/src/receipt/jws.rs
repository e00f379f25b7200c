//! Compact JWS (RFC 7515) with Ed25519 (RFC 8037), and nothing beyond it.
//!
//! A header has exactly the members of its format. That keeps out everything by
//! which a JWS could change how it is to be verified: `jwk`, `jku`, `x5c`, `crit`,
//! `b64`, `zip`, another `alg`.

use super::{MAX_RECEIPT_BYTES, ReceiptError, ReceiptKey, ReceiptPublicKey};
use crate::encoding::{base64url_decode, base64url_encode};
use serde::{Deserialize, Serialize};

const ALGORITHM: &str = "EdDSA";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    typ: Option<String>,
}

/// A JWS in its parts, not verified yet.
pub(super) struct Parts<'a> {
    signed: &'a str,
    pub(super) key_id: String,
    pub(super) payload: Vec<u8>,
    signature: [u8; 64],
}

/// Signs `payload` under the name `key_id`; `kind` is the media type `typ`.
///
/// Also for what is no receipt but is signed with the same key: the type keeps one
/// from being taken for the other.
pub fn sign_text(key: &ReceiptKey, key_id: &str, kind: Option<&str>, payload: &[u8]) -> String {
    let header = Header {
        alg: ALGORITHM.to_owned(),
        kid: key_id.to_owned(),
        typ: kind.map(str::to_owned),
    };
    // A structure of strings serialises.
    let header = serde_json::to_vec(&header).unwrap_or_default();
    let signed = format!("{}.{}", base64url_encode(header), base64url_encode(payload));
    let signature = base64url_encode(key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// Takes a JWS of the media type `kind` apart.
pub(super) fn read<'a>(text: &'a str, kind: Option<&str>) -> Result<Parts<'a>, ReceiptError> {
    if text.len() > MAX_RECEIPT_BYTES {
        return Err(ReceiptError::TooLong);
    }
    let (signed, signature) = text.rsplit_once('.').ok_or(ReceiptError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(ReceiptError::Malformed)?;
    let bytes = |part| base64url_decode(part).ok_or(ReceiptError::Malformed);
    let signature = <[u8; 64]>::try_from(bytes(signature)?).map_err(|_| ReceiptError::Malformed)?;
    let header: Header =
        serde_json::from_slice(&bytes(header)?).map_err(|_| ReceiptError::Header)?;
    if header.alg != ALGORITHM || header.typ.as_deref() != kind {
        return Err(ReceiptError::Header);
    }
    Ok(Parts {
        signed,
        key_id: header.kid,
        payload: bytes(payload)?,
        signature,
    })
}

impl Parts<'_> {
    /// Whether `key` signed it.
    pub(super) fn require_signature_of(&self, key: &ReceiptPublicKey) -> Result<(), ReceiptError> {
        if key.verifies(self.signed.as_bytes(), &self.signature) {
            Ok(())
        } else {
            Err(ReceiptError::Signature)
        }
    }
}
