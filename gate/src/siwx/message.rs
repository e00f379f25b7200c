//! The signed message: the header's JSON and the text behind the signature.

use crate::encoding::{base58_decode, base64_decode};
use crate::error::GateError;
use crate::limits::{MAX_SIWX_FIELD_BYTES, MAX_SIWX_HEADER_BYTES, MAX_SIWX_RESOURCES};
use serde::{Deserialize, Serialize};
use tollgate_client::Pubkey;

/// The JSON of a `SIGN-IN-WITH-X` header. Names are those of the extension. Fields
/// that it does not know are ignored, as the stock server does: they are not signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInMessage {
    /// `host[:port]` of the service.
    pub domain: String,
    /// The key that signs, base58.
    pub address: String,
    /// What the wallet shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The resource, a URL of the service.
    pub uri: String,
    /// `1`.
    pub version: String,
    /// CAIP-2 id of the cluster.
    pub chain_id: String,
    /// `ed25519`.
    pub r#type: String,
    /// Of the challenge.
    pub nonce: String,
    /// RFC 3339.
    pub issued_at: String,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// Chosen by the client or the challenge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// URLs that the message is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
    /// `siws`, where the client names it. Not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_scheme: Option<String>,
    /// Base58.
    pub signature: String,
}

impl SignInMessage {
    /// Reads a header value and checks every field's form. Since the text is made
    /// by joining lines, a field with a line break could pose as others; none may
    /// hold control characters.
    ///
    /// # Errors
    /// [`GateError::SiwxHeader`], [`GateError::SiwxField`].
    pub fn from_header(value: &str) -> Result<Self, GateError> {
        if value.len() > MAX_SIWX_HEADER_BYTES {
            return Err(GateError::SiwxHeader);
        }
        let json = base64_decode(value).ok_or(GateError::SiwxHeader)?;
        let message: Self = serde_json::from_slice(&json).map_err(|_| GateError::SiwxHeader)?;
        let fields = message.fields().all(is_plain);
        let count = message.resources.as_ref().map_or(0, Vec::len);
        if !fields || count > MAX_SIWX_RESOURCES {
            return Err(GateError::SiwxField);
        }
        Ok(message)
    }

    /// The text that the wallet signs (SIWS, CAIP-122), byte for byte as the stock
    /// client builds it; `None` without a chain reference.
    pub fn text(&self) -> Option<String> {
        let (_, chain_reference) = self.chain_id.split_once(':')?;
        let mut lines = vec![
            format!(
                "{} wants you to sign in with your Solana account:",
                self.domain
            ),
            self.address.clone(),
            String::new(),
        ];
        if let Some(statement) = &self.statement {
            lines.push(statement.clone());
            lines.push(String::new());
        }
        lines.push(format!("URI: {}", self.uri));
        lines.push(format!("Version: {}", self.version));
        lines.push(format!("Chain ID: {chain_reference}"));
        lines.push(format!("Nonce: {}", self.nonce));
        lines.push(format!("Issued At: {}", self.issued_at));
        for (label, value) in [
            ("Expiration Time", &self.expiration_time),
            ("Not Before", &self.not_before),
            ("Request ID", &self.request_id),
        ] {
            lines.extend(value.iter().map(|value| format!("{label}: {value}")));
        }
        if let Some(resources) = self
            .resources
            .as_ref()
            .filter(|resources| !resources.is_empty())
        {
            lines.push("Resources:".to_owned());
            lines.extend(resources.iter().map(|resource| format!("- {resource}")));
        }
        Some(lines.join("\n"))
    }

    /// The key that signs.
    pub(super) fn public_key(&self) -> Option<Pubkey> {
        base58_decode(&self.address).map(Pubkey::new_from_array)
    }

    /// The signature's bytes.
    pub(super) fn signature_bytes(&self) -> Option<[u8; 64]> {
        base58_decode(&self.signature)
    }

    fn fields(&self) -> impl Iterator<Item = &str> {
        let required = [
            &self.domain,
            &self.address,
            &self.uri,
            &self.version,
            &self.chain_id,
            &self.r#type,
            &self.nonce,
            &self.issued_at,
            &self.signature,
        ];
        let optional = [
            &self.statement,
            &self.expiration_time,
            &self.not_before,
            &self.request_id,
            &self.signature_scheme,
        ];
        required
            .into_iter()
            .chain(optional.into_iter().flatten())
            .chain(self.resources.iter().flatten())
            .map(String::as_str)
    }
}

/// Empty fields are refused too: the stock client leaves an empty optional field
/// out of the text, so that it would not be signed.
fn is_plain(field: &str) -> bool {
    !field.is_empty() && field.len() <= MAX_SIWX_FIELD_BYTES && !field.chars().any(char::is_control)
}
