//! One HTTP/2 connection to a Yellowstone server and the subscription on it.

use futures::stream::poll_fn;
use http::Uri;
use http::uri::PathAndQuery;
use hyper::client::conn::http2;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::mpsc;
use tonic::client::Grpc;
use tonic::metadata::AsciiMetadataValue;
use tonic::{Code, Request, Status, Streaming};
use tower::ServiceExt;

use super::codec::Protobuf;
use super::wire::{Ping, SUBSCRIBE, SubscribeRequest, SubscribeUpdate};
use crate::chain::feed::{FeedEnd, Task};
use crate::config::YellowstoneConfig;
use crate::trust;

/// The most bytes of a message; an update has about one thousand.
const MAX_MESSAGE: usize = 64 * 1024;

/// How much the server may send ahead of us.
const WINDOW: u32 = 1 << 20;

/// Answers to pings that may wait. More are not needed: each says the same.
const WAITING_REQUESTS: usize = 4;

/// Which header carries the access token.
const TOKEN: &str = "x-token";

/// An open subscription. Ends with its owner.
pub(super) struct Connection {
    updates: Streaming<SubscribeUpdate>,
    requests: mpsc::Sender<SubscribeRequest>,
    _driver: Task,
}

impl Connection {
    /// Connects and sends `subscription`. Not bounded in time.
    pub(super) async fn open(
        place: &YellowstoneConfig,
        subscription: SubscribeRequest,
    ) -> Result<Self, FeedEnd> {
        let uri: Uri = place
            .endpoint
            .expose()
            .parse()
            .map_err(|_| FeedEnd::Unreachable)?;
        let stream = connector(place)
            .map_err(|_| FeedEnd::Unreachable)?
            .oneshot(uri.clone())
            .await
            .map_err(|_| FeedEnd::Unreachable)?;
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .handshake(stream)
            .await
            .map_err(|_| FeedEnd::Unreachable)?;
        let driver = Task(tokio::spawn(async move {
            // Its end is the end of the updates.
            let _ = connection.await;
        }));
        let service = tower::service_fn(move |request| {
            let mut sender = sender.clone();
            async move {
                sender.ready().await?;
                sender.send_request(request).await
            }
        });
        let (requests, mut waiting) = mpsc::channel(WAITING_REQUESTS);
        requests
            .try_send(subscription)
            .map_err(|_| FeedEnd::Closed)?;
        let mut request = Request::new(poll_fn(move |context| waiting.poll_recv(context)));
        if let Some(token) = &place.token {
            let mut value: AsciiMetadataValue =
                token.expose().parse().map_err(|_| FeedEnd::Refused)?;
            value.set_sensitive(true);
            request.metadata_mut().insert(TOKEN, value);
        }
        let mut grpc =
            Grpc::with_origin(service, origin(&uri)?).max_decoding_message_size(MAX_MESSAGE);
        let updates = grpc
            .streaming(
                request,
                PathAndQuery::from_static(SUBSCRIBE),
                Protobuf::<SubscribeRequest, SubscribeUpdate>::default(),
            )
            .await
            .map_err(|status| end(&status))?
            .into_inner();
        Ok(Self {
            updates,
            requests,
            _driver: driver,
        })
    }

    /// The next update.
    pub(super) async fn next(&mut self) -> Result<SubscribeUpdate, FeedEnd> {
        let next = self.updates.message().await;
        next.map_err(|status| end(&status))?.ok_or(FeedEnd::Closed)
    }

    /// Answers a ping. Never waits: a server that does not read is not answered.
    pub(super) fn pong(&self) {
        let _ = self.requests.try_send(SubscribeRequest {
            ping: Some(Ping { id: 1 }),
            ..SubscribeRequest::default()
        });
    }
}

/// Scheme and authority, without user information: what comes before the method.
fn origin(uri: &Uri) -> Result<Uri, FeedEnd> {
    let authority = uri.authority().ok_or(FeedEnd::Unreachable)?.as_str();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    Uri::builder()
        .scheme(uri.scheme_str().unwrap_or("http"))
        .authority(host)
        .path_and_query("/")
        .build()
        .map_err(|_| FeedEnd::Unreachable)
}

/// TLS where the URL says so, and HTTP/2 without asking for another.
fn connector(place: &YellowstoneConfig) -> std::io::Result<HttpsConnector<HttpConnector>> {
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    http.enforce_http(false);
    let tls = place.endpoint.expose().starts_with("https:");
    let mut config = match &place.trusted_certificates {
        None if tls => trust::system()?,
        trusted => trust::only(trusted.as_deref().unwrap_or_default())?,
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(HttpsConnector::from((http, config)))
}

fn end(status: &Status) -> FeedEnd {
    match status.code() {
        Code::Unauthenticated
        | Code::PermissionDenied
        | Code::InvalidArgument
        | Code::Unimplemented
        | Code::ResourceExhausted
        | Code::FailedPrecondition => FeedEnd::Refused,
        Code::OutOfRange => FeedEnd::Untrusted("a message is too large"),
        Code::DataLoss => FeedEnd::Untrusted("not the messages of this protocol"),
        _ => FeedEnd::Closed,
    }
}
