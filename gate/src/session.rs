//! Session tokens: who signed in a while ago.
//!
//! A signature costs a wallet prompt and 70 µs; after one sign-in the caller gets a
//! token that says who it is. The token is not a right: the entitlement is looked
//! up on every request, and a revoked one ends the session at once.
//!
//! `tgs1_` + base64url of: key id (1), entitlement (32), product (32),
//! beneficiary (32), issued (8, little endian), expires (8), HMAC-SHA256 (32) over
//! the origin and everything before. A change of the format changes the prefix.

use crate::encoding::{base64url_decode_exact, base64url_encode};
use crate::error::GateError;
use crate::keys::{KeyId, KeyRing, Purpose};
use crate::limits::{CLOCK_SKEW, MAX_SESSION_HEADER_BYTES, MAX_SESSION_LIFETIME};
use crate::origin::Origin;
use std::fmt;
use tollgate_client::{DurationSeconds, Pubkey, UnixSeconds};

/// How our tokens begin; other values of `Authorization` are the upstream's.
const PREFIX: &str = "tgs1_";
const SCHEME: &str = "bearer";
const PAYLOAD_BYTES: usize = 1 + 3 * 32 + 2 * 8;
const TOKEN_BYTES: usize = PAYLOAD_BYTES + 32;

/// What a session token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The entitlement account that the sign-in led to.
    pub entitlement: Pubkey,
    /// The product.
    pub product: Pubkey,
    /// The key that signed in.
    pub beneficiary: Pubkey,
    /// When it was made.
    pub issued_at: UnixSeconds,
    /// Valid while now is before it.
    pub expires_at: UnixSeconds,
}

/// A token to hand out. Printed only on purpose, through [`SessionToken::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken {
    text: String,
    expires_at: UnixSeconds,
}

impl SessionToken {
    /// The token itself, for the response.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Valid while now is before it.
    pub fn expires_at(&self) -> UnixSeconds {
        self.expires_at
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "SessionToken(redacted, expires at {})",
            self.expires_at
        )
    }
}

/// Whether an `Authorization` value is meant for the gate.
pub fn is_ours(authorization: &str) -> bool {
    token_of(authorization).is_some()
}

fn token_of(authorization: &str) -> Option<&str> {
    let (scheme, rest) = authorization.trim_start().split_once(' ')?;
    let token = rest.trim();
    (scheme.eq_ignore_ascii_case(SCHEME) && token.starts_with(PREFIX)).then_some(token)
}

/// Makes a token that ends with the entitlement, or after `lifetime`.
///
/// `None` when it would be over already: an entitlement that ends by chain time may
/// have ended by this machine's clock.
pub fn issue(
    keys: &KeyRing,
    origin: &Origin,
    session: &Session,
    lifetime: DurationSeconds,
) -> Option<SessionToken> {
    let lifetime = lifetime.min(MAX_SESSION_LIFETIME);
    let latest = session.issued_at.0.saturating_add_unsigned(lifetime.0);
    let session = Session {
        expires_at: session.expires_at.min(UnixSeconds(latest)),
        ..*session
    };
    if session.expires_at <= session.issued_at {
        return None;
    }
    let mut bytes = payload(keys.current_id(), &session);
    let code = keys.code(Purpose::Session, &[origin.as_str().as_bytes(), &bytes]);
    bytes.extend_from_slice(&code);
    Some(SessionToken {
        text: format!("{PREFIX}{}", base64url_encode(&bytes)),
        expires_at: session.expires_at,
    })
}

/// Reads an `Authorization` value; `None` when it is not meant for the gate.
///
/// # Errors
/// [`GateError::SessionMalformed`], [`GateError::SessionInvalid`],
/// [`GateError::SessionExpired`], [`GateError::SessionOtherProduct`].
pub fn verify(
    keys: &KeyRing,
    origin: &Origin,
    authorization: &str,
    product: &Pubkey,
    now: UnixSeconds,
) -> Result<Option<Session>, GateError> {
    let Some(token) = token_of(authorization) else {
        return Ok(None);
    };
    if authorization.len() > MAX_SESSION_HEADER_BYTES {
        return Err(GateError::SessionMalformed);
    }
    let (id, session, payload, code) = token
        .strip_prefix(PREFIX)
        .and_then(read)
        .ok_or(GateError::SessionMalformed)?;
    let fields: [&[u8]; 2] = [origin.as_str().as_bytes(), &payload];
    if !keys.verify(now, id, Purpose::Session, &fields, &code) {
        return Err(GateError::SessionInvalid);
    }
    if now >= session.expires_at {
        return Err(GateError::SessionExpired);
    }
    // Made by a replica whose clock is far ahead, which could stretch its life.
    if session.issued_at.0 > now.0.saturating_add_unsigned(CLOCK_SKEW.0) {
        return Err(GateError::SessionInvalid);
    }
    if session.product != *product {
        return Err(GateError::SessionOtherProduct);
    }
    Ok(Some(session))
}

fn payload(id: KeyId, session: &Session) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(TOKEN_BYTES);
    bytes.push(id.0);
    for key in [&session.entitlement, &session.product, &session.beneficiary] {
        bytes.extend_from_slice(key.as_ref());
    }
    bytes.extend_from_slice(&session.issued_at.0.to_le_bytes());
    bytes.extend_from_slice(&session.expires_at.0.to_le_bytes());
    bytes
}

type Parts = (KeyId, Session, [u8; PAYLOAD_BYTES], [u8; 32]);

fn read(text: &str) -> Option<Parts> {
    let bytes = base64url_decode_exact::<TOKEN_BYTES>(text)?;
    let (payload, code) = bytes.split_first_chunk::<PAYLOAD_BYTES>()?;
    let code = <[u8; 32]>::try_from(code).ok()?;
    let (id, rest) = payload.split_first()?;
    let (entitlement, rest) = rest.split_first_chunk::<32>()?;
    let (product, rest) = rest.split_first_chunk::<32>()?;
    let (beneficiary, rest) = rest.split_first_chunk::<32>()?;
    let (issued_at, expires_at) = rest.split_first_chunk::<8>()?;
    let session = Session {
        entitlement: Pubkey::new_from_array(*entitlement),
        product: Pubkey::new_from_array(*product),
        beneficiary: Pubkey::new_from_array(*beneficiary),
        issued_at: UnixSeconds(i64::from_le_bytes(*issued_at)),
        expires_at: UnixSeconds(i64::from_le_bytes(expires_at.try_into().ok()?)),
    };
    Some((KeyId(*id), session, *payload, code))
}
