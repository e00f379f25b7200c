//! What differs from one 402 to the next for the same offer.

use crate::decision::{PaymentDue, PaymentReason};
use crate::gate::{Entropy, Gate};
use crate::siwx::SignInTerms;
use std::borrow::Cow;
use tollgate_client::{PaymentId, UnixSeconds};

/// The texts that differ. Everything else in a 402 follows from the gate's settings
/// and the offer, so that it can be written once ([`super::template`]).
#[derive(Clone, Debug)]
pub(super) struct Particulars {
    /// What is asked for.
    pub resource_url: String,
    /// Base58.
    pub payment_id: String,
    /// Why payment is demanded.
    pub reason: ReasonTexts,
    /// `None` for times that RFC 3339 cannot write: then there is no sign-in.
    pub sign_in: Option<SignInTerms>,
    /// `None` when nobody proved a key.
    pub caller: Option<CallerTexts>,
}

/// A [`PaymentReason`] in words.
#[derive(Clone, Debug)]
pub(super) struct ReasonTexts {
    /// Its stable code.
    pub code: Cow<'static, str>,
    /// A sentence.
    pub detail: Cow<'static, str>,
}

impl From<PaymentReason> for ReasonTexts {
    fn from(reason: PaymentReason) -> Self {
        Self {
            code: reason.code().into(),
            detail: reason.detail().into(),
        }
    }
}

/// A caller who proved a key.
#[derive(Clone, Debug)]
pub(super) struct CallerTexts {
    /// The key, base58.
    pub beneficiary: String,
    /// The entitlement account's address, base58.
    pub entitlement: String,
}

impl Particulars {
    pub(super) fn new(
        gate: &Gate,
        due: &PaymentDue,
        payment_id: &PaymentId,
        resource_url: String,
        now: UnixSeconds,
        entropy: &Entropy,
    ) -> Self {
        let product = &due.offer().product;
        Self {
            resource_url,
            payment_id: payment_id.to_string(),
            reason: due.reason().into(),
            sign_in: SignInTerms::new(gate.keys(), gate.origin(), product, now, entropy.nonce()),
            caller: due.caller().map(|caller| CallerTexts {
                beneficiary: caller.beneficiary.to_string(),
                entitlement: caller.entitlement.to_string(),
            }),
        }
    }
}
