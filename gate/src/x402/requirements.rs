//! What must be paid, as data: in a 402, in a payload's `accepted`, in a request to a
//! facilitator.

use super::{Object, Version, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Fields of `extra` that may differ between a 402 and the payment that answers it:
/// they name a recent blockhash and age with it (`dynamicExtraFields` of `@x402/svm`).
pub const DYNAMIC_EXTRA_FIELDS: [&str; 2] = ["recentBlockhash", "lastValidBlockHeight"];

/// An entry of `accepts` in version 2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequirements {
    /// How is paid, such as `exact`.
    pub scheme: String,
    /// CAIP-2 id of the cluster.
    pub network: String,
    /// Decimal digits, in the asset's smallest unit.
    pub amount: String,
    /// The mint.
    pub asset: String,
    /// Who is paid.
    pub pay_to: String,
    /// How long the payment may take, in seconds.
    #[serde(deserialize_with = "json::whole_number")]
    pub max_timeout_seconds: u64,
    /// What the scheme needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Object>,
    /// Fields that the protocol does not know: they do not make a payment invalid,
    /// but an echo with them is not an echo.
    #[serde(flatten)]
    pub unknown: Object,
}

impl PaymentRequirements {
    /// Whether a client that echoes `accepted` accepted these requirements: its fields
    /// are the same, its `extra` says at least as much, except for
    /// [`DYNAMIC_EXTRA_FIELDS`]. The rule of the stock server.
    pub fn is_accepted_by(&self, accepted: &Self) -> bool {
        let unknown = Value::Object(self.unknown.clone());
        let core = self.scheme == accepted.scheme
            && self.network == accepted.network
            && self.amount == accepted.amount
            && self.asset == accepted.asset
            && self.pay_to == accepted.pay_to
            && self.max_timeout_seconds == accepted.max_timeout_seconds
            && json::same(&unknown, &Value::Object(accepted.unknown.clone()));
        let Some(extra) = &self.extra else {
            return core;
        };
        let mut expected = extra.clone();
        expected.retain(|name, _| !DYNAMIC_EXTRA_FIELDS.contains(&name.as_str()));
        let echoed = accepted.extra.as_ref();
        core && echoed.is_some_and(|echoed| json::object_contains(echoed, &expected))
    }

    /// The first of `offered` that a client that echoes `accepted` accepted.
    pub fn find_accepted<'a>(offered: &'a [Self], accepted: &Self) -> Option<&'a Self> {
        offered.iter().find(|entry| entry.is_accepted_by(accepted))
    }
}

/// An entry of `accepts` in version 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequirementsV1 {
    /// How is paid, such as `exact`.
    pub scheme: String,
    /// Name of the cluster, such as `solana-devnet`.
    pub network: String,
    /// Decimal digits, in the asset's smallest unit.
    pub max_amount_required: String,
    /// URL of what is sold.
    pub resource: String,
    /// What is sold.
    pub description: String,
    /// Media type of what is sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Form of what is sold; stock clients refuse `null`, so that it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Who is paid.
    pub pay_to: String,
    /// How long the payment may take, in seconds.
    #[serde(deserialize_with = "json::whole_number")]
    pub max_timeout_seconds: u64,
    /// The mint.
    pub asset: String,
    /// What the scheme needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Object>,
}

/// Requirements of either version.
#[derive(Clone, Debug, PartialEq)]
pub enum Requirements {
    /// Version 1.
    V1(PaymentRequirementsV1),
    /// Version 2.
    V2(PaymentRequirements),
}

macro_rules! of_either {
    ($(#[$doc:meta])* $name:ident, $v1:ident, $v2:ident) => {
        $(#[$doc])*
        pub fn $name(&self) -> &str {
            match self {
                Self::V1(requirements) => &requirements.$v1,
                Self::V2(requirements) => &requirements.$v2,
            }
        }
    };
}

impl Requirements {
    of_either!(
        /// How is paid.
        scheme, scheme, scheme
    );
    of_either!(
        /// The cluster, by its name in this version.
        network, network, network
    );
    of_either!(
        /// Decimal digits, in the asset's smallest unit.
        amount, max_amount_required, amount
    );
    of_either!(
        /// The mint.
        asset, asset, asset
    );
    of_either!(
        /// Who is paid.
        pay_to, pay_to, pay_to
    );

    /// What the scheme needs.
    pub fn extra(&self) -> Option<&Object> {
        match self {
            Self::V1(requirements) => requirements.extra.as_ref(),
            Self::V2(requirements) => requirements.extra.as_ref(),
        }
    }

    /// The version that they belong to.
    pub fn version(&self) -> Version {
        match self {
            Self::V1(_) => Version::V1,
            Self::V2(_) => Version::V2,
        }
    }

    /// The requirements of this version in an object.
    pub(super) fn from_object(version: Version, object: Object) -> Option<Self> {
        let value = Value::Object(object);
        match version {
            Version::V1 => serde_json::from_value(value).ok().map(Self::V1),
            Version::V2 => serde_json::from_value(value).ok().map(Self::V2),
        }
    }
}
