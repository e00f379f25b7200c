//! The public origin: what callers see the service as. It comes from the
//! configuration only; a request's `Host` header is chosen by whoever asks.

use crate::limits::{MAX_ORIGIN_BYTES, MAX_RESOURCE_URL_BYTES};
use crate::route::CanonicalPath;
use std::fmt;
use url::Url;

/// Why a public URL cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// It is not an absolute URL, or too long.
    #[error("the public URL is not a URL")]
    NotAUrl,
    /// Neither `http` nor `https`.
    #[error("the public URL must begin with https:// (or http:// on the own machine)")]
    Scheme,
    /// Plain `http` for a host that is not this machine: tokens would be readable.
    #[error("the public URL may use http:// only for localhost; elsewhere it must use https://")]
    Insecure,
    /// User name or password in it.
    #[error("the public URL must not contain a user name or password")]
    Credentials,
    /// Path, query or fragment.
    #[error("the public URL must be an origin: no path, query or fragment")]
    NotAnOrigin,
}

impl OriginError {
    /// Stable code for configuration errors.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAUrl => "public_url_invalid",
            Self::Scheme => "public_url_scheme",
            Self::Insecure => "public_url_insecure",
            Self::Credentials => "public_url_credentials",
            Self::NotAnOrigin => "public_url_not_an_origin",
        }
    }
}

/// `scheme://host[:port]`, normalised as browsers do (lower case, no default port).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    authority: String,
}

impl Origin {
    /// Reads a public URL such as `https://api.example.com`.
    ///
    /// # Errors
    /// [`OriginError`], one variant for each rule.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        if text.len() > MAX_ORIGIN_BYTES {
            return Err(OriginError::NotAUrl);
        }
        let url = Url::parse(text).map_err(|_| OriginError::NotAUrl)?;
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(OriginError::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::Credentials);
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(OriginError::NotAnOrigin);
        }
        if !secure && !is_this_machine(&url) {
            return Err(OriginError::Insecure);
        }
        let authority = authority(&url).ok_or(OriginError::NotAUrl)?;
        let text = format!("{}://{authority}", url.scheme());
        Ok(Self { text, authority })
    }

    /// `scheme://host[:port]`, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `host[:port]`, the `domain` of sign-in messages.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The origin's name as a DID (did:web): a port's colon is escaped.
    pub fn did_web(&self) -> String {
        format!("did:web:{}", self.authority.replace(':', "%3A"))
    }

    /// How receipts name this origin: by itself, or by its DID where it is not
    /// `https` (on the own machine), because PEAC issuers are one or the other.
    pub fn issuer(&self) -> String {
        if self.text.starts_with("https://") {
            self.text.clone()
        } else {
            self.did_web()
        }
    }

    /// Whether `uri` is an absolute URL of this origin.
    pub fn is_origin_of(&self, uri: &str) -> bool {
        Url::parse(uri).is_ok_and(|url| {
            authority(&url).is_some_and(|authority| {
                url.scheme().len() + "://".len() + authority.len() == self.text.len()
                    && self.text.starts_with(url.scheme())
                    && authority == self.authority
            })
        })
    }

    /// The URL of a resource: this origin, the path that the decision was made on,
    /// and the query unless it is too long or holds bytes that no query may hold.
    pub fn resource_url(&self, path: &CanonicalPath, query: Option<&str>) -> String {
        let mut url = format!("{}{}", self.text, path.as_str());
        if let Some(query) = query.filter(|query| is_plain_query(query))
            && url.len() + 1 + query.len() <= MAX_RESOURCE_URL_BYTES
        {
            url.push('?');
            url.push_str(query);
        }
        url
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn authority(url: &Url) -> Option<String> {
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// Whether `url` leads to this very machine.
pub fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// RFC 3986 `query`.
fn is_plain_query(query: &str) -> bool {
    query
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn origins_are_normalised() {
        let origin = Origin::parse("HTTPS://API.Example.com:443/").unwrap();
        assert_eq!(origin.as_str(), "https://api.example.com");
        assert_eq!(origin.authority(), "api.example.com");
        let local = Origin::parse("http://127.0.0.1:8402").unwrap();
        assert_eq!(local.as_str(), "http://127.0.0.1:8402");
        assert_eq!(local.authority(), "127.0.0.1:8402");
        let local = Origin::parse("http://[::1]:8402").unwrap();
        assert_eq!(local.authority(), "[::1]:8402");
    }

    #[test]
    fn what_is_not_an_origin_is_refused_by_name() {
        for (text, error) in [
            ("api.example.com", OriginError::NotAUrl),
            ("https://", OriginError::NotAUrl),
            ("ftp://api.example.com", OriginError::Scheme),
            ("http://api.example.com", OriginError::Insecure),
            ("http://localhost.example.com", OriginError::Insecure),
            ("https://user@api.example.com", OriginError::Credentials),
            ("https://:secret@api.example.com", OriginError::Credentials),
            ("https://api.example.com/v1", OriginError::NotAnOrigin),
            ("https://api.example.com/?a", OriginError::NotAnOrigin),
            ("https://api.example.com/#a", OriginError::NotAnOrigin),
        ] {
            assert_eq!(Origin::parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn urls_of_the_same_origin_are_recognised() {
        let origin = Origin::parse("https://api.example.com").unwrap();
        assert!(origin.is_origin_of("https://api.example.com/v1?x=1"));
        assert!(origin.is_origin_of("https://API.example.com:443"));
        for other in [
            "http://api.example.com/v1",
            "https://api.example.com:8443/v1",
            "https://api.example.com.evil.test/",
            "https://api.example.com@evil.test/",
            "https://evil.test/https://api.example.com",
            "data:text/plain,https://api.example.com",
            "/v1",
            "",
        ] {
            assert!(!origin.is_origin_of(other), "{other}");
        }
    }

    #[test]
    fn resource_urls_keep_only_plain_and_short_queries() {
        let origin = Origin::parse("https://api.example.com").unwrap();
        let path = CanonicalPath::parse("/v1/%41").unwrap();
        let url = |query: Option<&str>| origin.resource_url(&path, query);
        assert_eq!(
            url(Some("a=1&b=%20")),
            "https://api.example.com/v1/A?a=1&b=%20"
        );
        assert_eq!(url(Some("a=\"<\">")), "https://api.example.com/v1/A");
        assert_eq!(url(Some("a\u{e9}")), "https://api.example.com/v1/A");
        assert_eq!(url(Some(&"a".repeat(3000))), "https://api.example.com/v1/A");
        assert_eq!(url(None), "https://api.example.com/v1/A");
    }
}
