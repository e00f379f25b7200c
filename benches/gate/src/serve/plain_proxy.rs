//! The least that a reverse proxy can do: hyper on both sides, bodies streamed, and
//! the connection's own header removed.

use std::convert::Infallible;
use std::net::SocketAddr;

use http::header::{CONNECTION, HOST};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpListener;

type Upstream = Client<HttpConnector, Incoming>;

/// Forwards everything to `upstream`.
pub(super) fn start(listener: TcpListener, upstream: SocketAddr) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Upstream = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(connector);
    let authority: Authority = upstream.to_string().parse().expect("an authority");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let client = client.clone();
            let authority = authority.clone();
            let service =
                service_fn(move |request| forward(client.clone(), authority.clone(), request));
            tokio::spawn(
                http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
}

async fn forward(
    client: Upstream,
    authority: Authority,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>, Infallible> {
    let path = request
        .uri()
        .path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    let host = HeaderValue::from_str(authority.as_str()).expect("an authority");
    *request.uri_mut() = Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(authority)
        .path_and_query(path)
        .build()
        .expect("a URI");
    request.headers_mut().remove(CONNECTION);
    request.headers_mut().insert(HOST, host);
    Ok(client.request(request).await.expect("the upstream answers"))
}
