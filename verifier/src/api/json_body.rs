//! Reading small JSON bodies.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use tollgate_gate::GateError;

use crate::error::ServiceError;
use crate::proxy::{BodyFault, BoundedBody, FaultRecord};

/// The largest body of an endpoint, in bytes.
pub(super) const MAX_BYTES: u64 = 4096;

/// How long the whole body may take.
pub(crate) const BODY_DEADLINE: Duration = Duration::from_secs(5);

/// Reads a JSON body of at most [`MAX_BYTES`].
pub(crate) async fn read<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, ServiceError> {
    require_json(headers)?;
    let record = FaultRecord::default();
    let bounded = BoundedBody::new(body, MAX_BYTES, BODY_DEADLINE, record.clone());
    let bytes: Bytes = match tokio::time::timeout(BODY_DEADLINE, bounded.collect()).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(_)) => {
            let error = match record.fault() {
                Some(BodyFault::TooLarge) => GateError::RequestBodyTooLarge,
                Some(BodyFault::Stalled) => GateError::RequestTimeout,
                Some(BodyFault::Broken) | None => GateError::RequestBodyBroken,
            };
            return Err(error.into());
        }
        Err(_) => return Err(GateError::RequestTimeout.into()),
    };
    serde_json::from_slice(&bytes).map_err(|_| GateError::RequestBodyInvalid.into())
}

/// A body without a media type is taken for JSON; one with another is refused, so
/// that a web form of a foreign page cannot post here.
fn require_json(headers: &HeaderMap) -> Result<(), ServiceError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let is_json = value.to_str().is_ok_and(|value| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    });
    if is_json {
        Ok(())
    } else {
        Err(GateError::MediaTypeUnsupported.into())
    }
}
