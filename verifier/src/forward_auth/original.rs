//! Which request a web server asks about.

use http::uri::PathAndQuery;
use http::{HeaderName, Method, Request};
use tollgate_gate::GateError;
use tollgate_gate::headers::single;

use super::PATH;
use crate::config::ForwardAuthStyle;
use crate::error::ServiceError;

const X_ORIGINAL_URI: HeaderName = HeaderName::from_static("x-original-uri");
const X_ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
const X_FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
const X_FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");

/// The caller's request, as far as the decision depends on it beyond its headers.
#[derive(Debug)]
pub(super) struct Original<'r> {
    pub(super) method: Method,
    /// As the caller spelt it.
    pub(super) path: &'r str,
    pub(super) query: Option<&'r str>,
}

impl<'r> Original<'r> {
    /// Reads it where this style of server puts it. The headers of other styles can
    /// only come from the caller, and must not say anything else: of two servers in
    /// a row each would believe another one.
    ///
    /// # Errors
    /// [`GateError::OriginalRequestUnknown`] when it is not there,
    /// [`GateError::OriginalRequestContradicted`] when it is there twice with two
    /// meanings, [`GateError::HeaderDuplicate`] and those of malformed targets.
    pub(super) fn of(
        style: ForwardAuthStyle,
        request: &'r Request<()>,
    ) -> Result<Self, ServiceError> {
        let headers = request.headers();
        let uris = [
            single(headers, &X_ORIGINAL_URI)?,
            single(headers, &X_FORWARDED_URI)?,
        ];
        let methods = [
            single(headers, &X_ORIGINAL_METHOD)?,
            single(headers, &X_FORWARDED_METHOD)?,
        ];
        let (uri, method) = match style {
            ForwardAuthStyle::Nginx => (uris[0], methods[0]),
            ForwardAuthStyle::Caddy | ForwardAuthStyle::Traefik => (uris[1], methods[1]),
            ForwardAuthStyle::Envoy => (behind_prefix(request), Some(request.method().as_str())),
        };
        let (Some(uri), Some(method)) = (uri, method) else {
            return Err(GateError::OriginalRequestUnknown.into());
        };
        let contradicts = |said: &Option<&str>, meant| said.is_some_and(|said| said != meant);
        if uris.iter().any(|said| contradicts(said, uri))
            || methods.iter().any(|said| contradicts(said, method))
        {
            return Err(GateError::OriginalRequestContradicted.into());
        }
        let (path, query) = match uri.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (uri, None),
        };
        // The path is judged by the gate; the query must be one that can be forwarded.
        if let Some(query) = query {
            PathAndQuery::try_from(format!("/?{query}"))
                .ok()
                .filter(|parsed| parsed.query() == Some(query))
                .ok_or(GateError::PathInvalidCharacter)?;
        }
        Ok(Self {
            method: Method::from_bytes(method.as_bytes())
                .map_err(|_| GateError::OriginalRequestUnknown)?,
            path,
            query,
        })
    }
}

/// The target behind Envoy's `path_prefix`.
fn behind_prefix(request: &Request<()>) -> Option<&str> {
    let target = request.uri().path_and_query()?.as_str();
    target.strip_prefix(PATH).filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    fn read(
        style: ForwardAuthStyle,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Result<String, &'static str> {
        let mut request = Request::get(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        Original::of(style, &request)
            .map(|original| {
                let query = original.query.map(|query| format!("?{query}"));
                format!(
                    "{} {}{}",
                    original.method,
                    original.path,
                    query.unwrap_or_default()
                )
            })
            .map_err(ServiceError::code)
    }

    #[test]
    fn each_style_has_its_own_words() {
        use ForwardAuthStyle::{Caddy, Envoy, Nginx, Traefik};
        let nginx = [("x-original-uri", "/a?b"), ("x-original-method", "POST")];
        let forwarded = [("x-forwarded-uri", "/a?b"), ("x-forwarded-method", "PUT")];
        assert_eq!(read(Nginx, PATH, &nginx).unwrap(), "POST /a?b");
        assert_eq!(read(Caddy, PATH, &forwarded).unwrap(), "PUT /a?b");
        assert_eq!(read(Traefik, PATH, &forwarded).unwrap(), "PUT /a?b");
        let envoy = |path: &str| read(Envoy, &format!("{PATH}{path}"), &[]);
        assert_eq!(envoy("/a?b").unwrap(), "GET /a?b");
        assert_eq!(envoy("/").unwrap(), "GET /");
        assert_eq!(envoy("//a").unwrap(), "GET //a", "for the gate to refuse");
        assert_eq!(envoy("/%2e%2e/a").unwrap(), "GET /%2e%2e/a");
        for (style, headers) in [(Nginx, &forwarded), (Caddy, &nginx), (Traefik, &nginx)] {
            let unknown = "original_request_unknown";
            assert_eq!(read(style, PATH, headers).unwrap_err(), unknown);
            assert_eq!(read(style, PATH, &headers[..1]).unwrap_err(), unknown);
        }
    }

    #[test]
    fn contradictions_are_refused() {
        use ForwardAuthStyle::{Caddy, Envoy, Nginx};
        let base = [("x-original-uri", "/a"), ("x-original-method", "GET")];
        let with = |more: &[(&'static str, &'static str)]| {
            read(Nginx, PATH, &[base.as_slice(), more].concat())
        };
        assert_eq!(with(&[("x-forwarded-uri", "/a")]).unwrap(), "GET /a");
        for (more, code) in [
            (("x-forwarded-uri", "/b"), "original_request_contradicted"),
            (
                ("x-forwarded-method", "PUT"),
                "original_request_contradicted",
            ),
            (("x-original-uri", "/a"), "header_duplicate"),
            (("x-original-method", "GET"), "header_duplicate"),
            (("x-forwarded-uri", "/\u{e9}"), "header_not_text"),
        ] {
            assert_eq!(with(&[more]).unwrap_err(), code, "{more:?}");
        }
        let smuggled = [("x-forwarded-uri", "/free"), ("x-forwarded-method", "GET")];
        let said = read(Envoy, &format!("{PATH}/paid"), &smuggled);
        assert_eq!(said.unwrap_err(), "original_request_contradicted");
        let odd = [("x-forwarded-uri", "/a?b c"), ("x-forwarded-method", "GET")];
        assert_eq!(
            read(Caddy, PATH, &odd).unwrap_err(),
            "path_invalid_character"
        );
        let fragment = [("x-forwarded-uri", "/a?b#c"), ("x-forwarded-method", "GET")];
        assert_eq!(
            read(Caddy, PATH, &fragment).unwrap_err(),
            "path_invalid_character"
        );
    }
}
