//! A plain transfer that comes with a request: is it the one that its route offered?
//!
//! [`Gate::transfer`] finds out by the request alone. What has become of the money is
//! the verifier's to find out; the answer to the caller rests on the entitlement then,
//! like every other.

use crate::challenge::transfer::{payment_id_in, requirements, requirements_v1};
use crate::exact::{ExactPayment, Policy};
use crate::gate::Gate;
use crate::offer::ProductOffer;
use crate::route::Settlement;
use crate::x402::{Advertised, PaymentPayload, Requirements, X402Error, check_echo};
use crate::x402::{PaymentIdentifier, Version};
use serde_json::json;
use tollgate_client::{PaymentId, Pubkey};

/// Most compute units that a client's transaction may ask for: what MPP allows; x402's
/// own clients ask for a tenth.
const MAX_COMPUTE_UNITS: u32 = 200_000;
/// The fee payer's and the payer's: each costs the relay 5,000 lamports.
const MAX_SIGNATURES: u8 = 2;

/// Whose transfer was settled: proof of a key like a sign-in, because the payer signed
/// the transfer. It gives no session: a signature under a payment says nothing about
/// the origin that it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettledPayer(Pubkey);

impl SettledPayer {
    /// For a payer whose signature was verified ([`crate::exact::verify`]) or whose
    /// transfer stands on chain under a payment id that only its caller was given.
    pub fn new(payer: Pubkey) -> Self {
        Self(payer)
    }

    /// The key.
    pub fn key(&self) -> &Pubkey {
        &self.0
    }
}

/// A transfer as its route offered it, signed by its payer.
#[derive(Clone, Debug)]
pub struct OfferedTransfer {
    /// The verified transaction.
    pub payment: ExactPayment,
    /// Where its money goes.
    pub settlement: Settlement,
    /// The payment id that it names; version 1 names none.
    pub payment_id: Option<PaymentId>,
    /// The client's version.
    pub version: Version,
    /// The client's own name for it.
    pub identifier: Option<PaymentIdentifier>,
}

impl Gate {
    /// The transfer that `payload` carries, if it pays for `offer` as a 402 of its route
    /// offered it. `None`: it pays by a scheme of another kind, whose money has gone its
    /// own way, or transfers are not taken here.
    ///
    /// # Errors
    /// [`X402Error`]: nothing of it has moved, because it lacks the relay's signature.
    pub fn transfer(
        &self,
        payload: &PaymentPayload,
        offer: &ProductOffer,
        settlement: Settlement,
    ) -> Result<Option<OfferedTransfer>, X402Error> {
        let Some(fee_payer) = self.fee_payer() else {
            return Ok(None);
        };
        if payload.scheme() != crate::exact::SCHEME {
            return Ok(None);
        }
        let identifier = PaymentIdentifier::of(payload)?;
        check_echo(
            &[Advertised {
                key: PaymentIdentifier::KEY,
                info: &json!({ "required": false }),
                dynamic: &[],
            }],
            payload,
        )?;
        let managed = vec![*fee_payer];
        let (requirements, policy, settlement, payment_id) = match payload {
            PaymentPayload::V1(_) => {
                let texts = (String::new(), String::new());
                let offered = requirements_v1(self, offer, fee_payer, texts.0, texts.1);
                (
                    Requirements::V1(offered),
                    Policy::x402_v1(managed),
                    Settlement::Vault,
                    None,
                )
            }
            PaymentPayload::V2(payload) => {
                let memo = payload.accepted.extra.as_ref();
                let payment_id = memo
                    .and_then(|extra| payment_id_in(extra.get("memo")?.as_str()?))
                    .ok_or(X402Error::InvalidPaymentRequirements)?;
                let pay_to = self.transfer_destination(offer, settlement, &payment_id);
                let offered = requirements(
                    self,
                    offer,
                    fee_payer,
                    pay_to.to_string(),
                    &payment_id.to_string(),
                );
                if !offered.is_accepted_by(&payload.accepted) {
                    return Err(X402Error::InvalidPaymentRequirements);
                }
                (
                    Requirements::V2(offered),
                    Policy::x402_v2(managed),
                    settlement,
                    Some(payment_id),
                )
            }
        };
        let policy = policy.bounded(MAX_COMPUTE_UNITS, MAX_SIGNATURES);
        let payment = payload.verify_exact(&requirements, &policy)?;
        Ok(Some(OfferedTransfer {
            payment,
            settlement,
            payment_id,
            version: payload.version(),
            identifier,
        }))
    }

    /// Whose token account a transfer under `payment_id` goes to.
    pub fn transfer_destination(
        &self,
        offer: &ProductOffer,
        settlement: Settlement,
        payment_id: &PaymentId,
    ) -> Pubkey {
        match settlement {
            Settlement::Deposit => self.addresses().quoted_intent(&offer.merchant, payment_id),
            Settlement::Vault => offer.merchant,
        }
    }
}
