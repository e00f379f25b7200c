//! Base64 and base58, as the wire formats need them.

use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, Engine};
use base64::{alphabet, prelude};

/// Standard alphabet; padding is written and may be missing when read, because
/// the x402 header rule (`^[A-Za-z0-9+/]*={0,2}$`) allows both.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Base64 with the standard alphabet and padding.
pub(crate) fn base64_encode(bytes: impl AsRef<[u8]>) -> String {
    LENIENT.encode(bytes)
}

/// Appends the same to `text`.
pub(crate) fn base64_append(bytes: &[u8], text: &mut String) {
    LENIENT.encode_string(bytes, text);
}

/// The bytes of standard base64, with or without padding.
pub(crate) fn base64_decode(text: &str) -> Option<Vec<u8>> {
    LENIENT.decode(text).ok()
}

/// Base64 with the URL alphabet and no padding: one spelling per value.
pub(crate) fn base64url_encode(bytes: impl AsRef<[u8]>) -> String {
    prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of unpadded URL base64.
pub(crate) fn base64url_decode(text: &str) -> Option<Vec<u8>> {
    prelude::BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

/// `N` bytes of unpadded URL base64.
pub(crate) fn base64url_decode_exact<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let length = prelude::BASE64_URL_SAFE_NO_PAD
        .decode_slice(text, &mut bytes)
        .ok()?;
    (length == N).then_some(bytes)
}

/// `N` bytes of base58.
pub(crate) fn base58_decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    match bs58::decode(text).onto(&mut bytes) {
        Ok(length) if length == N => Some(bytes),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_with_and_without_padding_but_only_in_the_standard_alphabet() {
        assert_eq!(base64_encode([0xfb, 0xff]), "+/8=");
        assert_eq!(base64_decode("+/8=").unwrap(), [0xfb, 0xff]);
        assert_eq!(base64_decode("+/8").unwrap(), [0xfb, 0xff]);
        for wrong in ["-_8=", "+/8==", "+/8= ", "+/8=\n", "+/9="] {
            assert_eq!(base64_decode(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn base64url_has_one_spelling() {
        assert_eq!(base64url_decode("-_8").unwrap(), [0xfb, 0xff]);
        for wrong in ["-_8=", "+/8", "-_9"] {
            assert_eq!(base64url_decode(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn base58_is_of_exact_length() {
        assert_eq!(base58_decode::<2>("11").unwrap(), [0, 0]);
        for wrong in ["1", "111", "0O", ""] {
            assert_eq!(base58_decode::<2>(wrong), None, "{wrong:?}");
        }
    }
}
