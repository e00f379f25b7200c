//! `[chain.yellowstone]`: changes from a Yellowstone gRPC server.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::chain_urls::Sources;
use super::document::Section;
use super::error::ProblemKind;
use super::secret::{Environment, MAX_SECRET_BYTES, SecretUrl, secret_text};
use super::sections::ONE_MINUTE_MS;
use super::upstream::trusted_certificates;

/// A Yellowstone gRPC server. Usable in programs that were built with the cargo
/// feature `yellowstone` only (`Push::Yellowstone` does not exist otherwise).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YellowstoneConfig {
    /// The server: an `http` or `https` URL without a path.
    pub endpoint: SecretUrl,
    /// What the server wants to see as `x-token`, if anything.
    pub token: Option<AccessToken>,
    /// The only certificates that the server's may rest on; those of the system when
    /// not given.
    pub trusted_certificates: Option<Vec<CertificateDer<'static>>>,
    /// How long it may take until the subscription is answered.
    pub connect_timeout: Duration,
}

impl YellowstoneConfig {
    /// The defaults for a server.
    #[must_use]
    pub fn new(endpoint: SecretUrl) -> Self {
        Self {
            endpoint,
            token: None,
            trusted_certificates: None,
            connect_timeout: Duration::from_secs(10),
        }
    }
}

/// The token that opens a server. Not shown; wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(Zeroizing<String>);

impl AccessToken {
    /// Checks that `text` can be sent in a header: 1 to [`MAX_SECRET_BYTES`] visible
    /// ASCII characters.
    ///
    /// # Errors
    /// What was expected, without quoting the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fits = (1..=MAX_SECRET_BYTES).contains(&text.len());
        if !fits || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "expected a token of 1 to {MAX_SECRET_BYTES} visible ASCII characters"
            ));
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The token, for the code that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AccessToken([redacted])")
    }
}

/// Reads the section. Relative paths start at `folder`.
pub(super) fn yellowstone(
    section: Section<'_, '_>,
    folder: &Path,
    environment: &Environment<'_>,
) -> Option<YellowstoneConfig> {
    const ENDPOINT: &str = "endpoint";
    let sources = Sources {
        section: &section,
        folder,
        environment,
    };
    let endpoint = sources.url(ENDPOINT, SecretUrl::parse);
    if endpoint == Ok(None) {
        section.report(
            ProblemKind::MissingKey,
            ENDPOINT,
            "expected endpoint, endpoint_file or endpoint_env, but none is there",
        );
    }
    let endpoint = endpoint.ok().flatten();
    let unset = SecretUrl::unset();
    let mut config = YellowstoneConfig::new(endpoint.clone().unwrap_or(unset));
    if let Ok(Some(text)) = secret_text(&section, "x_token", folder, environment) {
        match AccessToken::parse(&text) {
            Ok(token) => config.token = Some(token),
            Err(message) => section.report(
                ProblemKind::SecretUnavailable,
                &sources.source("x_token"),
                message,
            ),
        }
    }
    config.trusted_certificates = trusted_certificates(&section, folder);
    section.set_milliseconds(
        "connect_timeout_ms",
        &mut config.connect_timeout,
        ONE_MINUTE_MS,
    );
    section.finish();
    endpoint.map(|_| config)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_token_is_not_shown_and_fits_into_a_header() {
        let token = AccessToken::parse("a-token-that-nobody-may-see").unwrap();
        assert_eq!(format!("{token:?}"), "AccessToken([redacted])");
        for wrong in ["", "two words", "line\nline", "täglich"] {
            let message = AccessToken::parse(wrong).unwrap_err();
            assert!(wrong.is_empty() || !message.contains(wrong), "{message}");
        }
    }
}
