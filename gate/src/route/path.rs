//! The canonical form of a request path.

use crate::error::GateError;
use crate::limits::{MAX_PATH_BYTES, MAX_PATH_SEGMENTS};
use std::fmt;

/// A path in the one form that is decided on and forwarded.
///
/// RFC 3986 section 6.2.2: escapes of unreserved characters are decoded once, the
/// others are kept with upper-case digits. Everything that an upstream might read
/// as another path is refused instead of repaired: escaped or literal separators,
/// empty and dot segments, escapes of escapes, control characters, invalid UTF-8.
/// A slash at the end is kept, and matching ignores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalPath {
    text: String,
    segments: Vec<String>,
}

impl CanonicalPath {
    /// Reads the path component of a request target.
    ///
    /// # Errors
    /// One of the `path_*` codes of [`GateError`].
    pub fn parse(raw: &str) -> Result<Self, GateError> {
        if raw.len() > MAX_PATH_BYTES {
            return Err(GateError::PathTooLong);
        }
        let rest = raw.strip_prefix('/').ok_or(GateError::PathNotAbsolute)?;
        let (rest, directory) = match rest.strip_suffix('/') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let mut text = String::with_capacity(raw.len());
        let mut segments = Vec::new();
        if !rest.is_empty() {
            for piece in rest.split('/') {
                if segments.len() == MAX_PATH_SEGMENTS {
                    return Err(GateError::PathTooManySegments);
                }
                text.push('/');
                segments.push(read_segment(piece, &mut text)?);
            }
        } else if directory {
            return Err(GateError::PathEmptySegment);
        }
        if directory || segments.is_empty() {
            text.push('/');
        }
        Ok(Self { text, segments })
    }

    /// The canonical text; what is forwarded.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The decoded segments; what routes are matched on.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }
}

impl fmt::Display for CanonicalPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Appends the canonical form of one segment to `text` and returns the decoded one.
fn read_segment(piece: &str, text: &mut String) -> Result<String, GateError> {
    // Most segments are made of these alone, and mean what they say.
    if !piece.is_empty() && piece.bytes().all(is_plain) {
        text.push_str(piece);
        return Ok(piece.to_owned());
    }
    let mut decoded = Vec::with_capacity(piece.len());
    let mut bytes = piece.bytes();
    while let Some(byte) = bytes.next() {
        let value = match byte {
            b'%' => {
                let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
                match (digit(), digit()) {
                    (Some(high), Some(low)) => u8::try_from(high << 4 | low).ok(),
                    _ => None,
                }
                .ok_or(GateError::PathInvalidEscape)?
            }
            b'\\' => return Err(GateError::PathBackslash),
            0..=0x1f | 0x7f => return Err(GateError::PathControlCharacter),
            _ if is_path_character(byte) => byte,
            _ => return Err(GateError::PathInvalidCharacter),
        };
        if byte == b'%' {
            match value {
                0 => return Err(GateError::PathNullByte),
                b'/' | b'\\' => return Err(GateError::PathEncodedSeparator),
                _ if is_unreserved(value) => text.push(char::from(value)),
                _ => text.push_str(&format!("%{value:02X}")),
            }
        } else {
            text.push(char::from(byte));
        }
        decoded.push(value);
    }
    let decoded = String::from_utf8(decoded).map_err(|_| GateError::PathInvalidUtf8)?;
    if decoded.chars().any(char::is_control) {
        return Err(GateError::PathControlCharacter);
    }
    if holds_an_escape(&decoded) {
        return Err(GateError::PathDoubleEncoding);
    }
    // Some servers cut `;parameters` off before they resolve dots, and some dots and
    // spaces at the end of a name: `.. ` and `...` climb there.
    let name = decoded.split(';').next().unwrap_or_default();
    if name.trim_end_matches(['.', ' ']).is_empty() {
        return Err(if name.contains('.') {
            GateError::PathDotSegment
        } else {
            GateError::PathEmptySegment
        });
    }
    Ok(decoded)
}

/// Whether decoding a second time would change it.
fn holds_an_escape(decoded: &str) -> bool {
    decoded.as_bytes().windows(3).any(|window| {
        matches!(window, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    })
}

/// RFC 3986 `unreserved`.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Those of them that no server makes anything else of: dots may be dot segments.
fn is_plain(byte: u8) -> bool {
    byte != b'.' && is_unreserved(byte)
}

/// RFC 3986 `pchar` without the escape.
fn is_path_character(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,;=:@".contains(&byte)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms() {
        for (raw, canonical, segments) in [
            ("/", "/", vec![]),
            (
                "/v1/quote/%41APL",
                "/v1/quote/AAPL",
                vec!["v1", "quote", "AAPL"],
            ),
            ("/v1/", "/v1/", vec!["v1"]),
            ("/a%20b%c3%a9", "/a%20b%C3%A9", vec!["a b\u{e9}"]),
            (
                "/%7euser/a:b@c;d=1,2",
                "/~user/a:b@c;d=1,2",
                vec!["~user", "a:b@c;d=1,2"],
            ),
            ("/100%25", "/100%25", vec!["100%"]),
            ("/%3F%23", "/%3F%23", vec!["?#"]),
            (
                "/.well-known/...x",
                "/.well-known/...x",
                vec![".well-known", "...x"],
            ),
        ] {
            let path = CanonicalPath::parse(raw).unwrap();
            assert_eq!(path.as_str(), canonical, "{raw}");
            assert_eq!(path.segments(), segments, "{raw}");
        }
    }

    #[test]
    fn spellings_that_an_upstream_could_read_otherwise_are_refused() {
        for (raw, error) in [
            ("", GateError::PathNotAbsolute),
            ("*", GateError::PathNotAbsolute),
            ("v1/quote", GateError::PathNotAbsolute),
            ("//", GateError::PathEmptySegment),
            ("//v1/quote", GateError::PathEmptySegment),
            ("/v1//quote", GateError::PathEmptySegment),
            ("/v1/quote//", GateError::PathEmptySegment),
            ("/;a/quote", GateError::PathEmptySegment),
            ("/./v1", GateError::PathDotSegment),
            ("/v1/../admin", GateError::PathDotSegment),
            ("/v1/..", GateError::PathDotSegment),
            ("/v1/%2e%2E/admin", GateError::PathDotSegment),
            ("/v1/.%2e/admin", GateError::PathDotSegment),
            ("/v1/..;a=b/admin", GateError::PathDotSegment),
            ("/v1/.../admin", GateError::PathDotSegment),
            ("/v1/..%20/admin", GateError::PathDotSegment),
            ("/v1/%20/admin", GateError::PathEmptySegment),
            ("/v1/..%3b/admin", GateError::PathDotSegment),
            ("/v1%2fquote", GateError::PathEncodedSeparator),
            ("/v1%2Fquote", GateError::PathEncodedSeparator),
            ("/v1%5cquote", GateError::PathEncodedSeparator),
            ("/v1\\quote", GateError::PathBackslash),
            ("/v1%00", GateError::PathNullByte),
            ("/v1%0d%0aX: y", GateError::PathInvalidCharacter),
            ("/v1%0d%0a", GateError::PathControlCharacter),
            ("/v1\r\n", GateError::PathControlCharacter),
            ("/v1%7f", GateError::PathControlCharacter),
            ("/v1%c2%85", GateError::PathControlCharacter),
            ("/v1%", GateError::PathInvalidEscape),
            ("/v1%4", GateError::PathInvalidEscape),
            ("/v1%4g", GateError::PathInvalidEscape),
            ("/v1%+1", GateError::PathInvalidEscape),
            ("/v1%%34%31", GateError::PathInvalidEscape),
            ("/v1%2541", GateError::PathDoubleEncoding),
            ("/v1%25%34%31", GateError::PathDoubleEncoding),
            ("/v1/%252e%252e/admin", GateError::PathDoubleEncoding),
            ("/%ff", GateError::PathInvalidUtf8),
            ("/%c0%af", GateError::PathInvalidUtf8),
            ("/%ed%a0%80", GateError::PathInvalidUtf8),
            ("/a b", GateError::PathInvalidCharacter),
            ("/a?b", GateError::PathInvalidCharacter),
            ("/a#b", GateError::PathInvalidCharacter),
            ("/a\"b", GateError::PathInvalidCharacter),
            ("/a{b}", GateError::PathInvalidCharacter),
            ("/caf\u{e9}", GateError::PathInvalidCharacter),
        ] {
            assert_eq!(CanonicalPath::parse(raw).unwrap_err(), error, "{raw:?}");
        }
    }

    #[test]
    fn length_and_depth_are_bounded() {
        let longest = format!("/{}", "a".repeat(MAX_PATH_BYTES - 1));
        assert!(CanonicalPath::parse(&longest).is_ok());
        let longer = format!("{longest}a");
        assert_eq!(CanonicalPath::parse(&longer), Err(GateError::PathTooLong));
        let deepest = "/a".repeat(MAX_PATH_SEGMENTS);
        assert!(CanonicalPath::parse(&deepest).is_ok());
        let deeper = format!("{deepest}/a");
        assert_eq!(
            CanonicalPath::parse(&deeper),
            Err(GateError::PathTooManySegments)
        );
    }
}
