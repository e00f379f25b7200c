//! Refusing requests that two servers could read differently.
//!
//! The gate judges the head as hyper hands it out; two things can be seen only
//! here: that the bytes had two lengths (hyper has already dropped one), and that
//! the target names a host of its own.

use http::{HeaderMap, Method, Uri, Version, header};
use tollgate_gate::GateError;
use tollgate_gate::headers::{asks_for_websocket, check_framing};

use crate::api;
use crate::error::ServiceError;
use crate::forward_auth;

/// Looks at a request's head. `ambiguous_framing`: the connection's bytes had two
/// lengths for one request.
pub(crate) fn check(
    method: &Method,
    uri: &Uri,
    version: Version,
    headers: &HeaderMap,
    ambiguous_framing: bool,
) -> Result<(), ServiceError> {
    if ambiguous_framing {
        return Err(GateError::LengthAmbiguous.into());
    }
    check_framing(method, version, headers)?;
    check_upgrade(method, uri, version, headers)?;
    // RFC 9112 section 3.2.2, RFC 9113 section 8.3.1: a target with an authority
    // and a Host header must agree.
    if let (Some(host), Some(authority)) = (headers.get(header::HOST), uri.authority())
        && !host
            .as_bytes()
            .eq_ignore_ascii_case(authority.as_str().as_bytes())
    {
        return Err(GateError::HostMismatch.into());
    }
    Ok(())
}

/// WebSocket handshakes must be complete, and are judged by their route; the
/// service's own endpoints take none. Web servers that ask about a handshake may
/// pass its headers on: they tunnel themselves.
fn check_upgrade(
    method: &Method,
    uri: &Uri,
    version: Version,
    headers: &HeaderMap,
) -> Result<(), ServiceError> {
    if forward_auth::is_question(uri.path()) {
        return Ok(());
    }
    if asks_for_websocket(method, version, headers)? && api::is_reserved(uri.path()) {
        return Err(GateError::UpgradeNotSupported.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    fn outcome(
        uri: &str,
        version: Version,
        headers: &[(&'static str, &str)],
        ambiguous_framing: bool,
    ) -> Result<(), &'static str> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let uri = uri.parse().unwrap();
        check(&Method::GET, &uri, version, &map, ambiguous_framing).map_err(ServiceError::code)
    }

    #[test]
    fn heads_are_judged() {
        let v1 = Version::HTTP_11;
        let host = ("host", "a.test");
        #[rustfmt::skip]
        let table = [
            (outcome("/", v1, &[host], false), Ok(())),
            (outcome("http://a.test/", v1, &[host], false), Ok(())),
            (outcome("http://A.test/", v1, &[host], false), Ok(())),
            (outcome("http://a.test/", Version::HTTP_2, &[], false), Ok(())),
            (outcome("/", v1, &[host], true), Err("length_ambiguous")),
            (outcome("http://a.test/", Version::HTTP_2, &[("host", "b.test")], false), Err("host_mismatch")),
            (outcome("http://b.test/", v1, &[host], false), Err("host_mismatch")),
            (outcome("/", v1, &[host, host], false), Err("header_duplicate")),
            (outcome("/", v1, &[], false), Err("host_missing")),
            (outcome("/", v1, &[host, ("upgrade", "websocket")], false), Err("upgrade_not_supported")),
        ];
        for (index, (found, expected)) in table.into_iter().enumerate() {
            assert_eq!(found, expected, "row {index}");
        }
    }
}
