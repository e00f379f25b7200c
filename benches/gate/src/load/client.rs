//! One kept-alive HTTP/1.1 connection.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::serve::PATH;

/// A connection.
pub(crate) struct Client {
    sender: SendRequest<Empty<Bytes>>,
    host: http::HeaderValue,
}

impl Client {
    /// Connects.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("it listens");
        stream.set_nodelay(true).expect("a TCP socket");
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .expect("a connection");
        tokio::spawn(connection);
        Self {
            sender,
            host: address.to_string().parse().expect("a header value"),
        }
    }

    /// Asks for the resource and reads the answer to its end.
    pub(crate) async fn get(&mut self, headers: HeaderMap) -> Response<Bytes> {
        let mut request = Request::get(PATH).body(Empty::new()).expect("a request");
        *request.headers_mut() = headers;
        request.headers_mut().insert(HOST, self.host.clone());
        self.sender.ready().await.expect("the connection is kept");
        let response = self.sender.send_request(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole answer").to_bytes();
        Response::from_parts(head, body)
    }

    /// The status of the answer.
    pub(crate) async fn status(&mut self, headers: HeaderMap) -> StatusCode {
        self.get(headers).await.status()
    }
}
