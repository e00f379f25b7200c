//! Results of payments: the `PAYMENT-RESPONSE` and `X-PAYMENT-RESPONSE` headers, and
//! the bodies of a facilitator's answers. Absent fields are omitted, never `null`.

use super::{Object, Version, X402Error, json};
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use tollgate_client::Pubkey;

/// What became of a settlement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettleResponse {
    /// Whether the payment stands.
    pub success: bool,
    /// A published name, where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    /// The same in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Who paid, or tried to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// The transaction's signature, base58; empty where none was sent.
    pub transaction: String,
    /// The cluster, by its name in the client's version.
    pub network: String,
    /// What was settled, in the asset's smallest unit, where it is not the amount that
    /// was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// What extensions add.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Object>,
    /// What the scheme adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Object>,
}

impl SettleResponse {
    /// A payment that stands.
    pub fn settled(network: &str, transaction: String, payer: &Pubkey) -> Self {
        Self {
            success: true,
            error_reason: None,
            error_message: None,
            payer: Some(payer.to_string()),
            transaction,
            network: network.to_owned(),
            amount: None,
            extensions: None,
            extra: None,
        }
    }

    /// A payment that does not stand, by a reason's name in `version`. Where a
    /// transaction was sent, set [`Self::transaction`] (a stock server retries a
    /// pending one only then).
    pub fn refused(
        error: X402Error,
        version: Version,
        network: &str,
        payer: Option<&Pubkey>,
    ) -> Self {
        Self {
            success: false,
            error_reason: Some(error.code(version).to_owned()),
            error_message: Some(error.to_string()),
            payer: payer.map(ToString::to_string),
            transaction: String::new(),
            network: network.to_owned(),
            amount: None,
            extensions: None,
            extra: None,
        }
    }

    /// The header value: base64 of the JSON.
    pub fn to_header(&self) -> Option<HeaderValue> {
        json::to_header(self)
    }
}

/// What a facilitator answers to `/verify`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyResponse {
    /// Whether the payment would stand.
    pub is_valid: bool,
    /// A published name, where it would not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_reason: Option<String>,
    /// The same in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_message: Option<String>,
    /// Who would pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
}

impl VerifyResponse {
    /// A payment that would stand.
    pub fn valid(payer: &Pubkey) -> Self {
        Self {
            is_valid: true,
            invalid_reason: None,
            invalid_message: None,
            payer: Some(payer.to_string()),
        }
    }

    /// A payment that would not stand, by a reason's name in `version`.
    pub fn invalid(error: X402Error, version: Version) -> Self {
        Self {
            is_valid: false,
            invalid_reason: Some(error.code(version).to_owned()),
            invalid_message: Some(error.to_string()),
            payer: None,
        }
    }
}
