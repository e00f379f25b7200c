//! Revocation, booking, closing.

use super::super::action::{CloseEntitlement, Consume, Revoke};
use super::super::refusal::{Outcome, Refusal, ensure};
use super::super::state::{Entitlement, Model};
use solana_pubkey::Pubkey;
use tollgate_client::TollgateError as E;

impl Model {
    pub(super) fn revoke(&mut self, it: &Revoke) -> Outcome {
        let now = self.now;
        let held = self.served_by(&it.operator, &it.merchant, &it.entitlement)?;
        held.revoked = true;
        held.expires_at = held.expires_at.min(now);
        Ok(())
    }

    pub(super) fn consume(&mut self, it: &Consume) -> Outcome {
        let held = self.served_by(&it.operator, &it.merchant, &it.entitlement)?;
        ensure(held.created_at == it.created_at, E::EntitlementReplaced)?;
        ensure(held.metered, E::NotMetered)?;
        let possible = held.credits_used..=held.credits_granted;
        ensure(possible.contains(&it.used), E::CreditsOutOfRange)?;
        held.credits_used = it.used;
        Ok(())
    }

    pub(super) fn close_entitlement(&mut self, it: &CloseEntitlement) -> Outcome {
        let held = self.entitlements.get(&it.entitlement);
        let held = held.ok_or(Refusal::Absent)?;
        ensure(held.rent_payer == it.rent_payer, E::RentPayerMismatch)?;
        let last = !held.usable(self.now) && self.now >= held.refundable_until;
        ensure(last && self.now > held.created_at, E::NotFinal)?;
        self.entitlements.remove(&it.entitlement);
        self.return_rent(&it.entitlement, &it.rent_payer);
        let over = it.entitlement;
        self.standing.retain(|payment| payment.entitlement != over);
        Ok(())
    }

    /// The entitlement at `address`, if `operator` may end it and book on it.
    fn served_by(
        &mut self,
        operator: &Pubkey,
        merchant: &Pubkey,
        address: &Pubkey,
    ) -> Result<&mut Entitlement, Refusal> {
        let required = self.merchant(merchant)?.operator;
        let held = self.entitlements.get_mut(address).ok_or(Refusal::Absent)?;
        ensure(held.merchant == *merchant, E::MerchantMismatch)?;
        ensure(*operator == required, E::SignerNotAllowed)?;
        Ok(held)
    }
}

impl Entitlement {
    /// Whether a server has to serve its beneficiary.
    pub fn usable(&self, now: i64) -> bool {
        let exhausted = self.metered && self.credits_used >= self.credits_granted;
        !self.revoked && now < self.expires_at && !exhausted
    }
}
