//! What differs from one 402 to the next for the same offer.

use crate::decision::{PaymentDue, PaymentReason};
use crate::gate::{Asked, Gate};
use crate::siwx::SignInTerms;
use std::borrow::Cow;
use tollgate_client::PaymentId;

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
    /// Whom a plain transfer pays, base58; `None` when transfers are not offered.
    pub transfer_to: Option<String>,
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
        asked: &Asked<'_>,
    ) -> Self {
        let offer = due.offer();
        let matched = asked.matched;
        let takes_transfers = asked.takes_transfers && gate.fee_payer().is_some();
        Self {
            resource_url: gate.origin().resource_url(&matched.path, asked.query),
            payment_id: payment_id.to_string(),
            reason: match due.refused() {
                Some(refused) => ReasonTexts {
                    code: refused.code.into(),
                    detail: refused.detail.clone().into(),
                },
                None => due.reason().into(),
            },
            sign_in: SignInTerms::new(
                gate.keys(),
                gate.origin(),
                &offer.product,
                asked.now,
                asked.entropy.nonce(),
            ),
            transfer_to: takes_transfers.then(|| {
                gate.transfer_destination(offer, matched.route.settlement(), payment_id)
                    .to_string()
            }),
            caller: due.caller().map(|caller| CallerTexts {
                beneficiary: caller.beneficiary.to_string(),
                entitlement: caller.entitlement.to_string(),
            }),
        }
    }
}
