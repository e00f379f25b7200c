//! Every bound on what a caller may send, in one place.
//!
//! The whole of a request's headers is bounded by the server's accept loop
//! (16 KiB); these bounds are what the gate relies on by itself.

use tollgate_client::DurationSeconds;

/// Longest request path, in bytes as received.
pub const MAX_PATH_BYTES: usize = 2048;
/// Most segments of a request path.
pub const MAX_PATH_SEGMENTS: usize = 64;
/// Longest `resource.url`: a longer query is left out of it, so that the
/// `PAYMENT-REQUIRED` header stays below [`MAX_PAYMENT_REQUIRED_BYTES`].
pub const MAX_RESOURCE_URL_BYTES: usize = 2560;
/// Longest public origin (`https://host:port`): a host name has at most 253 bytes.
pub const MAX_ORIGIN_BYTES: usize = 280;
/// Most routes of a table.
pub const MAX_ROUTES: usize = 1024;

/// Longest `PAYMENT-REQUIRED` header that is ever sent. Stock clients run on
/// Node.js, which accepts 16 KiB of response headers in total.
pub const MAX_PAYMENT_REQUIRED_BYTES: usize = 12 * 1024;
/// Longest accepted `PAYMENT-SIGNATURE` or `X-PAYMENT` header (base64): a transaction
/// has 1,644 characters, and clients echo the resource, the chosen entry of `accepts`
/// and the extensions of the 402.
pub const MAX_PAYMENT_HEADER_BYTES: usize = 14 * 1024;
/// How deeply the JSON of a payment may be nested; schemas of extensions, which
/// clients echo, need half of it.
pub const MAX_PAYMENT_JSON_DEPTH: usize = 20;
/// Longest body of a request to the facilitator API: a payment and its requirements.
pub const MAX_FACILITATOR_REQUEST_BYTES: usize = 32 * 1024;
/// Longest accepted `SIGN-IN-WITH-X` header (base64).
pub const MAX_SIWX_HEADER_BYTES: usize = 8 * 1024;
/// Longest single text field of a sign-in message.
pub const MAX_SIWX_FIELD_BYTES: usize = MAX_RESOURCE_URL_BYTES;
/// Most `resources` of a sign-in message.
pub const MAX_SIWX_RESOURCES: usize = 8;
/// Longest accepted `Authorization` header that looks like one of our sessions.
pub const MAX_SESSION_HEADER_BYTES: usize = 512;

/// Oldest sign-in message or nonce that is accepted (the x402 extension's five
/// minutes).
pub const MAX_SIWX_AGE: DurationSeconds = DurationSeconds(300);
/// How far the clocks of replicas may differ: a nonce made by another replica may
/// come from this many seconds in the future.
pub const CLOCK_SKEW: DurationSeconds = DurationSeconds(30);
/// Longest life of a session token. It proves only who asks: the entitlement is
/// looked up on every request.
pub const MAX_SESSION_LIFETIME: DurationSeconds = DurationSeconds(24 * 60 * 60);

/// Shortest secret for authentication codes, in bytes (the strength of SHA-256).
pub const MIN_SECRET_BYTES: usize = 32;
/// Longest secret, in bytes: one block of SHA-256; more would only be hashed down.
pub const MAX_SECRET_BYTES: usize = 64;
/// Most keys that are accepted at once while secrets rotate.
pub const MAX_KEYS: usize = 4;

/// Longest title of a product, in bytes.
pub const MAX_TITLE_BYTES: usize = 128;
/// Longest description of a product, in bytes.
pub const MAX_DESCRIPTION_BYTES: usize = 512;
/// Longest media type of a product's responses, in bytes.
pub const MAX_MEDIA_TYPE_BYTES: usize = 128;
