//! Nonces that any replica recognises, without a list of those handed out.
//!
//! 32 hexadecimal digits, as the extension wants: time in seconds (4 bytes, big
//! endian), random bytes (4), and the first 8 bytes of an HMAC-SHA256 over the
//! origin and both. Eight bytes suffice because a guess can only be tried here, and
//! a nonce alone gives nothing: the signature does.

use crate::encoding::{hex_decode, hex_encode};
use crate::keys::{KeyRing, Purpose};
use crate::limits::{CLOCK_SKEW, MAX_SIWX_AGE};
use crate::origin::Origin;
use tollgate_client::UnixSeconds;

/// Makes the nonce of one challenge.
///
/// Times outside 1970 to 2106 give a nonce that is not accepted later.
pub fn make(keys: &KeyRing, origin: &Origin, now: UnixSeconds, random: [u8; 4]) -> String {
    let time = u32::try_from(now.0).unwrap_or(0).to_be_bytes();
    let code = keys.code(
        Purpose::SignInNonce,
        &[origin.as_str().as_bytes(), &time, &random],
    );
    let mut bytes = Vec::with_capacity(16);
    bytes.extend_from_slice(&time);
    bytes.extend_from_slice(&random);
    bytes.extend_from_slice(code.first_chunk::<8>().unwrap_or(&[0; 8]));
    hex_encode(&bytes)
}

/// When the nonce was made, if this origin made it and it is not too old.
pub fn check(
    keys: &KeyRing,
    origin: &Origin,
    nonce: &str,
    now: UnixSeconds,
) -> Option<UnixSeconds> {
    let bytes = hex_decode::<16>(nonce)?;
    let (time, rest) = bytes.split_first_chunk::<4>()?;
    let (random, code) = rest.split_first_chunk::<4>()?;
    let fields: [&[u8]; 3] = [origin.as_str().as_bytes(), time, random];
    if !keys.verify_any(Purpose::SignInNonce, &fields, code) {
        return None;
    }
    let made = i64::from(u32::from_be_bytes(*time));
    let age = now.0.checked_sub(made)?;
    let youngest = 0_i64.checked_sub_unsigned(CLOCK_SKEW.0)?;
    let oldest = 0_i64.checked_add_unsigned(MAX_SIWX_AGE.0)?;
    (youngest..=oldest)
        .contains(&age)
        .then_some(UnixSeconds(made))
}
