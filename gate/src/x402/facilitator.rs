//! Requests to a facilitator: the body of `POST /verify` and `POST /settle`.

use super::{Object, PaymentPayload, Requirements, Version, X402Error, json};
use crate::limits::{MAX_FACILITATOR_REQUEST_BYTES, MAX_PAYMENT_JSON_DEPTH};
use serde_json::Value;

/// `{x402Version, paymentPayload, paymentRequirements}`; all three name one version.
#[derive(Clone, Debug, PartialEq)]
pub struct FacilitatorRequest {
    /// The payment.
    pub payload: PaymentPayload,
    /// What it must meet. The asking server vouches for it.
    pub requirements: Requirements,
}

impl FacilitatorRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`X402Error::InvalidPayload`], [`X402Error::InvalidPaymentRequirements`], and
    /// [`X402Error::InvalidX402Version`] where the versions are unknown or differ.
    pub fn from_body(body: &[u8]) -> Result<Self, X402Error> {
        let object = json::object(
            body,
            MAX_FACILITATOR_REQUEST_BYTES,
            // The payment is one level down.
            MAX_PAYMENT_JSON_DEPTH + 1,
        );
        let mut object = object.ok_or(X402Error::InvalidPayload)?;
        let payload = take(&mut object, "paymentPayload").ok_or(X402Error::InvalidPayload)?;
        let payload = PaymentPayload::from_object(payload)?;
        // Version 1 servers leave the outer field out.
        let stated = match object.get("x402Version") {
            Some(number) => Version::from_number(number),
            None => Some(payload.version()),
        };
        if stated != Some(payload.version()) {
            return Err(X402Error::InvalidX402Version);
        }
        let requirements = take(&mut object, "paymentRequirements")
            .and_then(|object| Requirements::from_object(payload.version(), object))
            .ok_or(X402Error::InvalidPaymentRequirements)?;
        Ok(Self {
            payload,
            requirements,
        })
    }
}

fn take(object: &mut Object, name: &str) -> Option<Object> {
    match object.remove(name) {
        Some(Value::Object(object)) => Some(object),
        _ => None,
    }
}
