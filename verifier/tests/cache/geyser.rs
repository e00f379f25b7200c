//! A server of Yellowstone's gRPC protocol on tonic's own server side. What it sends is
//! up to whoever starts it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use futures::stream::BoxStream;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::server::Grpc;
use tonic::{Request, Response, Status, Streaming};

#[path = "../../src/chain/feed/yellowstone/codec.rs"]
mod codec;
#[path = "../../src/chain/feed/yellowstone/wire.rs"]
#[allow(dead_code, reason = "the client needs more of it")]
pub mod wire;

use self::codec::Protobuf;
use self::wire::{
    AccountInfo, AccountUpdate, SlotUpdate, SubscribeRequest, SubscribeUpdate, Update,
};

/// The status of a slot that the node works on.
pub const PROCESSED: i32 = 0;

/// What is sent to one subscriber; its end is the end of the call.
pub type Updates = BoxStream<'static, Result<SubscribeUpdate, Status>>;

/// What a subscription is answered with, and what is asked of subscribers.
#[derive(Clone)]
pub struct Geyser {
    /// The `x-token` that subscribers have to show.
    pub token: Option<String>,
    pub subscribe: Arc<dyn Fn(SubscribeRequest) -> Updates + Send + Sync>,
    /// How many pings were answered.
    pub pongs: Arc<AtomicUsize>,
}

impl Geyser {
    /// Serves one connection to its end.
    pub async fn serve(self, io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let geyser = self.clone();
            async move { Ok::<_, Infallible>(geyser.answer(request).await) }
        });
        // How a connection ends is the peers' business.
        let _ = http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(io), service)
            .await;
    }

    async fn answer(self, request: hyper::Request<Incoming>) -> http::Response<tonic::body::Body> {
        if request.uri().path() != wire::SUBSCRIBE {
            return Status::unimplemented("there is only one method").into_http();
        }
        let subscribing = tower::service_fn(move |request| self.clone().subscribed(request));
        Grpc::new(Protobuf::<SubscribeUpdate, SubscribeRequest>::default())
            .streaming(subscribing, request)
            .await
    }

    async fn subscribed(
        self,
        request: Request<Streaming<SubscribeRequest>>,
    ) -> Result<Response<Updates>, Status> {
        let token = request.metadata().get("x-token");
        let shown = token.and_then(|token| token.to_str().ok());
        if self.token.is_some() && self.token.as_deref() != shown {
            return Err(Status::unauthenticated("No valid auth token"));
        }
        let mut requests = request.into_inner();
        let first = requests.message().await?;
        let first = first.ok_or(Status::invalid_argument("no subscription"))?;
        let pongs = self.pongs;
        tokio::spawn(async move {
            while let Ok(Some(request)) = requests.message().await {
                assert!(request.accounts.is_empty(), "only answers to pings follow");
                pongs.fetch_add(usize::from(request.ping.is_some()), Ordering::SeqCst);
            }
        });
        Ok(Response::new((self.subscribe)(first).boxed()))
    }
}

/// One update.
pub fn update(update: Update) -> SubscribeUpdate {
    SubscribeUpdate {
        update: Some(update),
    }
}

/// That a slot has a status.
pub fn slot(slot: u64, status: i32) -> SubscribeUpdate {
    update(Update::Slot(SlotUpdate { slot, status }))
}

/// The state of an account as of a slot: address, owner, data.
pub fn account(
    (address, owner, data): (&[u8], &[u8], &[u8]),
    slot: u64,
    write_version: u64,
) -> SubscribeUpdate {
    update(Update::Account(AccountUpdate {
        account: Some(AccountInfo {
            pubkey: address.to_vec(),
            lamports: 1_000_000,
            owner: owner.to_vec(),
            data: data.to_vec(),
            write_version,
        }),
        slot,
        is_startup: false,
    }))
}
