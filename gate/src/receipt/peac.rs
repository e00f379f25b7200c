//! The PEAC interaction record, wire 0.2 (docs/specs/WIRE-0.2.md of
//! peacprotocol/peac; checked with `@peac/crypto` and `@peac/schema` 0.16.4).
//!
//! An access decision: the registered group `org.peacprotocol/access` says what was
//! opened, our own group says on what grounds. Claims are in canonical order
//! (RFC 8785), so that one record has one spelling.

use super::{EntitlementFacts, ReceiptError, ReceiptFacts, ReceiptKey, jws};
use crate::encoding::{base58_decode, base64url_encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::str::FromStr;
use tollgate_client::{Credits, Pubkey, UnixSeconds};

/// Media type of the JWS.
pub(super) const MEDIA_TYPE: &str = "interaction-record+jwt";
const WIRE_VERSION: &str = "0.2";
const KIND: &str = "evidence";
const TYPE: &str = "org.peacprotocol/access-decision";
const PILLAR: &str = "access";
const ALLOW: &str = "allow";
/// Longest `resource` of the access group.
pub const MAX_RESOURCE_BYTES: usize = 2048;
/// Begins what the id is a hash of.
const ID_LABEL: &[u8] = b"tollgate/receipt-id/1\n";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    extensions: Extensions,
    iat: i64,
    iss: String,
    jti: String,
    kind: String,
    peac_version: String,
    pillars: [String; 1],
    sub: String,
    r#type: String,
}

/// The groups. Ours is named after a domain that nobody can register (`.internal`
/// is reserved for private use): it stands for this software, not for a host.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Extensions {
    #[serde(rename = "internal.tollgate/entitlement")]
    entitlement: Grounds,
    #[serde(rename = "org.peacprotocol/access")]
    access: Access,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Access {
    action: String,
    decision: String,
    resource: String,
}

/// [`EntitlementFacts`] in JSON. What may exceed 2^53 is a decimal string; an
/// entitlement without end has no `expires_at`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grounds {
    chain_time: i64,
    created_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credits_granted: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credits_used: Option<String>,
    entitlement: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    generation: String,
    last_intent: String,
    merchant: String,
    network: String,
    payments: String,
    product: String,
    program: String,
    slot: u64,
}

/// The signed record and its id. The id is the hash of everything else in it: the
/// same statement has the same id wherever it was made, and no other has it.
pub fn issue(key: &ReceiptKey, facts: &ReceiptFacts) -> (String, String) {
    let mut claims = Claims::of(facts);
    claims.jti = claims.id();
    let text = jws::sign_text(
        key,
        &key.public().key_id(),
        Some(MEDIA_TYPE),
        &claims.to_bytes(),
    );
    (text, claims.jti)
}

/// The facts of verified claims.
///
/// # Errors
/// [`ReceiptError::Payload`] unless `payload` is exactly what [`issue`] writes for
/// some facts; [`ReceiptError::Id`].
pub(super) fn read(payload: &[u8]) -> Result<(ReceiptFacts, String), ReceiptError> {
    let claims: Claims = serde_json::from_slice(payload).map_err(|_| ReceiptError::Payload)?;
    let facts = claims.facts().ok_or(ReceiptError::Payload)?;
    let mut again = Claims::of(&facts);
    again.jti.clone_from(&claims.jti);
    if again.to_bytes() != payload {
        return Err(ReceiptError::Payload);
    }
    if claims.id() != claims.jti {
        return Err(ReceiptError::Id);
    }
    Ok((facts, claims.jti))
}

impl Claims {
    /// Without an id yet.
    fn of(facts: &ReceiptFacts) -> Self {
        let grounds = &facts.grounds;
        Self {
            extensions: Extensions {
                entitlement: Grounds::of(grounds, &facts.network),
                access: Access {
                    action: facts.action.clone(),
                    decision: ALLOW.to_owned(),
                    resource: facts.resource_url.clone(),
                },
            },
            iat: facts.issued_at.0,
            iss: facts.issuer.clone(),
            jti: String::new(),
            kind: KIND.to_owned(),
            peac_version: WIRE_VERSION.to_owned(),
            pillars: [PILLAR.to_owned()],
            // CAIP-10.
            sub: format!("{}:{}", facts.network, grounds.beneficiary),
            r#type: TYPE.to_owned(),
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        // Strings and integers serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn id(&self) -> String {
        let nameless = Self {
            jti: String::new(),
            ..self.clone()
        };
        let digest = Sha256::new()
            .chain_update(ID_LABEL)
            .chain_update(nameless.to_bytes());
        base64url_encode(digest.finalize())
    }

    fn facts(&self) -> Option<ReceiptFacts> {
        let (network, beneficiary) = self.sub.rsplit_once(':')?;
        let grounds = &self.extensions.entitlement;
        Some(ReceiptFacts {
            issuer: self.iss.clone(),
            issued_at: UnixSeconds(self.iat),
            network: network.to_owned(),
            resource_url: self.extensions.access.resource.clone(),
            action: self.extensions.access.action.clone(),
            grounds: grounds.facts(key(beneficiary)?)?,
        })
    }
}

impl Grounds {
    fn of(facts: &EntitlementFacts, network: &str) -> Self {
        let credits = facts.credits;
        Self {
            chain_time: facts.chain_time.0,
            created_at: facts.created_at.0,
            credits_granted: credits.map(|(granted, _)| granted.0.to_string()),
            credits_used: credits.map(|(_, used)| used.0.to_string()),
            entitlement: facts.entitlement.to_string(),
            expires_at: (facts.expires_at != UnixSeconds::NEVER).then_some(facts.expires_at.0),
            generation: facts.generation.to_string(),
            last_intent: facts.last_intent.to_string(),
            merchant: facts.merchant.to_string(),
            network: network.to_owned(),
            payments: facts.payments.to_string(),
            product: facts.product.to_string(),
            program: facts.program.to_string(),
            slot: facts.slot,
        }
    }

    fn facts(&self, beneficiary: Pubkey) -> Option<EntitlementFacts> {
        let credits = match (&self.credits_granted, &self.credits_used) {
            (Some(granted), Some(used)) => {
                Some((Credits(number(granted)?), Credits(number(used)?)))
            }
            (None, None) => None,
            _ => return None,
        };
        Some(EntitlementFacts {
            program: key(&self.program)?,
            merchant: key(&self.merchant)?,
            product: key(&self.product)?,
            beneficiary,
            entitlement: key(&self.entitlement)?,
            created_at: UnixSeconds(self.created_at),
            generation: number(&self.generation)?,
            expires_at: self.expires_at.map_or(UnixSeconds::NEVER, UnixSeconds),
            last_intent: key(&self.last_intent)?,
            payments: number(&self.payments)?,
            credits,
            slot: self.slot,
            chain_time: UnixSeconds(self.chain_time),
        })
    }
}

fn key(text: &str) -> Option<Pubkey> {
    base58_decode(text).map(Pubkey::new_from_array)
}

fn number(text: &str) -> Option<u64> {
    u64::from_str(text).ok()
}
