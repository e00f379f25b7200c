//! The gate: one decision per request, and every byte that is said about it.
//!
//! This crate does no I/O, reads no clock and draws no random numbers: time and
//! randomness are arguments, and what stands on chain is a [`Reading`] that the
//! caller obtained. That is what makes every rule here testable on its own.
//!
//! | module | what it answers |
//! | --- | --- |
//! | [`route`] | which route a request means, by its canonical path; default deny |
//! | [`offer`] | what a route costs and what a payment grants |
//! | [`siwx`] | who signed in (`SIGN-IN-WITH-X`), and the challenge to do so |
//! | [`session`] | who signed in a while ago (`Authorization: Bearer`) |
//! | [`decision`] | serve, demand payment, refuse, or "cannot know now" |
//! | [`payment_id`] | the name that all challenges for one purchase share |
//! | [`challenge`] | the one 402, for every dialect at once |
//! | [`listing`] | what a product costs, for catalogues: no payment id in it |
//! | [`solana_pay`] | the URLs that wallets open |
//! | [`x402`] | payments and results as x402 clients and facilitators write them |
//! | [`exact`] | whether a stranger's transaction is the payment that was asked for |
//! | [`receipt`] | signed statements of what was granted and why, and their verification |
//! | [`headers`] | header names, what a proxy must remove, caching rules |
//! | [`error`] | every refusal with its stable code, status and retry rule |
//!
//! A request goes through [`RouteTable::resolve`], [`Gate::open`] and, when the
//! latter asks a [`Question`], [`Question::answer`]:
//!
//! ```text
//! resolve ──▶ Options │ Route ──▶ open ──▶ Done(Decision) │ Read(Question)
//!                                                               │ reading of the chain
//!                                                               ▼
//!                       Pass │ Serve │ Challenge │ Refuse │ Unavailable
//! ```
//!
//! Two mistakes cannot be written down with these types: a 402 while it is
//! unknown whether somebody paid ([`Gate::challenge`] needs a [`PaymentDue`], and
//! no [`Reading::Unknown`] yields one), and access without a reading
//! ([`Entitled`] carries the entitlement it rests on and is made only here).
#![forbid(unsafe_code)]

pub mod challenge;
pub mod decision;
mod encoding;
pub mod error;
pub mod exact;
pub mod gate;
pub mod headers;
pub mod hex;
pub mod keys;
pub mod limits;
pub mod listing;
pub mod network;
pub mod offer;
pub mod origin;
pub mod payment_id;
pub mod receipt;
pub mod route;
pub mod session;
pub mod siwx;
pub mod solana_pay;
pub mod transfer;
pub mod x402;

pub use challenge::PaymentChallenge;
pub use decision::{
    Decision, Entitled, FreePass, Identity, Next, PaymentDue, PaymentReason, Question, Reading,
    RefusedPayment,
};
pub use error::{GateError, Retry};
pub use gate::{Asked, Entropy, Gate, GateSettings};
pub use keys::{KeyId, KeyRing, Secret, SecretError};
pub use network::{Network, NetworkError};
pub use offer::{OfferError, OfferText, ProductOffer};
pub use origin::{Origin, OriginError};
pub use route::{
    Access, CanonicalPath, Charge, Metering, MethodSet, Outcome, Resolution, Route,
    RouteDefinition, RouteError, RouteMatch, RouteTable, Settlement,
};
pub use transfer::{OfferedTransfer, SettledPayer};
