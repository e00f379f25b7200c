//! The tower layer.

use std::sync::Arc;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::Body;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Request, Response, Uri, header};
use tollgate_gate::headers::scrub_embedded_request;
use tollgate_gate::{CanonicalPath, GateError, RouteMatch};
use tower::{Layer, Service, ServiceExt};

use super::future::{ResponseFuture, complete};
use super::{PaidAccess, Shared};
use crate::admission::{Admission, Asked, Begun, Grant};
use crate::api;
use crate::error::ServiceError;
use crate::request_checks;
use crate::serve::ConnectionFacts;

/// Puts a gate in front of a service; made by [`super::Embedded::layer`].
#[derive(Clone, Debug)]
pub struct GateLayer {
    shared: Arc<Shared>,
}

impl GateLayer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated {
            shared: Arc::clone(&self.shared),
            inner,
        }
    }
}

/// A service behind a gate. It gets only what is free or paid for, with the
/// canonical path, without proofs, and with [`PaidAccess`] in the extensions.
#[derive(Clone, Debug)]
pub struct Gated<S> {
    shared: Arc<Shared>,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Gated<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let websocket = match examine(&request) {
            Ok(websocket) => websocket,
            Err(error) => return ResponseFuture::answered(error.into_response()),
        };
        if api::is_reserved(request.uri().path()) {
            let endpoints = self.shared.endpoints.clone();
            let request = request.map(Body::new);
            return ResponseFuture::waiting(async move {
                Ok(endpoints.oneshot(request).await.into_response())
            });
        }
        let asked = Asked {
            method: request.method(),
            raw_path: request.uri().path(),
            query: request.uri().query(),
            headers: request.headers(),
            websocket,
        };
        let waiting = match self.shared.app().begin(asked) {
            Begun::Waiting(waiting) => waiting,
            Begun::Decided(admission) => {
                return match prepare(&mut request, admission) {
                    Ok(grant) => ResponseFuture::passing(self.inner.call(request), grant),
                    Err(response) => ResponseFuture::answered(*response),
                };
            }
        };
        // The service that is ready is the one to use; the clone is for later.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let app = Arc::clone(self.shared.app());
        let query = request.uri().query().map(str::to_owned);
        ResponseFuture::waiting(async move {
            let admission = app.finish(*waiting, query.as_deref()).await;
            match prepare(&mut request, admission) {
                Ok(grant) => {
                    let response = inner.call(request).await?;
                    Ok(complete(grant.as_deref(), response))
                }
                Err(response) => Ok(*response),
            }
        })
    }
}

/// Refuses what two servers could read differently, as far as it can be seen
/// behind whichever server accepted the request. Says whether it is a WebSocket
/// handshake.
fn examine<B>(request: &Request<B>) -> Result<bool, ServiceError> {
    let facts = request.extensions().get::<ConnectionFacts>();
    request_checks::check(
        request.method(),
        request.uri(),
        request.version(),
        request.headers(),
        facts.is_some_and(|facts| facts.ambiguous_framing),
    )?;
    // Complete, or it would have been refused.
    Ok(request.headers().contains_key(header::UPGRADE))
}

/// Makes an admitted request what the handler may see, or gives the answer to one
/// that is kept out.
fn prepare<B>(
    request: &mut Request<B>,
    admission: Admission,
) -> Result<Option<Box<Grant>>, Box<Response<Body>>> {
    let (matched, grant) = match admission {
        Admission::Free(matched) => (matched, None),
        Admission::Granted(matched, grant) => (matched, Some(grant)),
        Admission::Answered(response) => return Err(Box::new(response)),
    };
    let RouteMatch { path, .. } = &matched;
    set_path(request, path).map_err(|error| Box::new(error.into_response()))?;
    scrub_embedded_request(request.headers_mut());
    match &grant {
        Some(grant) => {
            request.extensions_mut().insert(grant.access());
        }
        None => {
            request.extensions_mut().remove::<PaidAccess>();
        }
    }
    Ok(grant)
}

/// Hands on the path that was decided on.
fn set_path<B>(request: &mut Request<B>, path: &CanonicalPath) -> Result<(), ServiceError> {
    if request.uri().path() == path.as_str() {
        return Ok(());
    }
    let mut parts = request.uri().clone().into_parts();
    let text = match request.uri().query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path.as_str()),
    };
    parts.path_and_query = Some(text.map_err(|_| GateError::Internal)?);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| GateError::Internal)?;
    Ok(())
}
