//! The verification of a sign-in.

use super::{SignInMessage, Timestamp, nonce};
use crate::error::GateError;
use crate::keys::KeyRing;
use crate::limits::{CLOCK_SKEW, MAX_SIWX_AGE};
use crate::network::Network;
use crate::origin::Origin;
use ed25519_dalek::{Signature, VerifyingKey};
use tollgate_client::{Pubkey, UnixSeconds};

pub(super) const VERSION: &str = "1";
pub(super) const KEY_TYPE: &str = "ed25519";
const NAMESPACE: &str = "solana:";
/// The name of the message form, where a client sends one.
const SIGNATURE_SCHEME: &str = "siws";

/// Somebody who proved a key just now. Made only by [`Verification::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    beneficiary: Pubkey,
    nonce: String,
    nonce_expires_at: UnixSeconds,
}

impl SignedIn {
    /// The proved key.
    pub fn beneficiary(&self) -> &Pubkey {
        &self.beneficiary
    }

    /// The nonce of the message, for a list of used ones.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// From when on the nonce is refused for its age, so that it may be forgotten.
    pub fn nonce_expires_at(&self) -> UnixSeconds {
        self.nonce_expires_at
    }
}

/// What a sign-in is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Verification<'a> {
    /// The secrets behind nonces.
    pub keys: &'a KeyRing,
    /// The service's own origin.
    pub origin: &'a Origin,
    /// The one cluster.
    pub network: &'a Network,
    /// What the sign-in is to open.
    pub product: &'a Pubkey,
    /// This machine's time.
    pub now: UnixSeconds,
}

impl Verification<'_> {
    /// Verifies the value of a `SIGN-IN-WITH-X` header. The signature comes last,
    /// because it costs a hundred times what the rest does.
    ///
    /// # Errors
    /// The `invalid_siwx_*` codes of [`GateError`], one for each rule.
    pub fn verify(&self, header: &str) -> Result<SignedIn, GateError> {
        let message = SignInMessage::from_header(header)?;
        self.check_scope(&message)?;
        self.check_times(&message)?;
        let made = nonce::check(
            self.keys,
            self.origin,
            self.product,
            &message.nonce,
            self.now,
        )
        .ok_or(GateError::SiwxNonce)?;
        let beneficiary = check_signature(&message)?;
        Ok(SignedIn {
            beneficiary,
            nonce: message.nonce,
            nonce_expires_at: UnixSeconds(made.0.saturating_add_unsigned(MAX_SIWX_AGE.0 + 1)),
        })
    }

    fn check_scope(&self, message: &SignInMessage) -> Result<(), GateError> {
        if message.version != VERSION {
            return Err(GateError::SiwxVersion);
        }
        let scheme = message.signature_scheme.as_deref();
        if message.r#type != KEY_TYPE
            || !message.chain_id.starts_with(NAMESPACE)
            || scheme.is_some_and(|scheme| scheme != SIGNATURE_SCHEME)
        {
            return Err(GateError::SiwxUnsupportedChain);
        }
        if message.chain_id != self.network.caip2() {
            return Err(GateError::SiwxChainId);
        }
        if message.domain != self.origin.authority() {
            return Err(GateError::SiwxDomainMismatch);
        }
        if !self.origin.is_origin_of(&message.uri) {
            return Err(GateError::SiwxUriMismatch);
        }
        Ok(())
    }

    fn check_times(&self, message: &SignInMessage) -> Result<(), GateError> {
        let Timestamp(issued) =
            Timestamp::from_text(&message.issued_at).ok_or(GateError::SiwxIssuedAt)?;
        if issued.0.saturating_add_unsigned(MAX_SIWX_AGE.0) < self.now.0 {
            return Err(GateError::SiwxIssuedAtTooOld);
        }
        if issued.0 > self.now.0.saturating_add_unsigned(CLOCK_SKEW.0) {
            return Err(GateError::SiwxIssuedAtInFuture);
        }
        if let Some(text) = &message.expiration_time {
            let Timestamp(expires) =
                Timestamp::from_text(text).ok_or(GateError::SiwxExpirationTime)?;
            if self.now >= expires {
                return Err(GateError::SiwxExpired);
            }
        }
        if let Some(text) = &message.not_before {
            let Timestamp(begins) = Timestamp::from_text(text).ok_or(GateError::SiwxNotBefore)?;
            if self.now < begins {
                return Err(GateError::SiwxNotYetValid);
            }
        }
        Ok(())
    }
}

/// Strict ed25519 (RFC 8032 with canonical encodings, no keys of small order).
fn check_signature(message: &SignInMessage) -> Result<Pubkey, GateError> {
    let address = message
        .public_key()
        .ok_or(GateError::SiwxMalformedSignature)?;
    let signature = message
        .signature_bytes()
        .ok_or(GateError::SiwxMalformedSignature)?;
    let text = message.text().ok_or(GateError::SiwxUnsupportedChain)?;
    let key =
        VerifyingKey::from_bytes(&address.to_bytes()).map_err(|_| GateError::SiwxSignature)?;
    key.verify_strict(text.as_bytes(), &Signature::from_bytes(&signature))
        .map_err(|_| GateError::SiwxSignature)?;
    Ok(address)
}
