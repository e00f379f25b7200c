//! Receipts for granted requests: signed when something new is to be said, given
//! out again while nothing is.
//!
//! Two Ed25519 signatures cost more than everything else on the way of a request
//! with a session. A receipt states a reading, and the same reading of the same
//! account opens the same resource again: so the receipts of one entitlement, method
//! and URL are kept for as long as the account stands unchanged, at most for the
//! configured time. They say when they were issued and which slot they rest on.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use quick_cache::sync::Cache;
use tokio::time::Instant;
use tollgate_client::{Pubkey, UnixSeconds};
use tollgate_gate::headers::PAYMENT_RESPONSE;
use tollgate_gate::receipt::{
    self, EntitlementFacts, KeySet, MAX_PEAC_HEADER_BYTES, PEAC_RECEIPT, ReceiptFacts, ReceiptKey,
};
use tollgate_gate::x402::Object;
use tollgate_gate::{Entitled, Gate, RouteMatch};

use crate::config::ReceiptsConfig;

/// The most pairs of receipts that are kept: about 12 MiB with ordinary URLs.
const MAX_KEPT: usize = 4_096;

/// Issues receipts and keeps them for a while.
pub(crate) struct ReceiptDesk {
    key: Arc<ReceiptKey>,
    keys: KeySet,
    reuse: Duration,
    kept: Cache<Subject, Arc<Issued>>,
}

/// Who did what with which resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Subject {
    entitlement: Pubkey,
    method: Method,
    resource_url: String,
}

/// The receipts of one grant, as headers.
#[derive(Debug)]
pub(crate) struct Issued {
    at: Instant,
    grounds: EntitlementFacts,
    id: Arc<str>,
    peac: Option<HeaderValue>,
    payment_response: Option<HeaderValue>,
    /// What the offer-receipt adds to the result of a payment.
    extensions: Object,
}

/// What is asked for with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served<'a> {
    pub(crate) matched: &'a RouteMatch,
    pub(crate) method: &'a Method,
    pub(crate) query: Option<&'a str>,
}

impl ReceiptDesk {
    pub(crate) fn new(config: &ReceiptsConfig) -> Self {
        Self {
            key: Arc::clone(&config.signing_key),
            keys: KeySet::new(config.signing_key.public(), &config.previous_keys),
            reuse: config.reuse,
            kept: Cache::new(MAX_KEPT),
        }
    }

    /// The public keys.
    pub(crate) fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// The receipts for a request that is let through.
    pub(crate) fn issue(
        &self,
        gate: &Gate,
        entitled: &Entitled,
        served: Served<'_>,
        now: UnixSeconds,
    ) -> Arc<Issued> {
        let resource_url = resource_url(gate, served);
        let facts = ReceiptFacts::of(gate, entitled, resource_url, served.method.as_str(), now);
        let subject = Subject {
            entitlement: facts.grounds.entitlement,
            method: served.method.clone(),
            resource_url: facts.resource_url.clone(),
        };
        let arrived = Instant::now();
        if let Some(kept) = self.kept.get(&subject)
            && arrived.saturating_duration_since(kept.at) < self.reuse
            && kept.grounds.is_same_state(&facts.grounds)
        {
            return kept;
        }
        let issued = Arc::new(Issued::new(&self.key, facts, arrived));
        if !self.reuse.is_zero() {
            self.kept.insert(subject, Arc::clone(&issued));
        }
        issued
    }
}

/// The URL of the 402, so that receipt and offer name the same resource. A query
/// that makes it too long for a receipt is left out.
fn resource_url(gate: &Gate, served: Served<'_>) -> String {
    let path = &served.matched.path;
    let url = gate.origin().resource_url(path, served.query);
    if url.len() <= receipt::peac::MAX_RESOURCE_BYTES {
        url
    } else {
        gate.origin().resource_url(path, None)
    }
}

impl Issued {
    fn new(key: &ReceiptKey, facts: ReceiptFacts, at: Instant) -> Self {
        let receipts = receipt::issue(key, &facts);
        let header = |text: &str| HeaderValue::from_str(text).ok();
        Self {
            at,
            grounds: facts.grounds,
            id: receipts.id.into(),
            // Only a path of over 2,000 bytes makes it too long; the offer-receipt
            // still goes out.
            peac: header(&receipts.peac).filter(|value| value.len() <= MAX_PEAC_HEADER_BYTES),
            payment_response: header(&receipts.payment_response),
            extensions: receipts.extensions,
        }
    }

    /// The id of the pair.
    pub(crate) fn id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }

    /// The offer-receipt, as `extensions` of the result of a payment.
    pub(crate) fn extensions(&self) -> &Object {
        &self.extensions
    }

    /// Puts the receipts on an answer. The record of the decision goes on every
    /// one; the offer-receipt says that service was delivered, so that it goes only
    /// where it was.
    pub(crate) fn put_on(&self, status: StatusCode, headers: &mut HeaderMap) {
        if let Some(value) = &self.peac {
            headers.insert(PEAC_RECEIPT, value.clone());
        }
        if let Some(value) = &self.payment_response
            && (status.is_success() || status.is_redirection())
        {
            headers.insert(PAYMENT_RESPONSE, value.clone());
        }
    }
}
