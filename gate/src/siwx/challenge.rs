//! The extension's part of the 402.

use super::schema::MessageSchema;
use super::{Timestamp, nonce};
use crate::keys::KeyRing;
use crate::limits::MAX_SIWX_AGE;
use crate::network::Network;
use crate::origin::Origin;
use serde::Serialize;
use tollgate_client::{Pubkey, UnixSeconds};

/// `extensions["sign-in-with-x"]` of a `PaymentRequired`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInChallenge {
    info: Info,
    supported_chains: [Chain; 1],
    schema: MessageSchema,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    domain: String,
    uri: String,
    version: &'static str,
    nonce: String,
    issued_at: String,
    expiration_time: String,
    statement: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Chain {
    chain_id: String,
    r#type: &'static str,
}

/// What is new in every sign-in challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInTerms {
    /// See [`super::nonce`].
    pub nonce: String,
    /// When it was made, RFC 3339.
    pub issued_at: String,
    /// Until when it can be answered, RFC 3339.
    pub expiration_time: String,
}

impl SignInTerms {
    /// The terms of a challenge made `now` for a sign-in that is good for `product`;
    /// `None` for times that RFC 3339 cannot write.
    pub fn new(
        keys: &KeyRing,
        origin: &Origin,
        product: &Pubkey,
        now: UnixSeconds,
        random: [u8; 4],
    ) -> Option<Self> {
        let expires = UnixSeconds(now.0.checked_add_unsigned(MAX_SIWX_AGE.0)?);
        Some(Self {
            nonce: nonce::make(keys, origin, product, now, random),
            issued_at: Timestamp(now).to_text()?,
            expiration_time: Timestamp(expires).to_text()?,
        })
    }
}

impl SignInChallenge {
    /// The challenge for one resource. `statement` is shown by the wallet and must be
    /// one printable line.
    pub fn new(
        origin: &Origin,
        network: &Network,
        resource_url: &str,
        statement: String,
        terms: &SignInTerms,
    ) -> Self {
        let terms = terms.clone();
        Self {
            info: Info {
                domain: origin.authority().to_owned(),
                uri: resource_url.to_owned(),
                version: super::verify::VERSION,
                nonce: terms.nonce,
                issued_at: terms.issued_at,
                expiration_time: terms.expiration_time,
                statement,
            },
            supported_chains: [Chain {
                chain_id: network.caip2().to_owned(),
                r#type: super::verify::KEY_TYPE,
            }],
            schema: MessageSchema,
        }
    }
}
