//! What a client may echo of a 402's extensions, and the payment-identifier
//! (specs/extensions/payment_identifier.md).

use super::{Object, PaymentPayload, X402Error, json};
use serde_json::Value;

/// An extension that a 402 advertised.
#[derive(Clone, Copy, Debug)]
pub struct Advertised<'a> {
    /// Its key in `extensions`.
    pub key: &'a str,
    /// Its `info`.
    pub info: &'a Value,
    /// Fields of `info` that each 402 fills anew (of sign-in-with-x the nonce and the
    /// times): what is advertised now cannot be compared with what was echoed.
    pub dynamic: &'a [&'a str],
}

/// Checks that a payment echoes the advertised extensions as they were advertised: it
/// may leave any out and may add fields, but alter nothing. The rule of the stock
/// server; extensions that were not advertised are ignored.
///
/// # Errors
/// [`X402Error::ExtensionEchoMismatch`].
pub fn check_echo(
    advertised: &[Advertised<'_>],
    payload: &PaymentPayload,
) -> Result<(), X402Error> {
    let Some(echoed) = payload.extensions() else {
        return Ok(());
    };
    for Advertised { key, info, dynamic } in advertised {
        let Some(echo) = echoed.get(*key) else {
            continue;
        };
        let mut expected = (*info).clone();
        if let Value::Object(fields) = &mut expected {
            fields.retain(|name, _| !dynamic.contains(&name.as_str()));
        }
        if !json::contains(info_of(echo), &expected) {
            return Err(X402Error::ExtensionEchoMismatch);
        }
    }
    Ok(())
}

/// The `info` of an extension; some clients send it bare.
fn info_of(extension: &Value) -> &Value {
    extension.get("info").unwrap_or(extension)
}

/// A name that a client gave its payment, so that repeating it cannot pay twice:
/// 16 to 128 characters of `[A-Za-z0-9_-]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PaymentIdentifier(String);

impl PaymentIdentifier {
    /// The extension's key.
    pub const KEY: &str = "payment-identifier";
    /// Fewest characters.
    pub const MIN_BYTES: usize = 16;
    /// Most characters.
    pub const MAX_BYTES: usize = 128;

    /// The identifier, if `text` is one.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        ((Self::MIN_BYTES..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(plain))
            .then(|| Self(text.to_owned()))
    }

    /// The identifier of a payment, if it has one. A client that echoes the extension
    /// without an `id` has none.
    ///
    /// # Errors
    /// [`X402Error::InvalidPayload`] where the extension is there and not of its form:
    /// a client that relies on its identifier must learn that it does not work.
    pub fn of(payload: &PaymentPayload) -> Result<Option<Self>, X402Error> {
        let extension = payload.extensions().and_then(|all| all.get(Self::KEY));
        let Some(extension) = extension.filter(|extension| !extension.is_null()) else {
            return Ok(None);
        };
        let info: Option<&Object> = extension.get("info").and_then(Value::as_object);
        let info = info.ok_or(X402Error::InvalidPayload)?;
        // The 402 said whether it is required, and the client echoes that.
        if !info.get("required").is_some_and(Value::is_boolean) {
            return Err(X402Error::InvalidPayload);
        }
        match info.get("id") {
            None => Ok(None),
            Some(id) => id
                .as_str()
                .and_then(Self::parse)
                .map(Some)
                .ok_or(X402Error::InvalidPayload),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
