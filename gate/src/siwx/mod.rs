//! Sign-in-with-x: the x402 extension by which a wallet proves its key
//! (reference/protocols.md 1.8; written against `@x402/extensions` 2.27.0, whose
//! output is kept in `tests/fixtures/siwx.json`).
//!
//! Every 402 carries [`SignInChallenge`]; the client signs its text and repeats the
//! request with the `SIGN-IN-WITH-X` header. The nonce carries its own proof of
//! origin ([`nonce`]), so that no replica has to remember what another handed out.
//! Whoever wants each nonce to work once keeps [`SignedIn::nonce`] until
//! [`SignedIn::nonce_expires_at`].

mod challenge;
mod message;
pub mod nonce;
mod schema;
mod timestamp;
mod verify;

pub use challenge::{SignInChallenge, SignInTerms};
pub use message::SignInMessage;
pub use timestamp::Timestamp;
pub use verify::{SignedIn, Verification};
