//! The documents by which verifiers find the keys.

use super::{JWKS_PATH, ReceiptPublicKey};
use crate::origin::Origin;
use serde_json::{Value, json};

/// Most keys of a set that is read; more is no key set of ours.
const MAX_KEYS: usize = 16;

/// The public keys of one issuer: the one in use and those before it, whose receipts
/// still stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet(Vec<ReceiptPublicKey>);

impl KeySet {
    /// The key in use first. A key that occurs twice counts once.
    pub fn new(current: ReceiptPublicKey, previous: &[ReceiptPublicKey]) -> Self {
        let mut keys = vec![current];
        for key in previous {
            if !keys.contains(key) {
                keys.push(*key);
            }
        }
        Self(keys)
    }

    /// The key by its thumbprint or by its `did:key` URL.
    pub fn find(&self, key_id: &str) -> Option<&ReceiptPublicKey> {
        self.0
            .iter()
            .find(|key| key.key_id() == key_id || key.did_url() == key_id)
    }

    /// The JWKS (RFC 7517, RFC 8037).
    pub fn jwks(&self) -> Value {
        let keys: Vec<Value> = self.0.iter().map(jwk).collect();
        json!({ "keys": keys })
    }

    /// Reads a JWKS. Keys of other kinds are left out; no key of ours at all makes
    /// `None`.
    pub fn from_jwks(document: &Value) -> Option<Self> {
        let entries = document.get("keys")?.as_array()?;
        if entries.len() > MAX_KEYS {
            return None;
        }
        let keys: Vec<_> = entries.iter().filter_map(from_jwk).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// PEAC's issuer document; `None` where the origin is not `https`, because
    /// PEAC verifiers refuse any other.
    pub fn peac_issuer(&self, origin: &Origin) -> Option<Value> {
        origin.as_str().starts_with("https://").then(|| {
            json!({
                "version": "peac-issuer/0.1",
                "issuer": origin.as_str(),
                "jwks_uri": format!("{origin}{JWKS_PATH}"),
                "receipt_versions": [super::peac::MEDIA_TYPE],
                "algorithms": ["EdDSA"],
                "payment_rails": ["x402"],
            })
        })
    }

    /// The DID document of the origin's `did:web`: these keys may speak for this
    /// host. An offer-receipt's signature alone does not say that (section 4.5.1 of
    /// the extension), since anybody can sign with a key of their own.
    pub fn did_document(&self, origin: &Origin) -> Value {
        let did = origin.did_web();
        let methods: Vec<Value> = self
            .0
            .iter()
            .map(|key| {
                json!({
                    "id": format!("{did}#{}", key.key_id()),
                    "type": "JsonWebKey2020",
                    "controller": did,
                    "publicKeyJwk": jwk(key),
                })
            })
            .collect();
        let ids: Vec<_> = methods.iter().map(|method| method["id"].clone()).collect();
        let aliases: Vec<_> = self.0.iter().map(ReceiptPublicKey::did).collect();
        json!({
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
            "id": did,
            "alsoKnownAs": aliases,
            "verificationMethod": methods,
            "assertionMethod": ids,
        })
    }
}

fn jwk(key: &ReceiptPublicKey) -> Value {
    json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "kid": key.key_id(),
        "x": key.x(),
    })
}

/// The name is derived again instead of believed: a set cannot give one key the name
/// of another.
fn from_jwk(entry: &Value) -> Option<ReceiptPublicKey> {
    let is = |member: &str, value: &str| entry.get(member).and_then(Value::as_str) == Some(value);
    (is("kty", "OKP") && is("crv", "Ed25519"))
        .then(|| ReceiptPublicKey::from_x(entry.get("x")?.as_str()?))
        .flatten()
}
