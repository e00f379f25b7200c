//! Codes that a wallet's camera reads.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use tollgate_gate::GateError;
use tollgate_gate::headers::forbid_storing;

use crate::error::ServiceError;

/// The longest text that is drawn. What is written here has some four hundred
/// characters; more would be too fine for a camera.
const MOST_BYTES: usize = 1_200;
/// Side of the picture in pixels, at least; it is drawn to scale.
const SIDE: u32 = 320;

/// A text as a picture.
pub(super) fn picture(text: &str) -> Result<Response, ServiceError> {
    let code = Some(text)
        .filter(|text| text.len() <= MOST_BYTES)
        .and_then(|text| QrCode::with_error_correction_level(text, EcLevel::M).ok())
        .ok_or(GateError::Internal)?;
    let picture = code
        .render::<svg::Color<'_>>()
        .min_dimensions(SIDE, SIDE)
        .build();
    let mut response = Response::new(Body::from(picture));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // The price in it may change, and the purchase is somebody's.
    forbid_storing(headers);
    Ok(response)
}
