//! The key that signs receipts, and its names.

use crate::encoding::{base64url_decode, base64url_encode};
use crate::hex;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// Multicodec of an Ed25519 public key (0xed), as a varint; `did:key` begins with it.
const ED25519_MULTICODEC: [u8; 2] = [0xed, 0x01];

/// Why a key cannot be used. Says nothing of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptKeyError {
    /// Neither of the accepted forms.
    #[error(
        "expected a Solana key file (a JSON array of 64 bytes) or a seed of 32 bytes as 64 hexadecimal digits"
    )]
    Form,
    /// The public half of a key file is not that of its secret half.
    #[error("expected a key file whose two halves belong together")]
    Mismatch,
}

/// An Ed25519 key that signs receipts. Never printed; wiped from memory when
/// dropped.
pub struct ReceiptKey {
    secret: SigningKey,
    public: ReceiptPublicKey,
}

impl ReceiptKey {
    /// The key of a seed (RFC 8032's private key).
    pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        let secret = SigningKey::from_bytes(seed);
        let public = ReceiptPublicKey(secret.verifying_key().to_bytes());
        Self { secret, public }
    }

    /// Reads a Solana key file's text, or a seed in hexadecimal.
    ///
    /// # Errors
    /// [`ReceiptKeyError`].
    pub fn from_text(text: &str) -> Result<Self, ReceiptKeyError> {
        let text = text.trim();
        if let Some(seed) = hex::decode::<32>(text).map(Zeroizing::new) {
            return Ok(Self::from_seed(&seed));
        }
        let bytes: Zeroizing<Vec<u8>> =
            Zeroizing::new(serde_json::from_str(text).map_err(|_| ReceiptKeyError::Form)?);
        let bytes: Zeroizing<[u8; 64]> = Zeroizing::new(
            bytes
                .as_slice()
                .try_into()
                .map_err(|_| ReceiptKeyError::Form)?,
        );
        let secret =
            SigningKey::from_keypair_bytes(&bytes).map_err(|_| ReceiptKeyError::Mismatch)?;
        let public = ReceiptPublicKey(secret.verifying_key().to_bytes());
        Ok(Self { secret, public })
    }

    /// The public half.
    pub fn public(&self) -> ReceiptPublicKey {
        self.public
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }
}

impl fmt::Debug for ReceiptKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ReceiptKey({}, redacted)", self.public.key_id())
    }
}

/// The public half of a receipt key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReceiptPublicKey(pub [u8; 32]);

impl ReceiptPublicKey {
    /// `kid` in key sets and PEAC records: the JWK's thumbprint (RFC 7638 with
    /// SHA-256; the members of an Ed25519 key by RFC 8037).
    pub fn key_id(&self) -> String {
        let json = format!(
            "{{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"{}\"}}",
            self.x()
        );
        base64url_encode(Sha256::digest(json))
    }

    /// `x` of the JWK.
    pub fn x(&self) -> String {
        base64url_encode(self.0)
    }

    /// The key of a JWK's `x`.
    pub fn from_x(x: &str) -> Option<Self> {
        let bytes: [u8; 32] = base64url_decode(x)?.try_into().ok()?;
        VerifyingKey::from_bytes(&bytes).ok()?;
        Some(Self(bytes))
    }

    /// `did:key`: the key itself as a name, so that a verifier needs nobody else.
    pub fn did(&self) -> String {
        format!("did:key:{}", self.multibase())
    }

    /// `kid` of an offer-receipt: the DID URL of the only key of [`Self::did`].
    pub fn did_url(&self) -> String {
        let name = self.multibase();
        format!("did:key:{name}#{name}")
    }

    fn multibase(self) -> String {
        let mut bytes = ED25519_MULTICODEC.to_vec();
        bytes.extend_from_slice(&self.0);
        format!("z{}", bs58::encode(bytes).into_string())
    }

    /// Strict verification: canonical encodings only, no keys of small order.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(&self.0).is_ok_and(|key| {
            key.verify_strict(message, &Signature::from_bytes(signature))
                .is_ok()
        })
    }
}

impl fmt::Debug for ReceiptPublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ReceiptPublicKey({})", self.key_id())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;

    /// RFC 8037 appendix A: the key, its JWK and its thumbprint.
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

    #[test]
    fn the_rfcs_example_has_the_rfcs_names() {
        let key = ReceiptKey::from_text(SEED).unwrap();
        assert_eq!(
            key.public().x(),
            "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        );
        assert_eq!(
            key.public().key_id(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
        assert_eq!(
            ReceiptPublicKey::from_x(&key.public().x()),
            Some(key.public())
        );
        assert_eq!(ReceiptPublicKey::from_x("AAAA"), None);
    }

    #[test]
    fn both_forms_are_read_and_nothing_secret_is_printed() {
        let seed = Zeroizing::new([7; 32]);
        let key = ReceiptKey::from_seed(&seed);
        let pair = SigningKey::from_bytes(&seed).to_keypair_bytes();
        let file = serde_json::to_string(&pair.to_vec()).unwrap();
        assert_eq!(ReceiptKey::from_text(&file).unwrap().public(), key.public());
        let hex = "07".repeat(32);
        assert_eq!(
            ReceiptKey::from_text(&format!("{hex}\n")).unwrap().public(),
            key.public()
        );
        let printed = format!("{key:?}");
        assert!(
            printed.contains("redacted") && !printed.contains(&hex) && !printed.contains("7, 7")
        );

        let mut broken = pair;
        broken[63] ^= 1;
        let broken = serde_json::to_string(&broken.to_vec()).unwrap();
        assert_eq!(
            ReceiptKey::from_text(&broken).unwrap_err(),
            ReceiptKeyError::Mismatch
        );
        for wrong in [
            "",
            "07",
            "[1,2,3]",
            "{}",
            &hex.to_uppercase(),
            &"g".repeat(64),
        ] {
            let expected = if wrong == hex {
                continue;
            } else {
                ReceiptKeyError::Form
            };
            assert_eq!(
                ReceiptKey::from_text(wrong).unwrap_err(),
                expected,
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_did_names_the_key_itself() {
        let did = ReceiptKey::from_text(SEED).unwrap().public().did();
        // Every did:key of an Ed25519 key begins so.
        assert!(did.starts_with("did:key:z6Mk"), "{did}");
    }
}
