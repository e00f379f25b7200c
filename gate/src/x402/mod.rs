//! What x402 clients and servers say to each other, versions 1 and 2
//! (specs/x402-specification-v1.md and -v2.md; reference/protocols.md 1.1 to 1.3).
//!
//! Everything that comes from outside is bounded before it is parsed: its size, and
//! how deeply its JSON is nested ([`limits`](crate::limits)). Whether a payload pays
//! is decided by [`crate::exact`].
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`payload`] | payments: the `PAYMENT-SIGNATURE` and `X-PAYMENT` headers |
//! | [`requirements`] | what must be paid, and whether a client accepted just that |
//! | [`facilitator`] | requests to `/verify` and `/settle` |
//! | [`response`] | results, and the `PAYMENT-RESPONSE` headers |
//! | [`extensions`] | what a client may echo, and the payment-identifier |
//! | [`error`] | every refusal by its published name |

pub mod error;
pub mod extensions;
pub mod facilitator;
mod json;
pub mod payload;
pub mod requirements;
pub mod response;

pub use error::X402Error;
pub use extensions::{Advertised, PaymentIdentifier, check_echo};
pub use facilitator::FacilitatorRequest;
pub use payload::{PaymentPayload, PaymentPayloadV1, PaymentPayloadV2};
pub use requirements::{PaymentRequirements, PaymentRequirementsV1, Requirements};
pub use response::{SettleResponse, VerifyResponse};

use serde_json::{Map, Value};

/// A JSON object whose fields the protocol leaves open.
pub type Object = Map<String, Value>;

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// `x402Version` 1.
    V1,
    /// `x402Version` 2.
    V2,
}

impl Version {
    /// The value of `x402Version`.
    pub const fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }

    /// The version with this number.
    pub(crate) fn from_number(number: &Value) -> Option<Self> {
        match number.as_u64() {
            Some(1) => Some(Self::V1),
            Some(2) => Some(Self::V2),
            _ => None,
        }
    }
}
