//! Payments as clients send them.

use super::{Object, PaymentRequirements, Requirements, Version, X402Error, json};
use crate::exact::{self, ExactError, ExactPayment, Policy, Requirement};
use crate::headers::{PAYMENT_SIGNATURE, X_PAYMENT};
use crate::limits::MAX_PAYMENT_HEADER_BYTES;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The JSON of a `PAYMENT-SIGNATURE` header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentPayloadV2 {
    /// 2.
    pub x402_version: u8,
    /// What is paid for, as the 402 said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Object>,
    /// The entry of `accepts` that the client chose.
    pub accepted: PaymentRequirements,
    /// What the scheme defines; for `exact` on Solana `{transaction}`.
    pub payload: Object,
    /// What the client echoes of the 402's extensions, and adds to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Object>,
}

/// The JSON of an `X-PAYMENT` header. It echoes nothing: what it pays for is known by
/// the URL alone, or by the account that the transaction pays into.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentPayloadV1 {
    /// 1.
    pub x402_version: u8,
    /// The scheme that the client chose.
    pub scheme: String,
    /// The cluster, by its name in version 1.
    pub network: String,
    /// What the scheme defines; for `exact` on Solana `{transaction}`.
    pub payload: Object,
}

/// A payment of either version.
#[derive(Clone, Debug, PartialEq)]
pub enum PaymentPayload {
    /// Version 1.
    V1(PaymentPayloadV1),
    /// Version 2.
    V2(Box<PaymentPayloadV2>),
}

impl PaymentPayload {
    /// The payment in a request's headers, if there is one.
    ///
    /// # Errors
    /// [`X402Error::InvalidPayload`] for what cannot be read and for more than one
    /// payment; [`X402Error::InvalidX402Version`] for one in the other version's header.
    pub fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, X402Error> {
        let mut values = [(PAYMENT_SIGNATURE, Version::V2), (X_PAYMENT, Version::V1)]
            .into_iter()
            .flat_map(|(name, version)| {
                let values = headers.get_all(name).into_iter();
                values.map(move |value| (value, version))
            });
        let Some((value, version)) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(X402Error::InvalidPayload);
        }
        let value = value.to_str().map_err(|_| X402Error::InvalidPayload)?;
        Self::from_header(value, version).map(Some)
    }

    /// The payment in the value of the header that belongs to `version`.
    ///
    /// # Errors
    /// [`X402Error::InvalidPayload`], [`X402Error::InvalidX402Version`].
    pub fn from_header(value: &str, version: Version) -> Result<Self, X402Error> {
        let object = json::object_in_header(value, MAX_PAYMENT_HEADER_BYTES)
            .ok_or(X402Error::InvalidPayload)?;
        let payload = Self::from_object(object)?;
        if payload.version() != version {
            return Err(X402Error::InvalidX402Version);
        }
        Ok(payload)
    }

    /// The payment in an object.
    pub(super) fn from_object(object: Object) -> Result<Self, X402Error> {
        let number = object.get("x402Version").ok_or(X402Error::InvalidPayload)?;
        let version = Version::from_number(number).ok_or(X402Error::InvalidX402Version)?;
        let value = Value::Object(object);
        match version {
            Version::V1 => serde_json::from_value(value).map(Self::V1),
            Version::V2 => serde_json::from_value(value).map(|payload| Self::V2(Box::new(payload))),
        }
        .map_err(|_| X402Error::InvalidPayload)
    }

    /// The version of the protocol.
    pub fn version(&self) -> Version {
        match self {
            Self::V1(_) => Version::V1,
            Self::V2(_) => Version::V2,
        }
    }

    /// The scheme that the client chose.
    pub fn scheme(&self) -> &str {
        match self {
            Self::V1(payload) => &payload.scheme,
            Self::V2(payload) => &payload.accepted.scheme,
        }
    }

    /// The cluster that the client chose, by its name in this version.
    pub fn network(&self) -> &str {
        match self {
            Self::V1(payload) => &payload.network,
            Self::V2(payload) => &payload.accepted.network,
        }
    }

    /// The entry of `accepts` that the client echoes; version 1 echoes none.
    pub fn accepted(&self) -> Option<&PaymentRequirements> {
        match self {
            Self::V1(_) => None,
            Self::V2(payload) => Some(&payload.accepted),
        }
    }

    /// The extensions that the client echoes; version 1 has none.
    pub fn extensions(&self) -> Option<&Object> {
        match self {
            Self::V1(_) => None,
            Self::V2(payload) => payload.extensions.as_ref(),
        }
    }

    /// The `resource.url` that the client echoes, if it does.
    pub fn resource_url(&self) -> Option<&str> {
        match self {
            Self::V1(_) => None,
            Self::V2(payload) => payload.resource.as_ref()?.get("url")?.as_str(),
        }
    }

    /// The transaction of the scheme `exact` on Solana, base64, not looked at.
    pub fn transaction(&self) -> Option<&str> {
        let payload = match self {
            Self::V1(payload) => &payload.payload,
            Self::V2(payload) => &payload.payload,
        };
        payload.get("transaction")?.as_str()
    }

    /// Verifies that this payment meets `requirements` of the same version by the
    /// scheme `exact`: what a facilitator does for `/verify` before it asks a cluster.
    /// Whether `requirements` are those that were offered is another question
    /// ([`PaymentRequirements::find_accepted`]).
    ///
    /// # Errors
    /// [`X402Error`]: the first rule that is broken, in the stock facilitator's order.
    pub fn verify_exact(
        &self,
        requirements: &Requirements,
        policy: &Policy,
    ) -> Result<ExactPayment, X402Error> {
        if self.version() != requirements.version() {
            return Err(X402Error::InvalidX402Version);
        }
        if self.scheme() != requirements.scheme() {
            return Err(X402Error::UnsupportedScheme);
        }
        if requirements.scheme() == exact::SCHEME && self.network() != requirements.network() {
            return Err(X402Error::NetworkMismatch);
        }
        let requirement = Requirement::from_x402(requirements)?;
        let transaction = self.transaction().ok_or(ExactError::Undecodable)?;
        Ok(exact::verify(transaction, &requirement, policy)?)
    }
}
