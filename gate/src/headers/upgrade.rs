//! Requests that want to leave HTTP: WebSocket handshakes, and all others.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, Version};

use super::single;
use crate::error::GateError;

/// The one version of the protocol (RFC 6455 section 4.1).
const WEBSOCKET_VERSION: &str = "13";
/// Bytes of a `Sec-WebSocket-Key`, decoded.
const KEY_BYTES: usize = 16;

/// Whether a request is a WebSocket handshake, complete by RFC 6455 section 4.2.1.
///
/// Every other upgrade is refused: a client that merely offers HTTP/2 (`Upgrade:
/// h2c`) could be ignored, but what it would send next is no longer HTTP to us.
///
/// # Errors
/// [`GateError::UpgradeNotSupported`], [`GateError::HeaderDuplicate`],
/// [`GateError::HeaderNotText`].
pub fn asks_for_websocket(
    method: &Method,
    version: Version,
    headers: &HeaderMap,
) -> Result<bool, GateError> {
    let nominated = names_upgrade(headers);
    if !nominated && !headers.contains_key(UPGRADE) {
        return Ok(false);
    }
    let text = |name: &HeaderName| single(headers, name);
    let is_handshake = nominated
        && method == Method::GET
        && version == Version::HTTP_11
        && text(&UPGRADE)?.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
        && text(&SEC_WEBSOCKET_VERSION)? == Some(WEBSOCKET_VERSION)
        && text(&SEC_WEBSOCKET_KEY)?.is_some_and(is_key)
        // A body would stand where the frames begin.
        && !headers.contains_key(TRANSFER_ENCODING)
        && text(&CONTENT_LENGTH)?.is_none_or(|length| length == "0");
    if is_handshake {
        Ok(true)
    } else {
        Err(GateError::UpgradeNotSupported)
    }
}

/// Whether `Connection` nominates `Upgrade`.
pub fn names_upgrade(headers: &HeaderMap) -> bool {
    headers.get_all(CONNECTION).iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            value
                .split(',')
                .any(|token| token.trim().eq_ignore_ascii_case("upgrade"))
        })
    })
}

fn is_key(text: &str) -> bool {
    STANDARD
        .decode(text)
        .is_ok_and(|bytes| bytes.len() == KEY_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const HANDSHAKE: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn ask(
        method: Method,
        version: Version,
        lines: &[(&'static str, &'static str)],
    ) -> Result<bool, GateError> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        asks_for_websocket(&method, version, &headers)
    }

    #[test]
    fn complete_handshakes_are_told_from_everything_else() {
        let v1 = Version::HTTP_11;
        assert_eq!(ask(Method::GET, v1, &[]), Ok(false));
        assert_eq!(ask(Method::GET, v1, &[("connection", "close")]), Ok(false));
        assert_eq!(ask(Method::GET, v1, &HANDSHAKE), Ok(true));
        assert_eq!(
            ask(Method::POST, v1, &HANDSHAKE),
            Err(GateError::UpgradeNotSupported)
        );
        let old = Version::HTTP_10;
        assert_eq!(
            ask(Method::GET, old, &HANDSHAKE),
            Err(GateError::UpgradeNotSupported)
        );
        // Each line is needed.
        for missing in 0..HANDSHAKE.len() {
            let mut lines = HANDSHAKE.to_vec();
            lines.remove(missing);
            let found = ask(Method::GET, v1, &lines);
            assert_eq!(found, Err(GateError::UpgradeNotSupported), "{missing}");
        }
        for (extra, error) in [
            (("content-length", "4"), GateError::UpgradeNotSupported),
            (
                ("transfer-encoding", "chunked"),
                GateError::UpgradeNotSupported,
            ),
            (("upgrade", "h2c"), GateError::HeaderDuplicate),
            (
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
                GateError::HeaderDuplicate,
            ),
        ] {
            let lines = [HANDSHAKE.as_slice(), &[extra]].concat();
            assert_eq!(ask(Method::GET, v1, &lines), Err(error), "{extra:?}");
        }
        for (index, value) in [
            (1, "h2c"),
            (1, "websocket, h2c"),
            (2, "12"),
            (3, "c2hvcnQ="),
        ] {
            let mut lines = HANDSHAKE.to_vec();
            if let Some(line) = lines.get_mut(index) {
                line.1 = value;
            }
            let found = ask(Method::GET, v1, &lines);
            assert_eq!(found, Err(GateError::UpgradeNotSupported), "{value}");
        }
    }
}
