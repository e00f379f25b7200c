//! Whom outgoing TLS connections trust.

use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

/// TLS 1.2 and 1.3 towards servers whose certificates rest on one of `certificates`
/// and on nothing else; no certificate of our own is shown.
///
/// # Errors
/// When one of them is no certificate.
pub(crate) fn only(certificates: &[CertificateDer<'static>]) -> std::io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots
            .add(certificate.clone())
            .map_err(std::io::Error::other)?;
    }
    Ok(builder()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// The same towards servers whose certificates the system trusts.
///
/// # Errors
/// When the system's certificates cannot be read.
pub(crate) fn system() -> std::io::Result<ClientConfig> {
    Ok(builder()?.with_native_roots()?.with_no_client_auth())
}

fn builder() -> std::io::Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)
}
