//! The step between verdict and conclusion: a payment that comes with the request.
//!
//! It looks at a payment that is due and nothing else, so that whoever has paid is
//! served before anybody looks at their money. What it settles ends as every other
//! proof does: in a reading of the entitlement.
//!
//! Once money may have moved, no answer is a 402.

use solana_signature::Signature;
use tollgate_client::DurationSeconds;
use tollgate_gate::x402::{PaymentPayload, SettleResponse, Version, X402Error};
use tollgate_gate::{
    GateError, Identity, Next, OfferedTransfer, PaymentDue, RefusedPayment, SettledPayer,
};
use tracing::{info, warn};

use super::verdict::Verdict;
use super::way::Way;
use crate::app::App;
use crate::chain::Freshness;
use crate::error::ServiceError;
use crate::relay::RelayRefusal;
use crate::request_record::{self, Wait};
use crate::settlement::{Claim, Outcome, Paid};

/// A payment that came with a request, read but not looked into.
pub(super) type Presented = Result<PaymentPayload, X402Error>;

impl App {
    /// Settles the payment that came with the request, where one is due.
    ///
    /// # Errors
    /// That it is not known yet whether it is paid, or that it cannot be now.
    pub(super) async fn settle(
        &self,
        way: &mut Way,
        due: PaymentDue,
        presented: Presented,
    ) -> Result<Verdict, ServiceError> {
        let settlement = match &self.settlement {
            Some(settlement) if way.matched.route.offer().is_some() => settlement,
            // Nothing was offered to a payment that comes with a request.
            _ => return Ok(Verdict::Due(due)),
        };
        let route = &way.matched.route;
        let transfer = presented.and_then(|payload| {
            self.gate
                .transfer(&payload, due.offer(), route.settlement())
        });
        let transfer = match transfer {
            Ok(Some(transfer)) => transfer,
            Ok(None) => return Ok(Verdict::Due(due)),
            Err(error) => return Ok(self.refuse_payment(way, due, error)),
        };
        let OfferedTransfer {
            payment,
            settlement: to,
            payment_id,
            version,
            identifier: _,
        } = transfer;
        let payer = *payment.payer();
        way.trail.pays(payment_id);
        let claim = Claim {
            payment,
            way: to,
            product: due.offer().product,
            payment_id,
            cost: route.metering().cost,
        };
        let settling = settlement.settle(claim);
        let outcome = request_record::waiting(Wait::Chain, settling).await;
        let network = self.network_name(version);
        match outcome {
            Outcome::Paid(paid) => self.serve_paid(way, due, version, paid).await,
            Outcome::Refused(refusal) => {
                info!(%refusal, %payer, "a payment was not taken");
                let response = SettleResponse {
                    success: false,
                    error_reason: Some(refusal.code(version).to_owned()),
                    error_message: Some(refusal.to_string()),
                    ..SettleResponse::settled(&network, String::new(), &payer)
                };
                way.settled = Some(response);
                Ok(Verdict::Due(due.refusing(RefusedPayment {
                    code: refusal.code(version),
                    detail: refusal.to_string(),
                })))
            }
            Outcome::Pending { signature } => {
                way.settled = Some(SettleResponse {
                    transaction: text_of(signature),
                    ..SettleResponse::refused(
                        X402Error::SettlementPending,
                        version,
                        &network,
                        Some(&payer),
                    )
                });
                Err(GateError::SettlementPending.into())
            }
            Outcome::Duplicate { signature } => {
                way.settled = Some(SettleResponse {
                    transaction: signature.to_string(),
                    ..SettleResponse::refused(
                        X402Error::DuplicateSettlement,
                        version,
                        &network,
                        Some(&payer),
                    )
                });
                Err(GateError::DuplicateSettlement.into())
            }
            Outcome::Bounded(refusal) => Err(bounded(refusal)),
            Outcome::Busy => Err(GateError::Overloaded.into()),
            Outcome::Unavailable(reason) => {
                warn!(reason, "no payment can be settled now");
                Err(GateError::SettlementUnavailable.into())
            }
        }
    }

    /// A payment that is none: nothing of it can have moved, because the relay has not
    /// signed it.
    fn refuse_payment(&self, way: &mut Way, due: PaymentDue, error: X402Error) -> Verdict {
        way.settled = None;
        info!(%error, "a payment was refused");
        Verdict::Due(due.refusing(RefusedPayment {
            code: error.code(Version::V2),
            detail: error.to_string(),
        }))
    }

    /// The verdict about a payer whose access stands.
    async fn serve_paid(
        &self,
        way: &mut Way,
        due: PaymentDue,
        version: Version,
        paid: Paid,
    ) -> Result<Verdict, ServiceError> {
        let Paid {
            payer,
            signature,
            intent,
            slot,
            turn,
        } = paid;
        way.settled = Some(SettleResponse::settled(
            &self.network_name(version),
            text_of(signature),
            &payer,
        ));
        self.cache.saw_slot(slot);
        way.freshness = Freshness::Reread(slot);
        let who = Identity::Payer(SettledPayer::new(payer));
        let question = match self.gate.ask(due.offer().clone(), who) {
            Next::Read(question) => question.costing(way.matched.route.metering().cost),
            Next::Done(decision) => return Verdict::of(decision),
        };
        way.trail.has_paid(&question);
        let verdict = self.verdict(way, question).await;
        // From here on the credits are this request's: whoever waits behind may go on.
        drop(turn);
        match verdict {
            // Between the settlement and this reading the access went: it was used up by
            // another request, refunded or revoked. What was paid may be on its way back,
            // so that nobody is asked to pay again.
            Ok(Verdict::Due(_)) if signature.is_some() => {
                warn!(?intent, %payer, "what was paid for is used up already");
                Err(GateError::DuplicateSettlement.into())
            }
            other => other,
        }
    }

    /// The cluster's name in a version of x402.
    fn network_name(&self, version: Version) -> String {
        match version {
            Version::V1 => self.gate.network().v1_name().to_owned(),
            Version::V2 => self.gate.network().caip2().to_owned(),
        }
    }
}

/// A bound of the relay was reached; nothing was signed.
fn bounded(refusal: RelayRefusal) -> ServiceError {
    warn!(code = refusal.code(), %refusal, "the relay does not pay for this now");
    match refusal {
        RelayRefusal::PayerExhausted { retry_after } => ServiceError::until(
            GateError::RateLimited,
            DurationSeconds(retry_after.as_secs().max(1)),
        ),
        RelayRefusal::HourExhausted { retry_after } => ServiceError::until(
            GateError::SettlementUnavailable,
            DurationSeconds(retry_after.as_secs().max(1)),
        ),
        _ => GateError::SettlementUnavailable.into(),
    }
}

/// Base58; empty where there is no transaction, as x402 wants it.
fn text_of(signature: Option<Signature>) -> String {
    signature.map_or_else(String::new, |signature| signature.to_string())
}
