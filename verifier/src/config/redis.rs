//! `[redis]`: a server that several verifiers share.

use std::fmt;
use std::path::Path;

use redis::IntoConnectionInfo;
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::document::Section;
use super::error::ProblemKind;
use super::secret::{Environment, parsed_secret};
use super::upstream::trusted_certificates;

const TLS: &str = "rediss://";
const PLAIN: &str = "redis://";

/// What a URL of a server looks like.
const EXPECTED: &str = "a URL such as rediss://user@host:6379/0";

/// A Redis server, and how to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisConfig {
    /// Where it is.
    pub url: RedisUrl,
    /// Stands in for a password in the URL.
    pub password: Option<RedisPassword>,
    /// The only certificates that the server's may rest on; those of the system when
    /// not given. For `rediss://`.
    pub trusted_certificates: Option<Vec<CertificateDer<'static>>>,
}

impl RedisConfig {
    /// The server at a URL.
    #[must_use]
    pub fn new(url: RedisUrl) -> Self {
        Self {
            url,
            password: None,
            trusted_certificates: None,
        }
    }
}

/// The URL of a Redis server, which may carry a password. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(Zeroizing<String>);

impl RedisUrl {
    /// Checks that `text` is the URL of a Redis server: `rediss://` with TLS,
    /// `redis://` without.
    ///
    /// # Errors
    /// What was expected, without quoting the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Self(Zeroizing::new(text.to_owned()));
        let known = text.starts_with(PLAIN) || text.starts_with(TLS);
        // What follows # would be switches; one of them turns the certificate off.
        if known && !text.contains('#') && url.without_tls().as_str().into_connection_info().is_ok()
        {
            Ok(url)
        } else {
            Err(format!("expected {EXPECTED}"))
        }
    }

    /// Whether TLS is spoken.
    pub(crate) fn is_tls(&self) -> bool {
        self.0.starts_with(TLS)
    }

    /// The URL of the same server without TLS: for whoever reads the rest of it.
    pub(crate) fn without_tls(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.replacen(TLS, PLAIN, 1))
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RedisUrl([redacted])")
    }
}

/// The password of a Redis server. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisPassword(Zeroizing<String>);

impl RedisPassword {
    /// A password.
    ///
    /// # Errors
    /// When it is empty.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("expected a password, found nothing".to_owned());
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RedisPassword {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RedisPassword([redacted])")
    }
}

/// The server, for a section that wants to use it.
///
/// # Errors
/// What was expected, when there is none.
pub(super) fn referred(redis: Option<&RedisConfig>) -> Result<RedisConfig, String> {
    redis
        .cloned()
        .ok_or_else(|| "expected a section [redis] that names the server".to_owned())
}

/// Reads the section. Relative paths start at `folder`.
pub(super) fn redis(
    section: Section<'_, '_>,
    folder: &Path,
    environment: &Environment<'_>,
) -> Option<RedisConfig> {
    let plain = section.optional("url", EXPECTED, RedisUrl::parse);
    let secret = parsed_secret(&section, "url", folder, environment, RedisUrl::parse);
    let ways = [
        section.has("url"),
        section.has("url_file") || section.has("url_env"),
    ];
    if ways.iter().filter(|way| **way).count() != 1 {
        section.report(
            ProblemKind::Conflict,
            "url",
            "expected exactly one of url, url_file and url_env",
        );
    }
    let password = parsed_secret(
        &section,
        "password",
        folder,
        environment,
        RedisPassword::parse,
    );
    let trusted_certificates = trusted_certificates(&section, folder);
    let url = plain.or(secret?);
    if section.has("ca_file") && url.as_ref().is_some_and(|url| !url.is_tls()) {
        section.report(
            ProblemKind::Conflict,
            "ca_file",
            "expected a rediss:// URL beside it",
        );
    }
    section.finish();
    Some(RedisConfig {
        url: url?,
        password: password?,
        trusted_certificates,
    })
}
