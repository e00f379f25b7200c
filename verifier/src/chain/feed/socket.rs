//! The feed's WebSocket.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use http::{Uri, header};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tower::ServiceExt;

use super::FeedEnd;
use crate::chain::rpc::{authorization, connector};
use crate::config::SecretUrl;

/// The most bytes of a message; a notice has about one thousand.
const MAX_MESSAGE: usize = 64 * 1024;

/// How long connecting and the handshake may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

type Stream = TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>;

/// An open WebSocket. Nothing of it is buffered beyond one message: who reads slowly
/// is slowed down by the connection itself, or cut off by the server.
pub(super) struct Socket(WebSocketStream<Stream>);

impl Socket {
    /// Connects to a `ws` or `wss` URL.
    pub(super) async fn open(url: &SecretUrl) -> Result<Self, FeedEnd> {
        timeout(CONNECT_TIMEOUT, Self::connect(url))
            .await
            .unwrap_or(Err(FeedEnd::Unreachable))
    }

    async fn connect(url: &SecretUrl) -> Result<Self, FeedEnd> {
        let uri: Uri = url.expose().parse().map_err(|_| FeedEnd::Unreachable)?;
        let tls = uri.scheme_str() == Some("wss");
        // The connector knows the schemes of HTTP, and no user information.
        let host = uri.host().ok_or(FeedEnd::Unreachable)?;
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let scheme = if tls { "https" } else { "http" };
        let peer: Uri = format!("{scheme}://{host}:{port}/")
            .parse()
            .map_err(|_| FeedEnd::Unreachable)?;
        let stream = connector(tls)
            .map_err(|_| FeedEnd::Unreachable)?
            .oneshot(peer)
            .await
            .map_err(|_| FeedEnd::Unreachable)?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let scheme = if tls { "wss" } else { "ws" };
        let mut request = format!("{scheme}://{host}:{port}{path}")
            .into_client_request()
            .map_err(|_| FeedEnd::Unreachable)?;
        if let Some(value) = authorization(&uri) {
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let (socket, _) = client_async_with_config(request, TokioIo::new(stream), Some(config))
            .await
            .map_err(|_| FeedEnd::Unreachable)?;
        Ok(Self(socket))
    }

    pub(super) async fn send(&mut self, text: String) -> Result<(), FeedEnd> {
        self.0
            .send(Message::text(text))
            .await
            .map_err(|_| FeedEnd::Closed)
    }

    /// The next message with content. Pings are answered on the way.
    pub(super) async fn next(&mut self) -> Result<Bytes, FeedEnd> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.into()),
                Some(Ok(Message::Binary(bytes))) => return Ok(bytes),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(FeedEnd::Closed),
                Some(Ok(_)) => {}
            }
        }
    }
}
