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

/// Which trailers of a message the next connection can carry. Those that could change
/// what was decided on its head never pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PassingTrailers {
    /// None: the receiver does not take them.
    #[default]
    Nothing,
    /// Those that the head announced, as [`announced_trailers`] gives them: HTTP/1.
    Announced(HeaderValue),
    /// Any: HTTP/2, which needs no announcement. (That of gRPC has none.)
    Any,
}

/// Removes what may not stand in trailers, of a request or of a response, and what does
/// not pass. `None` when nothing is left.
pub fn scrub_trailers(mut trailers: HeaderMap, passing: &PassingTrailers) -> Option<HeaderMap> {
    remove_where(&mut trailers, |name| !may_trail(name));
    match passing {
        PassingTrailers::Nothing => trailers.clear(),
        PassingTrailers::Announced(names) => keep_named(&mut trailers, names),
        PassingTrailers::Any => {}
    }
    (!trailers.is_empty()).then_some(trailers)
}

fn keep_named(trailers: &mut HeaderMap, names: &HeaderValue) {
    let names = names.to_str().unwrap_or_default();
    let unnamed: Vec<HeaderName> = trailers
        .keys()
        .filter(|name| !names.split(", ").any(|named| named == name.as_str()))
        .cloned()
        .collect();
    for name in unnamed {
        trailers.remove(name);
    }
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
        let announced = |names| PassingTrailers::Announced(HeaderValue::from_static(names));
        let left = |passing: &PassingTrailers| {
            let left = scrub_trailers(trailers.clone(), passing)?;
            let mut names: Vec<_> = left.keys().map(ToString::to_string).collect();
            names.sort_unstable();
            Some(names.join(" "))
        };
        assert_eq!(left(&PassingTrailers::Nothing), None);
        assert_eq!(left(&announced("x-other")), None);
        let harmless = "grpc-message grpc-status x-checksum";
        let some = left(&announced("grpc-status, grpc-message, x-checksum"));
        assert_eq!(some.as_deref(), Some(harmless));
        let any = left(&PassingTrailers::Any);
        assert_eq!(any.unwrap(), format!("{harmless} x-unannounced"));
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
