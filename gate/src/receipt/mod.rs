//! Receipts: signed statements that a caller was let through, and on what grounds.
//!
//! Two formats are in use and neither admits the other's fields: a PEAC record
//! refuses unknown claims, and an x402 offer-receipt has a fixed payload and names
//! its key by a DID. So every grant gets one of each, made from the same
//! [`ReceiptFacts`] with the same key (reference/protocols.md 1.8 and 3):
//!
//! | format | where | says |
//! | --- | --- | --- |
//! | [`peac`]: `interaction-record+jwt`, wire 0.2 | `PEAC-Receipt` header | everything: the grounds are an extension group |
//! | [`offer`]: x402 offer-receipt, version 1 | `extensions["offer-receipt"]` of `PAYMENT-RESPONSE` | payer, resource, network, time |
//!
//! A receipt can be checked twice. [`verify`] needs the issuer's keys only: who
//! said this, and was a byte of it changed? [`evidence`] needs a reading of the chain:
//! was it true? The second does not trust the issuer: the entitlement's address is
//! derived from product and beneficiary, and the account speaks for itself.
//!
//! Nothing here reads a clock or draws a random number, and the same facts at the
//! same second give the same bytes on every replica.

mod error;
pub mod evidence;
mod facts;
mod jws;
pub mod key;
pub mod key_set;
pub mod offer;
pub mod peac;
mod verify;

pub use error::ReceiptError;
pub use evidence::{Evidence, Observation};
pub use facts::{EntitlementFacts, ReceiptFacts};
pub use jws::sign_text;
pub use key::{ReceiptKey, ReceiptKeyError, ReceiptPublicKey};
pub use key_set::KeySet;
pub use verify::{VerifiedText, verify_offer_receipt, verify_peac, verify_text};

use crate::x402::Object;
use http::HeaderName;

/// The PEAC record of a granted request.
pub const PEAC_RECEIPT: HeaderName = HeaderName::from_static("peac-receipt");
/// Where the public keys are (RFC 7517).
pub const JWKS_PATH: &str = "/.well-known/jwks.json";
/// Where PEAC verifiers begin to look for them.
pub const PEAC_ISSUER_PATH: &str = "/.well-known/peac-issuer.json";
/// Where x402 verifiers confirm that a key may speak for this host (did:web).
pub const DID_DOCUMENT_PATH: &str = "/.well-known/did.json";

/// Longest receipt that is read, in bytes: twice what can be issued.
pub const MAX_RECEIPT_BYTES: usize = 16 * 1024;
/// Longest PEAC record that may travel in a header (PEAC's transport profile).
pub const MAX_PEAC_HEADER_BYTES: usize = 8 * 1024;

/// Both receipts of one grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipts {
    /// The PEAC record, a compact JWS.
    pub peac: String,
    /// Its `jti`, by which logs refer to the pair.
    pub id: String,
    /// The value of `PAYMENT-RESPONSE` that carries the x402 offer-receipt.
    pub payment_response: String,
    /// The x402 offer-receipt alone, as `extensions` of the result of a payment.
    pub extensions: Object,
}

/// Issues both receipts: two Ed25519 signatures.
pub fn issue(key: &ReceiptKey, facts: &ReceiptFacts) -> Receipts {
    let (peac, id) = peac::issue(key, facts);
    let extensions = offer::extensions(key, facts);
    let payment_response = offer::payment_response(facts, &extensions);
    Receipts {
        peac,
        id,
        payment_response,
        extensions,
    }
}
