//! Routes as the configuration defines them.

use super::{Metering, MethodSet, RoutePattern};
use crate::challenge::ChallengeTemplates;
use crate::limits::MAX_ROUTES;
use crate::offer::ProductOffer;
use std::sync::Arc;

/// What a route asks for.
#[derive(Clone, Debug)]
pub enum Access {
    /// Nothing.
    Free,
    /// An entitlement to this product.
    Paid(Arc<ProductOffer>),
}

/// One route, not checked against the others yet.
#[derive(Clone, Debug)]
pub struct RouteDefinition {
    /// Which paths; see [`RoutePattern`].
    pub pattern: RoutePattern,
    /// Which methods; `HEAD` goes with `GET`.
    pub methods: MethodSet,
    /// What it asks for.
    pub access: Access,
    /// What a request costs where the product counts credits.
    pub metering: Metering,
}

/// One route of a table.
#[derive(Clone, Debug)]
pub struct Route {
    pub(super) pattern: RoutePattern,
    pub(super) methods: MethodSet,
    pub(super) access: Access,
    pub(super) metering: Metering,
    pub(super) challenges: ChallengeTemplates,
}

impl Route {
    /// Its pattern as it was written: the label for logs and metrics.
    pub fn pattern(&self) -> &RoutePattern {
        &self.pattern
    }

    /// Its methods.
    pub fn methods(&self) -> MethodSet {
        self.methods
    }

    /// What it asks for.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// What a request costs where the product counts credits.
    pub fn metering(&self) -> Metering {
        self.metering
    }

    /// What every 402 of it has in common.
    pub(crate) fn challenges(&self) -> &ChallengeTemplates {
        &self.challenges
    }

    /// What it sells, unless it is free.
    pub fn offer(&self) -> Option<&Arc<ProductOffer>> {
        match &self.access {
            Access::Free => None,
            Access::Paid(offer) => Some(offer),
        }
    }
}

/// Why routes of a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Not a canonical path with `{parameters}` and at most one `/*` at the end.
    #[error(
        "a route's path begins with '/', has no empty or dot segments and no needless escapes; \
         a segment may be {{name}} and the last one may be *"
    )]
    PatternInvalid,
    /// No method.
    #[error("route {pattern} names no method that can be forwarded")]
    NoMethod {
        /// The route.
        pattern: String,
    },
    /// Two routes for the same path and method.
    #[error("routes {first} and {second} answer the same requests")]
    Duplicate {
        /// The earlier route.
        first: String,
        /// The later route.
        second: String,
    },
    /// Two routes that many upstreams cannot tell apart.
    #[error(
        "routes {first} and {second} differ only in letter case, ';' parameters or dots at the end, \
         which many upstreams ignore"
    )]
    Indistinct {
        /// The earlier route.
        first: String,
        /// The later route.
        second: String,
    },
    /// More routes than a table holds.
    #[error("a configuration has at most {MAX_ROUTES} routes")]
    TooMany,
}

impl RouteError {
    /// Stable code for configuration errors.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PatternInvalid => "route_path_invalid",
            Self::NoMethod { .. } => "route_without_method",
            Self::Duplicate { .. } => "route_duplicate",
            Self::Indistinct { .. } => "route_indistinct",
            Self::TooMany => "route_too_many",
        }
    }
}
