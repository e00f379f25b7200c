//! `[server.tls]`: the certificate and its key.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::document::Section;
use super::error::ProblemKind;

/// The largest PEM file, in bytes; a chain of certificates has a few KiB.
const MAX_PEM_BYTES: u64 = 1 << 20;

/// The protocols offered (RFC 7301), the preferred first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A certificate chain with its key, ready to serve. TLS 1.2 and 1.3.
#[derive(Clone)]
pub struct TlsConfig(Arc<ServerConfig>);

impl TlsConfig {
    /// From PEM: the certificate first, then those that lead to its root; and the
    /// certificate's private key (PKCS #8, PKCS #1 or SEC 1).
    ///
    /// # Errors
    /// What was expected, and whether it concerns the certificate or the key.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, TlsProblem> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| TlsProblem::Certificate(format!("expected PEM: {error}")))?;
        if chain.is_empty() {
            return Err(TlsProblem::Certificate(
                "expected at least one CERTIFICATE in PEM".to_owned(),
            ));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
            // The parser's words could quote the file.
            TlsProblem::Key("expected one PRIVATE KEY in PEM".to_owned())
        })?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsProblem::Certificate(format!("expected TLS: {error}")))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| {
                TlsProblem::Key(format!("expected the certificate's own key: {error}"))
            })?;
        config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TlsConfig([redacted])")
    }
}

/// What is wrong with a certificate and its key. Quotes neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsProblem {
    /// The certificate.
    #[error("{0}")]
    Certificate(String),
    /// The key.
    #[error("{0}")]
    Key(String),
}

pub(super) fn tls(section: Section<'_, '_>, folder: &Path) -> Option<TlsConfig> {
    let certificate = pem(&section, "certificate", folder);
    let key = pem(&section, "key", folder);
    let made = certificate
        .zip(key)
        .map(|(certificate, key)| TlsConfig::from_pem(&certificate, &key));
    let config = match made {
        Some(Ok(config)) => Some(config),
        Some(Err(TlsProblem::Certificate(message))) => {
            section.report(ProblemKind::InvalidValue, "certificate", message);
            None
        }
        Some(Err(TlsProblem::Key(message))) => {
            section.report(ProblemKind::SecretUnavailable, "key", message);
            None
        }
        None => None,
    };
    section.finish();
    config
}

fn pem(section: &Section<'_, '_>, key: &str, folder: &Path) -> Option<Zeroizing<Vec<u8>>> {
    let path = section.parsed(key, "a PEM file's path", |path| Ok(path.to_owned()))?;
    let path = folder.join(path);
    let shown = path.display();
    let read = std::fs::metadata(&path).and_then(|metadata| {
        if metadata.len() > MAX_PEM_BYTES {
            return Err(std::io::Error::other("it is too large to be PEM"));
        }
        std::fs::read(&path).map(Zeroizing::new)
    });
    match read {
        Ok(bytes) => {
            section.note_file(&bytes);
            Some(bytes)
        }
        Err(error) => {
            section.report(
                ProblemKind::SecretUnavailable,
                key,
                format!("expected a readable file {shown}: {error}"),
            );
            None
        }
    }
}
