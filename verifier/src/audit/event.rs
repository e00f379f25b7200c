//! What a request tells the log.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tollgate_client::{PaymentId, Pubkey, Slug};
use tollgate_gate::Route;

use super::{Kind, Record};

/// How a key was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// By signing in with this request.
    SignIn,
    /// By a session token.
    Session,
    /// Not at all: somebody asked about it.
    None,
}

impl Proof {
    fn word(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Session => "session",
            Self::None => "none",
        }
    }
}

/// One decision. Kept small and cheap to make: the words are the writer's work.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) time: i64,
    pub(crate) kind: Kind,
    pub(crate) code: &'static str,
    pub(crate) request: Option<Arc<str>>,
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) product: Option<Slug>,
    pub(crate) beneficiary: Option<Pubkey>,
    pub(crate) proof: Option<Proof>,
    pub(crate) entitlement: Option<Pubkey>,
    pub(crate) slot: Option<u64>,
    pub(crate) last_intent: Option<Pubkey>,
    pub(crate) payment_id: Option<PaymentId>,
    pub(crate) receipt: Option<Arc<str>>,
}

impl Event {
    pub(crate) fn new(kind: Kind, code: &'static str) -> Self {
        Self {
            time: milliseconds(),
            kind,
            code,
            request: None,
            route: None,
            product: None,
            beneficiary: None,
            proof: None,
            entitlement: None,
            slot: None,
            last_intent: None,
            payment_id: None,
            receipt: None,
        }
    }

    pub(super) fn record(&self) -> Record {
        let text = |key: &Pubkey| key.to_string();
        Record {
            code: Some(self.code.to_owned()),
            request: self.request.as_deref().map(str::to_owned),
            route: self.route.as_ref().map(|route| route.pattern().to_string()),
            product: self.product.map(|slug| slug.to_string()),
            beneficiary: self.beneficiary.as_ref().map(text),
            proof: self.proof.map(|proof| proof.word().to_owned()),
            entitlement: self.entitlement.as_ref().map(text),
            slot: self.slot,
            last_intent: self.last_intent.as_ref().map(text),
            payment_id: self.payment_id.map(|id| id.to_string()),
            receipt: self.receipt.as_deref().map(str::to_owned),
            ..Record::new(self.kind, self.time)
        }
    }
}

/// This machine's clock, in milliseconds since 1970.
pub(super) fn milliseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
