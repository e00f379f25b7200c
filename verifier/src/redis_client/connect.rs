//! Where a server is, and the way there: TCP, and TLS if its URL says so.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo,
};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::ConnectError;
use crate::config::RedisConfig;
use crate::foundation::Task;
use crate::trust;

/// Why settings are those of no server. Quotes no URL.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    /// The URL.
    #[error("expected a redis:// or rediss:// URL of a Redis server")]
    Url,
    /// What TLS needs.
    #[error("TLS cannot be spoken: {0}")]
    Tls(#[from] std::io::Error),
}

/// Where a server is, and how to log in there.
pub(super) struct Endpoint {
    host: String,
    port: u16,
    login: RedisConnectionInfo,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Endpoint {
    pub(super) fn new(config: &RedisConfig) -> Result<Self, Unusable> {
        let information: ConnectionInfo = config
            .url
            .without_tls()
            .as_str()
            .into_connection_info()
            .map_err(|_| Unusable::Url)?;
        let ConnectionAddr::Tcp(host, port) = information.addr().clone() else {
            return Err(Unusable::Url);
        };
        let mut login = information.redis_settings().clone();
        if let Some(password) = &config.password {
            login = login.set_password(password.expose());
        }
        let tls = if config.url.is_tls() {
            let name = ServerName::try_from(host.clone()).map_err(|_| Unusable::Url)?;
            let settings = match &config.trusted_certificates {
                None => trust::system()?,
                Some(certificates) => trust::only(certificates)?,
            };
            Some((TlsConnector::from(Arc::new(settings)), name))
        } else {
            None
        };
        Ok(Self {
            host,
            port,
            login,
            tls,
        })
    }

    /// A new connection, logged in. To be bounded in time by the caller.
    pub(super) async fn connect(&self) -> Result<Connected, ConnectError> {
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await?;
        socket.set_nodelay(true)?;
        match &self.tls {
            None => self.login(socket).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), socket).await?;
                self.login(stream).await
            }
        }
    }

    async fn login(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<Connected, ConnectError> {
        // Whoever asks bounds the time.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (connection, work) =
            MultiplexedConnection::new_with_config(&self.login, stream, config).await?;
        Ok(Connected {
            connection,
            _work: Task(tokio::spawn(work)),
        })
    }
}

/// A connection with the task that moves its bytes; both end with it.
pub(super) struct Connected {
    connection: MultiplexedConnection,
    _work: Task<()>,
}

impl Connected {
    /// A handle for one question.
    pub(super) fn connection(&self) -> MultiplexedConnection {
        self.connection.clone()
    }
}
