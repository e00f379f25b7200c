//! `[upstream]`: the server behind.

use std::path::Path;
use std::str::FromStr;

use http::Uri;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::document::Section;
use super::sections::{ONE_HOUR_MS, ONE_MINUTE_MS};
use super::{PublicUrl, UpstreamConfig};

pub(super) fn upstream(section: Section<'_, '_>, folder: &Path) -> Option<UpstreamConfig> {
    let url: Option<Uri> = section.parsed("url", "a URL", |text| {
        // The same shape as the public URL: requests keep their own path.
        PublicUrl::from_str(text)
            .and_then(|url| {
                url.to_string()
                    .parse()
                    .map_err(|_| PublicUrl::EXPECTED.to_owned())
            })
            .map_err(|message| format!("{message}, found {text:?}"))
    });
    let mut config = UpstreamConfig::new(url.clone().unwrap_or_default());
    section.set_milliseconds(
        "connect_timeout_ms",
        &mut config.connect_timeout,
        ONE_MINUTE_MS,
    );
    section.set_milliseconds(
        "response_timeout_ms",
        &mut config.response_timeout,
        ONE_HOUR_MS,
    );
    section.set_milliseconds("idle_timeout_ms", &mut config.idle_timeout, ONE_HOUR_MS);
    section.set_milliseconds(
        "websocket_idle_timeout_ms",
        &mut config.websocket_idle_timeout,
        24 * ONE_HOUR_MS,
    );
    section.set_boolean("forward_cookies", &mut config.forward_cookies);
    config.trusted_certificates = section.optional("ca_file", "a path", |name| {
        certificates(&folder.join(name)).map_err(|message| format!("{message} in {name:?}"))
    });
    section.finish();
    url.map(|_| config)
}

/// The certificates of a PEM file.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let expected = |error| format!("expected certificates in PEM ({error})");
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| expected(error.to_string()))?;
    if found.is_empty() {
        return Err(expected("there are none".to_owned()));
    }
    Ok(found)
}
