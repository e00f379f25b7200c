//! Requests that two servers could read differently are refused, not repaired.
//! (hyper 1.12 accepts the first two, as measured: reference/service.md, section 5.)

use crate::error::GateError;
use http::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, TRANSFER_ENCODING};
use http::{Method, Version};

/// Refuses what must not reach an upstream by whatever spelling: two lengths, two
/// hosts, no host (HTTP/1.1), `CONNECT`. Upgrades are [`super::asks_for_websocket`]'s.
///
/// # Errors
/// [`GateError::LengthAmbiguous`], [`GateError::HeaderDuplicate`],
/// [`GateError::HostMissing`], [`GateError::MethodNotAllowed`].
pub fn check_framing(
    method: &Method,
    version: Version,
    headers: &HeaderMap,
) -> Result<(), GateError> {
    if method == Method::CONNECT {
        return Err(GateError::MethodNotAllowed);
    }
    if headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING) {
        return Err(GateError::LengthAmbiguous);
    }
    if headers.get_all(CONTENT_LENGTH).iter().count() > 1 {
        return Err(GateError::HeaderDuplicate);
    }
    match headers.get_all(HOST).iter().count() {
        0 if version < Version::HTTP_2 => return Err(GateError::HostMissing),
        0 | 1 => {}
        _ => return Err(GateError::HeaderDuplicate),
    }
    Ok(())
}

/// The value of a header that may occur once.
///
/// # Errors
/// [`GateError::HeaderDuplicate`], [`GateError::HeaderNotText`].
pub fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, GateError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(GateError::HeaderDuplicate);
    }
    first
        .map(|value| value.to_str().map_err(|_| GateError::HeaderNotText))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn check(lines: &[(HeaderName, &'static str)]) -> Result<(), GateError> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_static(value));
        }
        check_framing(&Method::POST, Version::HTTP_11, &headers)
    }

    #[test]
    fn one_host_and_one_length_pass() {
        assert_eq!(check(&[(HOST, "a")]), Ok(()));
        assert_eq!(check(&[(HOST, "a"), (CONTENT_LENGTH, "0")]), Ok(()));
        assert_eq!(
            check(&[(HOST, "a"), (TRANSFER_ENCODING, "chunked")]),
            Ok(())
        );
    }

    #[test]
    fn what_two_servers_could_read_differently_is_refused() {
        for (lines, error) in [
            (vec![], GateError::HostMissing),
            (vec![(HOST, "a"), (HOST, "b")], GateError::HeaderDuplicate),
            (vec![(HOST, "a"), (HOST, "a")], GateError::HeaderDuplicate),
            (
                vec![
                    (HOST, "a"),
                    (CONTENT_LENGTH, "1"),
                    (TRANSFER_ENCODING, "chunked"),
                ],
                GateError::LengthAmbiguous,
            ),
            (
                vec![(HOST, "a"), (CONTENT_LENGTH, "1"), (CONTENT_LENGTH, "1")],
                GateError::HeaderDuplicate,
            ),
        ] {
            assert_eq!(check(&lines), Err(error), "{lines:?}");
        }
        let headers = HeaderMap::new();
        assert_eq!(
            check_framing(&Method::CONNECT, Version::HTTP_11, &headers),
            Err(GateError::MethodNotAllowed)
        );
        assert_eq!(
            check_framing(&Method::GET, Version::HTTP_2, &headers),
            Ok(())
        );
    }

    #[test]
    fn proofs_occur_once_and_are_text() {
        let name = crate::headers::SIGN_IN_WITH_X;
        let mut headers = HeaderMap::new();
        assert_eq!(single(&headers, &name), Ok(None));
        headers.append(name.clone(), HeaderValue::from_static("a"));
        assert_eq!(single(&headers, &name), Ok(Some("a")));
        headers.append(name.clone(), HeaderValue::from_static("a"));
        assert_eq!(single(&headers, &name), Err(GateError::HeaderDuplicate));
        if let Ok(value) = HeaderValue::from_bytes(b"\xff") {
            headers.insert(name.clone(), value);
        }
        assert_eq!(single(&headers, &name), Err(GateError::HeaderNotText));
    }
}
