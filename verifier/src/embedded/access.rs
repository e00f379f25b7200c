//! What a handler may know of whoever paid.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use tollgate_client::{Pubkey, Slug, UnixSeconds};
use tollgate_gate::{Entitled, GateError};

use crate::error::ServiceError;

/// The access on which a request is served. Stands in the request's extensions
/// behind a [`super::GateLayer`], on paid routes; also an axum extractor
/// (`Option<PaidAccess>` where a route may be free).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaidAccess {
    /// The key that proved itself and for which was paid.
    pub beneficiary: Pubkey,
    /// The entitlement account that was read.
    pub entitlement: Pubkey,
    /// The product.
    pub product: Slug,
    /// Until when it holds, by chain time.
    pub expires_at: UnixSeconds,
}

impl PaidAccess {
    pub(crate) fn of(entitled: &Entitled) -> Self {
        let entitlement = entitled.entitlement();
        Self {
            beneficiary: entitlement.beneficiary,
            entitlement: *entitled.address(),
            product: entitled.offer().slug,
            expires_at: entitlement.expires_at,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for PaidAccess {
    /// The route is free or has no gate: the handler is not where it belongs.
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        let access = parts.extensions.get().copied();
        access.ok_or_else(|| ServiceError::from(GateError::Internal).into_response())
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for PaidAccess {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get().copied())
    }
}
