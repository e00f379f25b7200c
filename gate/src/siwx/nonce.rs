//! Nonces that any replica recognises, without a list of those handed out.
//!
//! 32 hexadecimal digits, as the extension wants: time in seconds (4 bytes, big
//! endian), random bytes (4), and the first 8 bytes of an HMAC-SHA256 over the
//! origin, the product and both. Eight bytes suffice because a guess can only be
//! tried here, and a nonce alone gives nothing: the signature does.
//!
//! The product is in it because a message names only a resource, which stock
//! clients and servers do not compare with the request: a sign-in that was made for
//! one product opens no other, on no replica.

use crate::hex;
use crate::keys::{KeyRing, Purpose};
use crate::limits::{CLOCK_SKEW, MAX_SIWX_AGE};
use crate::origin::Origin;
use tollgate_client::{Pubkey, UnixSeconds};

/// Makes the nonce of one challenge.
///
/// Times outside 1970 to 2106 give a nonce that is not accepted later.
pub fn make(
    keys: &KeyRing,
    origin: &Origin,
    product: &Pubkey,
    now: UnixSeconds,
    random: [u8; 4],
) -> String {
    let time = u32::try_from(now.0).unwrap_or(0).to_be_bytes();
    let code = keys.code(
        Purpose::SignInNonce,
        &[origin.as_str().as_bytes(), product.as_ref(), &time, &random],
    );
    let mut bytes = Vec::with_capacity(16);
    bytes.extend_from_slice(&time);
    bytes.extend_from_slice(&random);
    bytes.extend_from_slice(code.first_chunk::<8>().unwrap_or(&[0; 8]));
    hex::encode(bytes)
}

/// When the nonce was made, if this origin made it for `product` and it is not too
/// old.
pub fn check(
    keys: &KeyRing,
    origin: &Origin,
    product: &Pubkey,
    nonce: &str,
    now: UnixSeconds,
) -> Option<UnixSeconds> {
    let bytes = hex::decode::<16>(nonce)?;
    let (time, rest) = bytes.split_first_chunk::<4>()?;
    let (random, code) = rest.split_first_chunk::<4>()?;
    let fields: [&[u8]; 4] = [origin.as_str().as_bytes(), product.as_ref(), time, random];
    if !keys.verify_any(now, Purpose::SignInNonce, &fields, code) {
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
