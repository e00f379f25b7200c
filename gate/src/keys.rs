//! Secrets for authentication codes, and their rotation.
//!
//! One secret serves every purpose: each code is HMAC-SHA256 over a label that
//! names the purpose and over fields that carry their length, so that no code can
//! be mistaken for that of another purpose or of other fields.

use crate::limits::{MAX_KEYS, MAX_SECRET_BYTES, MIN_SECRET_BYTES};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;
use tollgate_client::UnixSeconds;
use zeroize::Zeroizing;

/// Which secret made an authentication code. Written into tokens, so that a
/// replica with old and new secrets knows which to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u8);

/// What codes are made for. A label never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A sign-in nonce.
    SignInNonce,
    /// A session token.
    Session,
    /// The payment id of a caller who is known.
    KnownPaymentId,
    /// The payment id of a caller who is not.
    AnonymousPaymentId,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::SignInNonce => b"tollgate/sign-in-nonce/1",
            Self::Session => b"tollgate/session/1",
            Self::KnownPaymentId => b"tollgate/payment-id/known/1",
            Self::AnonymousPaymentId => b"tollgate/payment-id/anonymous/1",
        }
    }
}

/// Why secrets are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Fewer bytes than the code is strong.
    #[error("a secret needs at least {MIN_SECRET_BYTES} bytes")]
    TooShort,
    /// More bytes than a code can make use of.
    #[error("a secret has at most {MAX_SECRET_BYTES} bytes")]
    TooLong,
    /// Two secrets under one id, so that a token would not say which made it.
    #[error("two secrets have the same key id")]
    DuplicateId,
    /// More secrets than rotation needs.
    #[error("at most {MAX_KEYS} secrets may be accepted at once")]
    TooMany,
}

impl SecretError {
    /// Stable code for logs and configuration errors.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooShort => "secret_too_short",
            Self::TooLong => "secret_too_long",
            Self::DuplicateId => "secret_duplicate_id",
            Self::TooMany => "secret_too_many",
        }
    }
}

/// Key material that is never printed and is wiped from memory when dropped.
pub struct Secret(Box<Zeroizing<[u8; MAX_SECRET_BYTES]>>);

impl Secret {
    /// Takes over the bytes of a secret.
    ///
    /// # Errors
    /// [`SecretError::TooShort`] and [`SecretError::TooLong`]; the refused bytes
    /// are wiped as well.
    pub fn new(bytes: Vec<u8>) -> Result<Self, SecretError> {
        let bytes = Zeroizing::new(bytes);
        if bytes.len() < MIN_SECRET_BYTES {
            return Err(SecretError::TooShort);
        }
        if bytes.len() > MAX_SECRET_BYTES {
            return Err(SecretError::TooLong);
        }
        let mut block = Box::new(Zeroizing::new([0; MAX_SECRET_BYTES]));
        for (byte, given) in block.iter_mut().zip(bytes.iter()) {
            *byte = *given;
        }
        Ok(Self(block))
    }

    fn code(&self, purpose: Purpose, fields: &[&[u8]]) -> [u8; 32] {
        // HMAC pads keys of up to one block with zeros, as they are kept here.
        let key: &[u8; MAX_SECRET_BYTES] = &self.0;
        let mut mac = <Hmac<Sha256> as Mac>::new(key.into());
        for field in std::iter::once(&purpose.label()).chain(fields) {
            mac.update(&(field.len() as u64).to_le_bytes());
            mac.update(field);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(redacted)")
    }
}

/// The secret in use and those that are still accepted.
///
/// To rotate, every replica first learns the new secret as a previous one, then
/// makes it current, and drops the old one once its tokens have expired.
#[derive(Debug)]
pub struct KeyRing {
    current: (KeyId, Secret),
    previous: Vec<(KeyId, Secret)>,
    /// Until when previous secrets are accepted; without end where none is named.
    retired: Vec<(KeyId, UnixSeconds)>,
}

impl KeyRing {
    /// A ring of one secret in use and any that are still accepted.
    ///
    /// # Errors
    /// [`SecretError::DuplicateId`], [`SecretError::TooMany`].
    pub fn new(
        current: (KeyId, Secret),
        previous: Vec<(KeyId, Secret)>,
    ) -> Result<Self, SecretError> {
        if previous.len() >= MAX_KEYS {
            return Err(SecretError::TooMany);
        }
        let ring = Self {
            current,
            previous,
            retired: Vec::new(),
        };
        let mut ids: Vec<KeyId> = ring.all().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() != ring.all().count() {
            return Err(SecretError::DuplicateId);
        }
        Ok(ring)
    }

    /// Stops accepting the previous secret `id` at `not_after`, so that a rotation
    /// ends by itself. The current secret has no end: nobody would be served.
    #[must_use]
    pub fn retire(mut self, id: KeyId, not_after: UnixSeconds) -> Self {
        if id != self.current.0 {
            self.retired.push((id, not_after));
        }
        self
    }

    /// The secret that makes new codes.
    pub fn current_id(&self) -> KeyId {
        self.current.0
    }

    fn all(&self) -> impl Iterator<Item = &(KeyId, Secret)> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    fn accepted(&self, now: UnixSeconds) -> impl Iterator<Item = &(KeyId, Secret)> {
        self.all().filter(move |(id, _)| {
            self.retired
                .iter()
                .all(|(retired, not_after)| retired != id || now < *not_after)
        })
    }

    /// A code of the current secret.
    pub(crate) fn code(&self, purpose: Purpose, fields: &[&[u8]]) -> [u8; 32] {
        self.current.1.code(purpose, fields)
    }

    /// Whether `code`, or a prefix of it, was made by the secret `id`, and that one
    /// is accepted at `now`.
    pub(crate) fn verify(
        &self,
        now: UnixSeconds,
        id: KeyId,
        purpose: Purpose,
        fields: &[&[u8]],
        code: &[u8],
    ) -> bool {
        self.accepted(now)
            .filter(|(known, _)| *known == id)
            .any(|(_, secret)| equal_prefix(&secret.code(purpose, fields), code))
    }

    /// Whether `code`, or a prefix of it, was made by any secret accepted at `now`;
    /// for codes too short to name theirs.
    pub(crate) fn verify_any(
        &self,
        now: UnixSeconds,
        purpose: Purpose,
        fields: &[&[u8]],
        code: &[u8],
    ) -> bool {
        self.accepted(now)
            .any(|(_, secret)| equal_prefix(&secret.code(purpose, fields), code))
    }
}

/// Compares in constant time. Codes are never shorter than 8 bytes here, and an
/// empty one is no code.
fn equal_prefix(full: &[u8; 32], code: &[u8]) -> bool {
    full.get(..code.len())
        .is_some_and(|prefix| !prefix.is_empty() && bool::from(prefix.ct_eq(code)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_000);

    fn secret(byte: u8) -> Secret {
        Secret::new(vec![byte; 32]).unwrap()
    }

    #[test]
    fn secrets_are_bounded_and_never_printed() {
        assert_eq!(Secret::new(vec![0; 31]).unwrap_err(), SecretError::TooShort);
        assert_eq!(Secret::new(vec![0; 65]).unwrap_err(), SecretError::TooLong);
        let ring = KeyRing::new((KeyId(1), secret(77)), vec![]).unwrap();
        let printed = format!("{ring:?}");
        assert!(printed.contains("redacted") && !printed.contains("77"));
    }

    #[test]
    fn rings_refuse_what_they_cannot_tell_apart() {
        let duplicate = KeyRing::new((KeyId(1), secret(1)), vec![(KeyId(1), secret(2))]);
        assert_eq!(duplicate.unwrap_err(), SecretError::DuplicateId);
        let many = (2..6).map(|id| (KeyId(id), secret(id))).collect();
        let many = KeyRing::new((KeyId(1), secret(1)), many);
        assert_eq!(many.unwrap_err(), SecretError::TooMany);
    }

    #[test]
    fn codes_differ_by_purpose_fields_and_field_borders() {
        let ring = KeyRing::new((KeyId(1), secret(1)), vec![]).unwrap();
        let code = ring.code(Purpose::Session, &[b"ab", b"c"]);
        assert_ne!(code, ring.code(Purpose::SignInNonce, &[b"ab", b"c"]));
        assert_ne!(code, ring.code(Purpose::Session, &[b"a", b"bc"]));
        assert_ne!(code, ring.code(Purpose::Session, &[b"ab", b"c", b""]));
        assert!(ring.verify(NOW, KeyId(1), Purpose::Session, &[b"ab", b"c"], &code));
        assert!(ring.verify_any(NOW, Purpose::Session, &[b"ab", b"c"], &code[..8]));
        assert!(!ring.verify(NOW, KeyId(2), Purpose::Session, &[b"ab", b"c"], &code));
        assert!(!ring.verify(NOW, KeyId(1), Purpose::Session, &[b"ab", b"c"], &[]));
        let longer = [code.as_slice(), &[0]].concat();
        assert!(!ring.verify(NOW, KeyId(1), Purpose::Session, &[b"ab", b"c"], &longer));
    }

    #[test]
    fn a_rotated_secret_stays_accepted_until_it_is_dropped() {
        let old = KeyRing::new((KeyId(1), secret(1)), vec![]).unwrap();
        let both = KeyRing::new((KeyId(2), secret(2)), vec![(KeyId(1), secret(1))]).unwrap();
        let new = KeyRing::new((KeyId(2), secret(2)), vec![]).unwrap();
        let code = old.code(Purpose::Session, &[b"x"]);
        assert!(both.verify(NOW, KeyId(1), Purpose::Session, &[b"x"], &code));
        assert!(both.verify_any(NOW, Purpose::Session, &[b"x"], &code));
        assert!(!both.verify(NOW, KeyId(2), Purpose::Session, &[b"x"], &code));
        assert!(!new.verify(NOW, KeyId(1), Purpose::Session, &[b"x"], &code));
        assert!(!new.verify_any(NOW, Purpose::Session, &[b"x"], &code));
    }

    #[test]
    fn a_retired_secret_is_accepted_until_its_time_and_the_current_one_always() {
        let old = KeyRing::new((KeyId(1), secret(1)), vec![]).unwrap();
        let code = old.code(Purpose::Session, &[b"x"]);
        let ring = KeyRing::new((KeyId(2), secret(2)), vec![(KeyId(1), secret(1))])
            .unwrap()
            .retire(KeyId(1), NOW)
            .retire(KeyId(2), UnixSeconds(0));
        let before = UnixSeconds(NOW.0 - 1);
        assert!(ring.verify(before, KeyId(1), Purpose::Session, &[b"x"], &code));
        assert!(ring.verify_any(before, Purpose::Session, &[b"x"], &code));
        assert!(!ring.verify(NOW, KeyId(1), Purpose::Session, &[b"x"], &code));
        assert!(!ring.verify_any(NOW, Purpose::Session, &[b"x"], &code));
        let new = ring.code(Purpose::Session, &[b"x"]);
        assert!(ring.verify(NOW, KeyId(2), Purpose::Session, &[b"x"], &new));
    }

    #[test]
    fn the_code_is_hmac_sha256_over_length_prefixed_fields() {
        // Computed with another implementation (Python's hmac). Fixed, so that a replica
        // of another build accepts the same tokens.
        let ring = KeyRing::new((KeyId(1), secret(0)), vec![]).unwrap();
        let code = ring.code(Purpose::Session, &[b"field"]);
        assert_eq!(
            crate::hex::encode(code),
            "f5591c0b51b9b45ec95069ebf161ee72a9851a109bd161ac05701943183f03e6"
        );
    }
}
