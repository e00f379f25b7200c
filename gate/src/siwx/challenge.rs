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

impl SignInChallenge {
    /// The challenge for one resource; `None` for times that RFC 3339 cannot write.
    ///
    /// `product` is what the sign-in is good for. `statement` is shown by the wallet
    /// and must be one printable line.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is another thing; a structure would only repeat the names"
    )]
    pub fn new(
        keys: &KeyRing,
        origin: &Origin,
        network: &Network,
        product: &Pubkey,
        resource_url: &str,
        statement: String,
        now: UnixSeconds,
        random: [u8; 4],
    ) -> Option<Self> {
        let expires = UnixSeconds(now.0.checked_add_unsigned(MAX_SIWX_AGE.0)?);
        Some(Self {
            info: Info {
                domain: origin.authority().to_owned(),
                uri: resource_url.to_owned(),
                version: super::verify::VERSION,
                nonce: nonce::make(keys, origin, product, now, random),
                issued_at: Timestamp(now).to_text()?,
                expiration_time: Timestamp(expires).to_text()?,
                statement,
            },
            supported_chains: [Chain {
                chain_id: network.caip2().to_owned(),
                r#type: super::verify::KEY_TYPE,
            }],
            schema: MessageSchema,
        })
    }
}
