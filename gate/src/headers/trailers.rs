//! Trailers: headers that arrive after everything was decided.

use http::header::{HeaderMap, HeaderName, HeaderValue, TE, TRAILER};

use super::scrub::{is_scrubbed_from_requests, remove_where};

/// What means nothing, or something dangerous, once the head is gone (RFC 9110
/// section 6.5.1): framing, routing, authentication, caching, the form of the body.
const HEAD_ONLY: [&str; 22] = [
    "accept-ranges",
    "age",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "expect",
    "expires",
    "host",
    "location",
    "max-forwards",
    "pragma",
    "range",
    "retry-after",
    "set-cookie",
    "vary",
    "warning",
    "www-authenticate",
];
const HEAD_ONLY_PREFIXES: [&str; 3] = ["access-control-", "if-", "sec-"];

/// Removes what may not stand in trailers, of a request or of a response, and what
/// `announced` (of [`announced_trailers`]) does not name. `None` when nothing is left.
pub fn scrub_trailers(mut trailers: HeaderMap, announced: &HeaderValue) -> Option<HeaderMap> {
    let announced = announced.to_str().unwrap_or_default();
    remove_where(&mut trailers, |name| !may_trail(name));
    let unannounced: Vec<HeaderName> = trailers
        .keys()
        .filter(|name| !announced.split(", ").any(|named| named == name.as_str()))
        .cloned()
        .collect();
    for name in unannounced {
        trailers.remove(name);
    }
    (!trailers.is_empty()).then_some(trailers)
}

/// The trailers that a message announces, without those that may not be; for the
/// `Trailer` header of the forwarded message.
pub fn announced_trailers(headers: &HeaderMap) -> Option<HeaderValue> {
    let names: Vec<String> = headers
        .get_all(TRAILER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .filter(|name| may_trail(&name.as_str().replace('_', "-")))
        .map(|name| name.to_string())
        .collect();
    if names.is_empty() {
        return None;
    }
    HeaderValue::from_str(&names.join(", ")).ok()
}

/// Whether the sender of a request takes trailers (`TE: trailers`).
pub fn accepts_trailers(headers: &HeaderMap) -> bool {
    headers.get_all(TE).iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            value
                .split(',')
                .any(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
        })
    })
}

fn may_trail(name: &str) -> bool {
    !is_scrubbed_from_requests(name)
        && !HEAD_ONLY.contains(&name)
        && !HEAD_ONLY_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_trailers_pass() {
        let mut trailers = HeaderMap::new();
        for name in [
            "grpc-status",
            "grpc-message",
            "x-checksum",
            "content-length",
            "transfer-encoding",
            "host",
            "authorization",
            "set-cookie",
            "connection",
            "te",
            "tollgate-product",
            "tollgate_product",
            "payment-response",
            "x-forwarded-for",
            "sec-websocket-accept",
            "if-match",
            "x-unannounced",
        ] {
            trailers.insert(name, HeaderValue::from_static("1"));
        }
        let announced = HeaderValue::from_static("grpc-status, grpc-message, x-checksum");
        let nothing = HeaderValue::from_static("x-other");
        assert_eq!(scrub_trailers(trailers.clone(), &nothing), None);
        let trailers = scrub_trailers(trailers, &announced).unwrap();
        let mut left: Vec<_> = trailers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["grpc-message", "grpc-status", "x-checksum"]);
    }

    #[test]
    fn announcements_are_scrubbed_alike() {
        let mut headers = HeaderMap::new();
        assert_eq!(announced_trailers(&headers), None);
        headers.append(
            TRAILER,
            HeaderValue::from_static("Content-Length, x-checksum"),
        );
        headers.append(TRAILER, HeaderValue::from_static("Grpc-Status,, bad name"));
        assert_eq!(
            announced_trailers(&headers).unwrap(),
            "x-checksum, grpc-status"
        );
        headers.insert(TRAILER, HeaderValue::from_static("host"));
        assert_eq!(announced_trailers(&headers), None);
        assert!(!accepts_trailers(&headers));
        headers.insert(TE, HeaderValue::from_static("deflate;q=0.5, Trailers"));
        assert!(accepts_trailers(&headers));
    }
}
