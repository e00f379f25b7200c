//! `[upstream]`: the server behind.

use std::path::Path;
use std::str::FromStr;

use http::Uri;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::document::Section;
use super::sections::{ONE_HOUR_MS, ONE_MINUTE_MS};
use super::{PublicUrl, UpstreamConfig, UpstreamProtocol};

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
    const PROTOCOL: &str = "\"http1\" or \"http2\"";
    let protocol = section.optional("protocol", PROTOCOL, |text| match text {
        "http1" => Ok(UpstreamProtocol::Http1),
        "http2" => Ok(UpstreamProtocol::Http2),
        _ => Err(format!("expected {PROTOCOL}, found {text:?}")),
    });
    config.protocol = protocol.unwrap_or_default();
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
    config.trusted_certificates = trusted_certificates(&section, folder);
    section.finish();
    url.map(|_| config)
}

/// The certificates of the section's `ca_file`, if it names one: a path from `folder` on.
pub(super) fn trusted_certificates(
    section: &Section<'_, '_>,
    folder: &Path,
) -> Option<Vec<CertificateDer<'static>>> {
    section.optional("ca_file", "a path", |name| {
        certificates(&folder.join(name))
            .inspect(|found| found.iter().for_each(|one| section.note_file(one)))
            .map_err(|message| format!("{message} in {name:?}"))
    })
}

/// The certificates of a PEM file.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let expected = |error| format!("expected certificates in PEM ({error})");
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| expected(error.to_string()))?;
    if found.is_empty() {
        return Err(expected("there are none".to_owned()));
    }
    Ok(found)
}
