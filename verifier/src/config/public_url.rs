//! The URL by which callers know this service.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, Scheme};

/// Scheme and authority, without path: `https://api.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    scheme: Scheme,
    authority: Authority,
}

impl PublicUrl {
    /// What [`FromStr`] accepts.
    pub(super) const EXPECTED: &'static str =
        "expected an http:// or https:// URL with a host and without path, query or user name";

    /// Stands in while a configuration with problems is read to its end.
    pub(super) fn unset() -> Self {
        Self {
            scheme: Scheme::HTTP,
            authority: Authority::from_static("unset.invalid"),
        }
    }

    /// `host[:port]`, as in the sign-in domain.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.scheme.as_str()
    }

    /// Port 0 means "the port that the listener got", which is known only once
    /// it listens; every other port stays.
    #[must_use]
    pub fn with_bound_port(&self, port: u16) -> Self {
        if self.authority.port_u16() != Some(0) {
            return self.clone();
        }
        format!("{}://{}:{port}", self.scheme, self.authority.host())
            .parse()
            .unwrap_or_else(|_| self.clone())
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|_| Self::EXPECTED.to_owned())?;
        let parts = uri.into_parts();
        let scheme = parts
            .scheme
            .filter(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS)
            .ok_or(Self::EXPECTED)?;
        let authority = parts
            .authority
            .filter(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'))
            .ok_or(Self::EXPECTED)?;
        if !parts
            .path_and_query
            .is_none_or(|path| path.as_str() == "/" || path.as_str().is_empty())
            || text.contains('#')
        {
            return Err(Self::EXPECTED.to_owned());
        }
        // A browser writes hosts in lower case and leaves out the scheme's own
        // port; the sign-in domain is compared byte by byte with what it writes.
        let mut written = authority.as_str().to_ascii_lowercase();
        let default_port = if scheme == Scheme::HTTP {
            ":80"
        } else {
            ":443"
        };
        if let Some(without_port) = written.strip_suffix(default_port) {
            written = without_port.to_owned();
        }
        let authority = written.parse().map_err(|_| Self::EXPECTED.to_owned())?;
        Ok(Self { scheme, authority })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme, self.authority)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn accepts_origins_only() {
        for (given, written) in [
            ("https://api.example.com", "https://api.example.com"),
            ("https://API.example.com:443/", "https://api.example.com"),
            ("http://127.0.0.1:8402", "http://127.0.0.1:8402"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(given.parse::<PublicUrl>().unwrap().to_string(), written);
        }
        for wrong in [
            "",
            "api.example.com",
            "ftp://api.example.com",
            "https://",
            "https://api.example.com/v1",
            "https://api.example.com/?a",
            "https://user@api.example.com",
            "https://api.example.com/#a",
        ] {
            assert!(wrong.parse::<PublicUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_port_zero_is_replaced() {
        let open: PublicUrl = "http://127.0.0.1:0".parse().unwrap();
        assert_eq!(open.with_bound_port(7).to_string(), "http://127.0.0.1:7");
        let fixed: PublicUrl = "http://127.0.0.1:9".parse().unwrap();
        assert_eq!(fixed.with_bound_port(7).to_string(), "http://127.0.0.1:9");
    }
}
