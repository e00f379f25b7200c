//! Header names, what a proxy removes, and what may be cached.

mod caching;
mod framing;
mod scrub;
mod trailers;
mod upgrade;

pub use caching::{forbid_storing, keep_private};
pub use framing::{check_framing, single};
pub use scrub::{
    Cookies, carries_session, scrub_embedded_request, scrub_embedded_response, scrub_request,
    scrub_response,
};
pub use trailers::{PassingTrailers, accepts_trailers, announced_trailers, scrub_trailers};
pub use upgrade::{asks_for_websocket, names_upgrade};

use http::{HeaderName, HeaderValue};

/// x402 v2: the challenge, base64 of a `PaymentRequired`.
pub const PAYMENT_REQUIRED: HeaderName = HeaderName::from_static("payment-required");
/// x402 v2: a payment in the request.
pub const PAYMENT_SIGNATURE: HeaderName = HeaderName::from_static("payment-signature");
/// x402 v2: the result of a payment.
pub const PAYMENT_RESPONSE: HeaderName = HeaderName::from_static("payment-response");
/// x402 v1: a payment in the request.
pub const X_PAYMENT: HeaderName = HeaderName::from_static("x-payment");
/// x402 v1: the result of a payment.
pub const X_PAYMENT_RESPONSE: HeaderName = HeaderName::from_static("x-payment-response");
/// x402 extension sign-in-with-x: the signed message in the request.
pub const SIGN_IN_WITH_X: HeaderName = HeaderName::from_static("sign-in-with-x");
/// Our session token, handed out with the response to a fresh sign-in; to be sent
/// back as `Authorization: Bearer`.
pub const SESSION: HeaderName = HeaderName::from_static("tollgate-session");
/// When that token expires, RFC 3339.
pub const SESSION_EXPIRES: HeaderName = HeaderName::from_static("tollgate-session-expires");
/// Credits that are left after a request, where the product counts them.
pub const CREDITS_REMAINING: HeaderName = HeaderName::from_static("tollgate-credits-remaining");
/// In a request with a proof: the slot in which its sender paid. "No access" as of an
/// earlier slot is then no answer.
pub const PAID_SLOT: HeaderName = HeaderName::from_static("tollgate-paid-slot");
/// Towards the upstream: the entitlement account that the request rests on.
pub const ENTITLEMENT: HeaderName = HeaderName::from_static("tollgate-entitlement");
/// Towards the upstream: the product's slug.
pub const PRODUCT: HeaderName = HeaderName::from_static("tollgate-product");
/// Towards the upstream: the key that asks.
pub const BENEFICIARY: HeaderName = HeaderName::from_static("tollgate-beneficiary");

/// Every header that begins so is ours, in requests and in responses; what others
/// send under the name is removed.
pub const OWN_PREFIX: &str = "tollgate-";

/// `Content-Type` of everything that the gate says.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// `WWW-Authenticate` of a 401: the scheme of session tokens.
pub const BEARER_CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"tollgate\"");
