//! Whom this service believes when it is the client of a TLS connection.

use std::io;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// TLS 1.2 and 1.3 towards servers whose certificates rest on `trusted`, or on those of
/// the system where none are given.
///
/// # Errors
/// When a trusted certificate is none, or the system's cannot be read.
pub(crate) fn client_tls(trusted: Option<&[CertificateDer<'static>]>) -> io::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let builder = match trusted {
        None => builder.with_native_roots()?,
        Some(certificates) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                roots.add(certificate.clone()).map_err(io::Error::other)?;
            }
            builder.with_root_certificates(roots)
        }
    };
    Ok(builder.with_no_client_auth())
}
