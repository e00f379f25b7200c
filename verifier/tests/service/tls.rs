//! TLS by the verifier itself, with a real client and a certificate made here.

use std::net::SocketAddr;
use std::sync::Arc;

use http::Version;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tollgate_verifier::config::{Config, TlsConfig};

use super::support::admin::{series, with_admin};
use super::support::eventually;

/// A self-made certificate for `localhost`, in PEM, and its key.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

fn tls(made: &(String, String)) -> TlsConfig {
    TlsConfig::from_pem(made.0.as_bytes(), made.1.as_bytes()).unwrap()
}

/// A client that trusts this certificate and nothing else.
fn trusting(certificate: &str, address: SocketAddr) -> reqwest::Client {
    reqwest::Client::builder()
        .tls_built_in_root_certs(false)
        .add_root_certificate(reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap())
        .resolve("localhost", address)
        .pool_max_idle_per_host(0)
        .build()
        .unwrap()
}

fn url(address: SocketAddr, path: &str) -> String {
    format!("https://localhost:{}{path}", address.port())
}

/// Which protocol is agreed on, and the certificate that is shown.
async fn handshake(
    address: SocketAddr,
    certificate: &str,
    protocols: &[&str],
) -> (Vec<u8>, Vec<u8>) {
    let mut roots = rustls::RootCertStore::empty();
    let der = rustls::pki_types::CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    roots.add(der).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let connector = TlsConnector::from(Arc::new(config));
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = connector.connect(name, socket).await.unwrap();
    let (_, session) = stream.get_ref();
    (
        session.alpn_protocol().unwrap_or_default().to_vec(),
        session.peer_certificates().unwrap()[0].to_vec(),
    )
}

#[tokio::test]
async fn http_1_and_http_2_are_served_over_tls() {
    let made = certificate();
    let stage = with_admin(|config| config.server.tls = Some(tls(&made))).await;
    let address = stage.address();
    for (offered, agreed) in [
        (&["h2", "http/1.1"][..], "h2"),
        (&["http/1.1"][..], "http/1.1"),
        (&[][..], ""),
    ] {
        let (protocol, _) = handshake(address, &made.0, offered).await;
        assert_eq!(protocol, agreed.as_bytes(), "{offered:?}");
    }
    let http = trusting(&made.0, address);
    let over_1 = http.get(url(address, "/free/x")).send().await.unwrap();
    assert_eq!(
        (over_1.status().as_u16(), over_1.version()),
        (200, Version::HTTP_11)
    );
    let paid = http
        .get(url(address, "/v1/quote/SOL"))
        .send()
        .await
        .unwrap();
    assert_eq!(paid.status(), 402);
    // Whoever speaks plain HTTP to it is let go, and counted.
    let mut plain = TcpStream::connect(address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut plain, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/"));
    let failed = "tollgate_tls_handshakes_failed_total";
    eventually(async || series(&stage, failed).await >= 1.0).await;
}

/// The protocol agreed on is also the one that is spoken.
#[tokio::test]
async fn requests_over_http_2_are_answered() {
    let made = certificate();
    let stage = with_admin(|config| config.server.tls = Some(tls(&made))).await;
    let address = stage.address();
    let mut roots = rustls::RootCertStore::empty();
    let der = rustls::pki_types::CertificateDer::from_pem_slice(made.0.as_bytes()).unwrap();
    roots.add(der).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await
        .unwrap();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(
        hyper_util::rt::TokioExecutor::new(),
        hyper_util::rt::TokioIo::new(stream),
    )
    .await
    .unwrap();
    let driver = tokio::spawn(connection);
    for path in ["/free/x", "/v1/quote/SOL"] {
        let request = http::Request::get(url(address, path))
            .body(axum::body::Body::empty())
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.version(), Version::HTTP_2);
        let expected = if path == "/free/x" { 200 } else { 402 };
        assert_eq!(response.status(), expected);
    }
    driver.abort();
}

/// A new certificate is shown to new connections; old connections go on.
#[tokio::test]
async fn certificates_are_exchanged_by_a_reload() {
    let (old, new) = (certificate(), certificate());
    let mut base: Option<Config> = None;
    let stage = with_admin(|config| {
        config.server.tls = Some(tls(&old));
        base = Some(config.clone());
    })
    .await;
    let address = stage.address();
    let (_, shown) = handshake(address, &old.0, &[]).await;
    let mut wanted = base.unwrap();
    wanted.server.tls = Some(tls(&new));
    stage.verifier.reload(wanted.clone()).await.unwrap();
    let (_, shown_now) = handshake(address, &new.0, &[]).await;
    assert_ne!(shown, shown_now);
    let http = trusting(&new.0, address);
    let answer = http.get(url(address, "/free/x")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    // TLS itself cannot be switched off under a running listener.
    wanted.server.tls = None;
    let error = stage.verifier.reload(wanted).await.unwrap_err();
    assert_eq!(error.code(), "reload_needs_restart");
}

#[test]
fn a_key_that_does_not_fit_is_refused_and_not_shown() {
    let (one, other) = (certificate(), certificate());
    let refused = |certificate: &str, key: &str| {
        let error = TlsConfig::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(!error.to_string().contains("MII"), "{error}");
        error.to_string()
    };
    assert!(refused(&one.0, &other.1).contains("own key"));
    assert!(refused("nothing", &one.1).contains("CERTIFICATE"));
    assert!(refused(&one.0, &one.0).contains("PRIVATE KEY"));
}
