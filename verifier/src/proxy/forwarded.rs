//! What the upstream is told of the request's way here. The caller's own headers
//! of these names are gone by then (`tollgate_gate::headers::scrub_request`).

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::PublicUrl;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Sets `X-Forwarded-For` (the connection's other end), `-Host` and `-Proto` (the
/// configured public URL).
pub(super) fn describe(headers: &mut HeaderMap, peer: IpAddr, public_url: &PublicUrl) {
    let lines = [
        (X_FORWARDED_FOR, peer.to_string()),
        (X_FORWARDED_HOST, public_url.authority().to_owned()),
        (X_FORWARDED_PROTO, public_url.scheme().to_owned()),
    ];
    for (name, value) in lines {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

/// Removes the upstream's own cross-origin rules: this service answers preflights,
/// so it alone can say who may read the answers.
pub(super) fn drop_cross_origin_rules(headers: &mut HeaderMap) {
    let names: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("access-control-"))
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
    }
}
