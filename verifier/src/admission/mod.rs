//! The one decision about a request, for every way in: the reverse proxy, the
//! forward-auth endpoint and the tower layer ask here and only carry out the answer.
//!
//! A decision is taken in steps. Each takes what the one before it found, and none
//! knows the ones after it:
//!
//! | step | module | from | to |
//! | --- | --- | --- | --- |
//! | way | [`way`] | the request | its route, or the whole answer |
//! | verdict | [`verdict`] | the route, who asks, the chain | free, entitled, or a payment due |
//! | payment | [`payment`] | a payment due, and the payment that came with the request | the same kinds of verdict |
//! | conclusion | [`conclusion`] | the verdict | what is answered, and what is recorded of it |
//! | effect | [`decide`] | the conclusion | the same, once it is recorded |
//!
//! A failure of any step is a [`ServiceError`](crate::error::ServiceError), which the
//! conclusion turns into the answer. What a request takes on its way (credits, its
//! sign-in) is [`Held`](held::Held): it goes back by itself unless the conclusion
//! takes effect.

mod conclusion;
mod decide;
mod grant;
mod held;
mod payment;
mod verdict;
mod way;

use axum::response::Response;
use http::{HeaderMap, Method};
use tollgate_gate::RouteMatch;
use tollgate_gate::headers::PAID_SLOT;

pub(crate) use self::decide::Begun;
pub(crate) use self::grant::Grant;
pub(crate) use self::way::wall_clock;
use crate::chain::Freshness;

/// The parts of a request that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    /// As the caller spelt it; the decision and the upstream use the canonical form.
    pub(crate) raw_path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    /// Whether it is a WebSocket handshake, which only some routes take.
    pub(crate) websocket: bool,
}

impl Asked<'_> {
    /// How new the answer has to be to whoever proves a key with this request. A slot of
    /// payment that is no number claims nothing.
    fn freshness(&self) -> Freshness {
        self.headers
            .get(PAID_SLOT)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map_or(Freshness::Proven, Freshness::Claimed)
    }
}

/// What is to be done with a request.
#[derive(Debug)]
pub(crate) enum Admission {
    /// Let it through: the route is free, and nobody was asked who they are.
    Free(RouteMatch),
    /// Let it through, and say so to the caller.
    Granted(RouteMatch, Box<Grant>),
    /// Keep it out: this is the whole answer (402, a refusal, or that of `OPTIONS`).
    Answered(Response),
}
