//! The answer of a gated service, without an allocation on the hot path.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::BoxError;
use axum::body::Body;
use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;
use tollgate_gate::headers::scrub_embedded_response;

use crate::admission::Grant;

type Boxed<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

pin_project! {
    /// The future of [`super::Gated`].
    pub struct ResponseFuture<F, E> {
        #[pin]
        state: State<F, E>,
    }
}

pin_project! {
    #[project = Projected]
    enum State<F, E> {
        // The gate's own answer.
        Answered { response: Option<Response<Body>> },
        // The handler is at work.
        Passing { #[pin] handler: F, grant: Option<Box<Grant>> },
        // The chain is read first, or an endpoint of the gate answers.
        Waiting { future: Boxed<E> },
    }
}

impl<F, E> ResponseFuture<F, E> {
    pub(super) fn answered(response: Response<Body>) -> Self {
        let response = Some(response);
        Self {
            state: State::Answered { response },
        }
    }

    pub(super) fn passing(handler: F, grant: Option<Box<Grant>>) -> Self {
        Self {
            state: State::Passing { handler, grant },
        }
    }

    pub(super) fn waiting(
        future: impl Future<Output = Result<Response<Body>, E>> + Send + 'static,
    ) -> Self {
        Self {
            state: State::Waiting {
                future: Box::pin(future),
            },
        }
    }
}

impl<F, E, R> Future for ResponseFuture<F, E>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Projected::Answered { response } => {
                // A future that has answered is not asked again.
                Poll::Ready(Ok(response.take().unwrap_or_default()))
            }
            Projected::Passing { handler, grant } => {
                let response = ready!(handler.poll(context))?;
                Poll::Ready(Ok(complete(grant.take().as_deref(), response)))
            }
            Projected::Waiting { future } => future.as_mut().poll(context),
        }
    }
}

/// The handler's answer as the caller gets it.
pub(super) fn complete<R>(grant: Option<&Grant>, response: Response<R>) -> Response<Body>
where
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let mut response = response.map(Body::new);
    scrub_embedded_response(response.headers_mut());
    match grant {
        Some(grant) => grant.complete(Ok(response)),
        None => response,
    }
}
