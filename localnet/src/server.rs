//! The sockets: HTTP and WebSocket on loopback.

use crate::{
    LocalnetError,
    connections::Connections,
    faults::{Faults, FaultyService},
    rpc::Rpc,
};
use http::{Method, Request, Response};
use hyper::body::Incoming;
use jsonrpsee::{
    RpcModule,
    core::{middleware::RpcServiceBuilder, traits::IdProvider},
    server::{
        BatchRequestConfig, HttpBody, Methods, ServerBuilder, ServerConfig, ServerHandle,
        StopHandle, serve_with_graceful_shutdown, stop_channel,
    },
    types::SubscriptionId,
};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tower::Service;
use tower_http::cors::{Any, CorsLayer};

/// The largest request body, in bytes; a cluster's node takes 50 KiB.
const MAX_REQUEST_BYTES: u32 = 50 * 1_024;
/// The largest response, in bytes: a hundred accounts of a megabyte would be more.
const MAX_RESPONSE_BYTES: u32 = 64 * 1_024 * 1_024;
/// The most calls in one batch.
const MAX_BATCH: u32 = 128;
/// How many messages may wait for a WebSocket client before it is cut off.
const MAX_WAITING_MESSAGES: u32 = 4_096;

/// What the server is limited to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) subscriptions_per_connection: u32,
}

/// A server on two ports; both speak HTTP and WebSocket.
pub(crate) struct Server {
    pub(crate) rpc: SocketAddr,
    pub(crate) websocket: SocketAddr,
    connections: Arc<Connections>,
    stop: ServerHandle,
    accepting: Vec<JoinHandle<()>>,
}

impl Server {
    /// Listens on 127.0.0.1 at `port` and the one after it, or on two free ones for port 0.
    pub(crate) async fn start(
        port: u16,
        limits: Limits,
        module: RpcModule<Rpc>,
        faults: Faults,
        connections: Arc<Connections>,
    ) -> Result<Self, LocalnetError> {
        let websocket_port = match port {
            0 => 0,
            _ => port.checked_add(1).ok_or(LocalnetError::Settings(
                "there is no port after 65535 for the WebSocket",
            ))?,
        };
        let rpc_listener = listen(port).await?;
        let websocket_listener = listen(websocket_port).await?;
        let address = |listener: &TcpListener| {
            listener
                .local_addr()
                .map_err(|source| LocalnetError::Listen { port, source })
        };
        let (rpc, websocket) = (address(&rpc_listener)?, address(&websocket_listener)?);
        let (stop_handle, stop) = stop_channel();
        let acceptor = Acceptor {
            methods: module.into(),
            config: config(limits, SubscriptionIds::default()),
            faults,
            connections: Arc::clone(&connections),
            stop: stop_handle,
        };
        let accepting = vec![
            tokio::spawn(acceptor.clone().run(rpc_listener)),
            tokio::spawn(acceptor.run(websocket_listener)),
        ];
        Ok(Self {
            rpc,
            websocket,
            connections,
            stop,
            accepting,
        })
    }

    /// Stops listening and ends all connections.
    pub(crate) async fn stop(&mut self) {
        self.stop_now();
        for accepting in self.accepting.drain(..) {
            // It is cancelled; that is the only way it ends.
            let _ = accepting.await;
        }
        // One may have been accepted in between.
        self.connections.cut_all();
    }

    /// The same, without waiting until the ports are free.
    pub(crate) fn stop_now(&self) {
        for accepting in &self.accepting {
            accepting.abort();
        }
        // An error means that nobody listens to it any more.
        let _ = self.stop.stop();
        self.connections.cut_all();
    }
}

async fn listen(port: u16) -> Result<TcpListener, LocalnetError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|source| LocalnetError::Listen { port, source })
}

/// Subscription ids in the order of the subscriptions, like a cluster's: JavaScript reads them
/// as numbers.
#[derive(Debug, Clone, Default)]
struct SubscriptionIds(Arc<AtomicU64>);

impl IdProvider for SubscriptionIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        SubscriptionId::Num(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

fn config(limits: Limits, ids: SubscriptionIds) -> ServerConfig {
    ServerConfig::builder()
        .max_request_body_size(MAX_REQUEST_BYTES)
        .max_response_body_size(MAX_RESPONSE_BYTES)
        // Connections are counted where they are accepted.
        .max_connections(u32::MAX)
        .max_subscriptions_per_connection(limits.subscriptions_per_connection)
        .set_batch_request_config(BatchRequestConfig::Limit(MAX_BATCH))
        .set_message_buffer_capacity(MAX_WAITING_MESSAGES)
        .set_id_provider(ids)
        .build()
}

/// Accepts the connections of one port.
#[derive(Clone)]
struct Acceptor {
    methods: Methods,
    config: ServerConfig,
    faults: Faults,
    connections: Arc<Connections>,
    stop: StopHandle,
}

impl Acceptor {
    async fn run(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) if !self.faults.refuses_connections() => {
                    if let Err(error) = self.serve(stream) {
                        tracing::debug!(%error, "a connection was not accepted");
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    // Out of file descriptors: trying again at once would only burn the processor.
                    tracing::warn!(%error, "cannot accept connections");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let stream = stream.into_std()?;
        let Some(connection) = self.connections.add(stream.try_clone()?) else {
            return Err(io::Error::other("too many connections"));
        };
        // It may have been accepted just before the fault began, and too late to be cut by it.
        if self.faults.refuses_connections() {
            connection.cut();
            return Ok(());
        }
        let stream = TcpStream::from_std(stream)?;
        let faults = self.faults.clone();
        let builder = ServerBuilder::with_config(self.config.clone())
            .set_rpc_middleware(RpcServiceBuilder::new().layer_fn({
                let faults = faults.clone();
                move |inner| FaultyService {
                    inner,
                    faults: faults.clone(),
                }
            }))
            .set_http_middleware(tower::ServiceBuilder::new().layer(browsers_welcome()))
            .to_service_builder();
        let (methods, stop) = (self.methods.clone(), self.stop.clone());
        let service = tower::service_fn(move |mut request: Request<Incoming>| {
            let health = (request.method() == Method::GET && request.uri().path() == "/health")
                .then(|| faults.health());
            request.extensions_mut().insert(Arc::clone(&connection));
            let mut service = builder.clone().build(methods.clone(), stop.clone());
            async move {
                match health {
                    Some(word) => Ok(Response::new(HttpBody::from(word))),
                    // A named error type: the compiler cannot follow the boxed one through the task.
                    None => service.call(request).await.map_err(io::Error::other),
                }
            }
        });
        let stopped = self.stop.clone().shutdown();
        tokio::spawn(async move {
            if let Err(error) = serve_with_graceful_shutdown(stream, service, stopped).await {
                tracing::debug!(%error, "a connection ended with an error");
            }
        });
        Ok(())
    }
}

/// Pages of any origin may call the local chain, as they may call a test validator.
fn browsers_welcome() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::POST, Method::GET])
        // The JavaScript clients send a header of their own ("solana-client").
        .allow_headers(Any)
        .max_age(Duration::from_secs(86_400))
}
