//! What does not pass through the proxy (reference/service.md, section 5, "Header
//! injection / trust").

use super::OWN_PREFIX;
use crate::session;
use http::header::{AUTHORIZATION, CONNECTION, COOKIE, HeaderMap, HeaderName, SET_COOKIE};

/// Whether cookies pass. They are ambient credentials of whoever asks; a priced API
/// seldom means them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cookies {
    /// `Cookie` and `Set-Cookie` are removed.
    #[default]
    Strip,
    /// They pass in both directions.
    Forward,
}

/// RFC 9110 section 7.6.1, and names of earlier practice.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers by which a caller could make the upstream act on another method, path,
/// host or address than the gate decided on.
const OVERRIDES: [&str; 16] = [
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "true-client-ip",
    "cf-connecting-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-host",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];
const OVERRIDE_PREFIXES: [&str; 3] = ["x-forwarded-", "x-original-", "x-rewrite-"];

/// Those of them that name another method or path.
const TARGET_OVERRIDES: [&str; 7] = [
    "x-forwarded-method",
    "x-forwarded-path",
    "x-forwarded-prefix",
    "x-forwarded-uri",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];
const TARGET_OVERRIDE_PREFIXES: [&str; 2] = ["x-original-", "x-rewrite-"];

/// Payment and sign-in headers of every dialect: proofs are for the gate only, and
/// an upstream must not be able to claim a payment.
const PAYMENT: [&str; 7] = [
    "accept-payment",
    "extension-responses",
    "payment",
    "settlement-overrides",
    "sign-in-with-x",
    "x-payment",
    "x-payment-response",
];
const PAYMENT_PREFIX: &str = "payment-";

/// Removes from a request what must not reach the upstream. `Authorization` goes
/// only when it carries one of our session tokens: other values are between the
/// caller and the upstream. The caller of this function sets `Host` and the
/// `Tollgate-*` headers afterwards.
pub fn scrub_request(headers: &mut HeaderMap, cookies: Cookies) {
    remove_connection_headers(headers);
    remove_where(headers, is_scrubbed_from_requests);
    if cookies == Cookies::Strip {
        headers.remove(COOKIE);
    }
    remove_own_session(headers);
}

/// Removes from a request what a handler in the same process must not take from
/// the caller: proofs, our own headers, and those that ask for another method or
/// path than the gate decided on. What speaks of the connection stays: it is the
/// handler's own server that it ends at.
pub fn scrub_embedded_request(headers: &mut HeaderMap) {
    remove_where(headers, |name| {
        is_payment(name) || name.starts_with(OWN_PREFIX) || overrides_target(name)
    });
    remove_own_session(headers);
}

/// Removes from a handler's response what the gate alone may say.
pub fn scrub_embedded_response(headers: &mut HeaderMap) {
    remove_where(headers, |name| {
        is_payment(name) || name.starts_with(OWN_PREFIX)
    });
}

/// Whether `Authorization` carries one of our session tokens, which are for the gate
/// only.
pub fn carries_session(headers: &HeaderMap) -> bool {
    headers
        .get_all(AUTHORIZATION)
        .iter()
        .any(|value| value.to_str().is_ok_and(session::is_ours))
}

fn remove_own_session(headers: &mut HeaderMap) {
    if carries_session(headers) {
        headers.remove(AUTHORIZATION);
    }
}

/// Whether a header could make a framework act on another method or path.
fn overrides_target(name: &str) -> bool {
    TARGET_OVERRIDES.contains(&name)
        || TARGET_OVERRIDE_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Whether a header of this name never reaches the upstream.
pub(super) fn is_scrubbed_from_requests(name: &str) -> bool {
    HOP_BY_HOP.contains(&name)
        || is_payment(name)
        || name.starts_with(OWN_PREFIX)
        || OVERRIDES.contains(&name)
        || OVERRIDE_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Removes from an upstream's response what the gate alone may say.
pub fn scrub_response(headers: &mut HeaderMap, cookies: Cookies) {
    remove_connection_headers(headers);
    remove_where(headers, |name| {
        is_payment(name) || name.starts_with(OWN_PREFIX)
    });
    if cookies == Cookies::Strip {
        headers.remove(SET_COOKIE);
    }
}

fn is_payment(name: &str) -> bool {
    PAYMENT.contains(&name) || name.starts_with(PAYMENT_PREFIX)
}

/// Hop-by-hop headers, and those that `Connection` nominates.
fn remove_connection_headers(headers: &mut HeaderMap) {
    let nominated: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|token| HeaderName::from_bytes(token.trim().as_bytes()).ok())
        .collect();
    for name in nominated {
        headers.remove(name);
    }
    remove_where(headers, |name| HOP_BY_HOP.contains(&name));
}

/// The rule sees `-` for `_`: gateways to CGI, WSGI and the like take them for one
/// another, so that `tollgate_product` would arrive as `Tollgate-Product`.
pub(super) fn remove_where(headers: &mut HeaderMap, rule: impl Fn(&str) -> bool) {
    let ruled = |name: &&HeaderName| {
        let name = name.as_str();
        if name.contains('_') {
            rule(&name.replace('_', "-"))
        } else {
            rule(name)
        }
    };
    // Mostly nothing is found, and nothing allocated.
    let names: Vec<HeaderName> = headers.keys().filter(ruled).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn only_what_is_meant_for_the_upstream_reaches_it() {
        let mut map = headers(&[
            ("host", "api.example.com"),
            ("accept", "application/json"),
            ("authorization", "Bearer upstream-key"),
            ("content-type", "application/json"),
            ("idempotency-key", "1"),
            ("x_custom", "kept"),
            ("cookie", "a=b"),
            ("connection", "keep-alive, X-Nominated"),
            ("connection", "x-second"),
            ("x-nominated", "1"),
            ("x-second", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic x"),
            ("payment-signature", "x"),
            ("payment-identifier", "x"),
            ("x-payment", "x"),
            ("sign-in-with-x", "x"),
            ("tollgate-entitlement", "forged"),
            ("tollgate_entitlement", "forged"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-prefix", "/admin"),
            ("x_forwarded_host", "evil.test"),
            ("forwarded", "for=127.0.0.1"),
            ("x-real-ip", "127.0.0.1"),
            ("x-original-url", "/admin"),
            ("x-rewrite-url", "/admin"),
            ("x-http-method-override", "DELETE"),
            ("x-method-override", "DELETE"),
        ]);
        scrub_request(&mut map, Cookies::Strip);
        assert_eq!(
            names(&map),
            [
                "accept",
                "authorization",
                "content-type",
                "host",
                "idempotency-key",
                "x_custom"
            ]
        );
    }

    #[test]
    fn a_handler_in_the_same_process_keeps_what_speaks_of_the_connection() {
        let mut map = headers(&[
            ("host", "api.example.com"),
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("cookie", "a=b"),
            ("te", "trailers"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "https"),
            ("authorization", "Bearer tgs1_AAAA"),
            ("sign-in-with-x", "x"),
            ("payment-signature", "x"),
            ("tollgate-product", "forged"),
            ("tollgate_product", "forged"),
            ("x-http-method-override", "DELETE"),
            ("x_http_method_override", "DELETE"),
            ("x-forwarded-prefix", "/admin"),
            ("x-original-url", "/admin"),
            ("x-rewrite-url", "/admin"),
        ]);
        scrub_embedded_request(&mut map);
        assert_eq!(
            names(&map),
            [
                "connection",
                "cookie",
                "host",
                "te",
                "upgrade",
                "x-forwarded-for",
                "x-forwarded-proto"
            ]
        );
        let mut map = headers(&[
            ("set-cookie", "a=b"),
            ("payment-response", "forged"),
            ("tollgate-session", "forged"),
        ]);
        scrub_embedded_response(&mut map);
        assert_eq!(names(&map), ["set-cookie"]);
    }

    #[test]
    fn our_session_token_is_for_the_gate_only() {
        for value in ["Bearer tgs1_AAAA", "bearer  tgs1_AAAA"] {
            let mut map = headers(&[]);
            map.insert(AUTHORIZATION, HeaderValue::from_static(value));
            scrub_request(&mut map, Cookies::Strip);
            assert!(map.is_empty(), "{value}");
        }
        let mut map = headers(&[("authorization", "Basic dXNlcjpwYXNz")]);
        scrub_request(&mut map, Cookies::Strip);
        assert_eq!(names(&map), ["authorization"]);
    }

    #[test]
    fn an_upstream_cannot_speak_for_the_gate() {
        let mut map = headers(&[
            ("content-type", "text/plain"),
            ("connection", "close, x-internal"),
            ("x-internal", "1"),
            ("transfer-encoding", "chunked"),
            ("payment-required", "forged"),
            ("payment-response", "forged"),
            ("x-payment-response", "forged"),
            ("tollgate-session", "forged"),
            ("set-cookie", "a=b"),
            ("etag", "1"),
        ]);
        scrub_response(&mut map, Cookies::Strip);
        assert_eq!(names(&map), ["content-type", "etag"]);
    }

    #[test]
    fn cookies_pass_where_the_merchant_says_so() {
        let mut map = headers(&[("cookie", "a=b")]);
        scrub_request(&mut map, Cookies::Forward);
        assert_eq!(names(&map), ["cookie"]);
        let mut map = headers(&[("set-cookie", "a=b"), ("set-cookie", "c=d")]);
        scrub_response(&mut map, Cookies::Forward);
        assert_eq!(map.get_all(SET_COOKIE).iter().count(), 2);
    }
}
