//! The three rails, and what a payment grants.

use super::super::action::{Pay, RecordPayment, SettleDeposit};
use super::super::places::Places;
use super::super::refusal::{Outcome, Refusal, ensure};
use super::super::state::{Entitlement, Era, Intent, Model, Rail, Standing, Status};
use super::{named, waiting};
use solana_pubkey::Pubkey;
use tollgate_client::TollgateError as E;

/// What a payment brings besides the intent.
struct Settling {
    payer: Pubkey,
    beneficiary: Pubkey,
    rail: Rail,
    entitlement: Pubkey,
    rent_payer: Pubkey,
}

impl Model {
    pub(super) fn pay(&mut self, it: &Pay, places: &Places) -> Outcome {
        let paused = self.merchant(&it.merchant)?.paused;
        let intent = self.intent(&it.intent)?;
        let vault = places.vaults[&(intent.merchant, intent.mint)];
        ensure(it.vault == vault, E::VaultMismatch)?;
        ensure(it.mint == intent.mint, E::MintMismatch)?;
        ensure(!paused, E::MerchantPaused)?;
        waiting(&intent, &it.merchant)?;
        ensure(it.amount == intent.amount, E::AmountMismatch)?;
        let settling = Settling {
            payer: it.payer,
            beneficiary: it.beneficiary,
            rail: Rail::Pay,
            entitlement: it.entitlement,
            rent_payer: it.rent_payer,
        };
        self.settle(&it.intent, &settling, places)?;
        ensure(it.source != it.vault, E::AccountsAliased)?;
        self.move_tokens(&it.source, &it.vault, &it.payer, intent.amount)?;
        self.flow(&vault).settled += intent.amount;
        Ok(())
    }

    pub(super) fn settle_deposit(&mut self, it: &SettleDeposit, places: &Places) -> Outcome {
        let paused = self.merchant(&it.merchant)?.paused;
        let intent = self.intent(&it.intent)?;
        let held = self.tokens.get(&it.deposit).ok_or(Refusal::Absent)?.clone();
        let own = held.owner == it.intent && held.mint == intent.mint;
        ensure(own, E::DepositMismatch)?;
        let vault = places.vaults[&(intent.merchant, intent.mint)];
        ensure(it.vault == vault, E::VaultMismatch)?;
        ensure(it.mint == intent.mint, E::MintMismatch)?;
        ensure(!paused, E::MerchantPaused)?;
        waiting(&intent, &it.merchant)?;
        ensure(intent.author == intent.merchant, E::DepositNotOffered)?;
        let beneficiary = intent.beneficiary.ok_or(E::DepositNotOffered)?;
        let encumbered = held.delegate.is_some() || held.closer.is_some();
        ensure(!encumbered, E::DepositEncumbered)?;
        ensure(held.amount >= intent.amount, E::DepositShort)?;
        let settling = Settling {
            payer: intent.payer.unwrap_or(beneficiary),
            beneficiary,
            rail: Rail::Deposit,
            entitlement: it.entitlement,
            rent_payer: it.rent_payer,
        };
        self.settle(&it.intent, &settling, places)?;
        self.move_tokens(&it.deposit, &vault, &it.intent, intent.amount)?;
        self.flow(&vault).settled += intent.amount;
        Ok(())
    }

    pub(super) fn record_payment(&mut self, it: &RecordPayment, places: &Places) -> Outcome {
        let merchant = self.merchant(&it.merchant)?.clone();
        let intent = self.intent(&it.intent)?;
        ensure(it.operator == merchant.operator, E::SignerNotAllowed)?;
        ensure(!merchant.paused, E::MerchantPaused)?;
        waiting(&intent, &it.merchant)?;
        ensure(intent.author == intent.merchant, E::SignerNotAllowed)?;
        let settling = Settling {
            payer: it.payer,
            beneficiary: it.beneficiary,
            rail: Rail::Attested(it.rail),
            entitlement: it.entitlement,
            rent_payer: it.rent_payer,
        };
        self.settle(&it.intent, &settling, places)
    }

    /// The intent becomes paid and the entitlement stands.
    fn settle(&mut self, address: &Pubkey, by: &Settling, places: &Places) -> Outcome {
        let now = self.now;
        let mut intent = self.intent(address)?;
        ensure(now < intent.expires_at, E::IntentExpired)?;
        let fits = |named: Option<Pubkey>, given| named.is_none_or(|key| key == given);
        ensure(fits(intent.payer, by.payer), E::PayerMismatch)?;
        let fitting = fits(intent.beneficiary, by.beneficiary);
        ensure(fitting, E::BeneficiaryMismatch)?;
        ensure(by.beneficiary != Pubkey::default(), E::KeyMissing)?;
        intent.status = Status::Paid;
        intent.payer = named(by.payer);
        intent.beneficiary = Some(by.beneficiary);
        intent.rail = by.rail;
        intent.paid_at = now;
        intent.refund_until = now.checked_add_unsigned(intent.window).unwrap();

        let foreign = self.tokens.contains_key(&by.entitlement);
        ensure(!foreign, E::EntitlementOwner)?;
        let due = places.entitlements[&(intent.product, by.beneficiary)];
        ensure(by.entitlement == due, E::EntitlementMismatch)?;
        self.stand(due, &intent, by);
        intent.era = self.grant(due, address, &intent)?;
        self.standing.push(Standing {
            intent: Some(*address),
            entitlement: due,
            era: intent.era,
            access: intent.access,
            credits: intent.credits,
        });
        self.intents.insert(*address, intent);
        Ok(())
    }

    /// The entitlement exists.
    fn stand(&mut self, address: Pubkey, intent: &Intent, by: &Settling) {
        if self.entitlements.contains_key(&address) {
            return;
        }
        let now = self.now;
        self.pay_rent(&by.rent_payer, &address, self.rents.entitlement);
        self.lives += 1;
        let created = Entitlement {
            era: Era {
                life: self.lives,
                generation: 0,
            },
            merchant: intent.merchant,
            product: intent.product,
            beneficiary: by.beneficiary,
            rent_payer: by.rent_payer,
            last_intent: Pubkey::default(),
            revoked: false,
            metered: intent.metered,
            expires_at: now,
            credits_granted: 0,
            credits_used: 0,
            payments: 0,
            created_at: now,
            timed_until: now,
            unlimited: 0,
            refundable_until: 0,
        };
        self.entitlements.insert(address, created);
    }

    /// The entitlement has what the payment of `intent` adds; answers with the era
    /// that it was added to.
    fn grant(&mut self, address: Pubkey, from: &Pubkey, intent: &Intent) -> Result<Era, Refusal> {
        let now = self.now;
        let held = self.entitlements.get_mut(&address).unwrap();
        // What was revoked or has lapsed does not come back: it begins anew, and
        // its unused credits are gone.
        if held.revoked || now >= held.expires_at {
            held.revoked = false;
            held.metered = intent.metered;
            held.timed_until = now;
            held.unlimited = 0;
            held.credits_granted = held.credits_used;
            held.era.generation += 1;
            self.standing
                .retain(|payment| payment.entitlement != address);
        }
        ensure(held.metered == intent.metered, E::MeteringFixed)?;
        if intent.access == 0 {
            held.unlimited += 1;
        } else {
            let from = held.timed_until.max(now);
            held.timed_until = from.checked_add_unsigned(intent.access).unwrap();
        }
        held.credits_granted = held
            .credits_granted
            .checked_add(intent.credits)
            .ok_or(E::ArithmeticOverflow)?;
        held.payments += 1;
        held.last_intent = *from;
        held.refundable_until = held.refundable_until.max(intent.refund_until);
        held.set_expiry();
        Ok(held.era)
    }
}
