//! The terms of a purchase: made, given up, closed.

use super::super::action::{CancelIntent, CloseIntent, CreateIntent};
use super::super::places::Places;
use super::super::refusal::{Outcome, Refusal, ensure};
use super::super::state::{Era, Intent, Model, Rail, Status};
use super::{MAX_ACCESS, MAX_LIFETIME, MAX_WINDOW, named, waiting};
use tollgate_client::{IntentTerms, TollgateError as E};

impl Model {
    pub(super) fn create_intent(&mut self, it: &CreateIntent, places: &Places) -> Outcome {
        let merchant = self.merchant(&it.merchant)?.clone();
        let product = self.products.get(&it.product).ok_or(Refusal::Absent)?;
        ensure(!merchant.paused, E::MerchantPaused)?;
        ensure(product.merchant == it.merchant, E::MerchantMismatch)?;
        ensure(product.active, E::ProductInactive)?;
        let quoted = matches!(it.terms, IntentTerms::Quote(_));
        let allowed = !quoted || it.creator == merchant.operator;
        ensure(allowed, E::SignerNotAllowed)?;
        let author = if quoted { it.merchant } else { it.creator };
        let address = places.intents.get(&(it.merchant, author, it.id));
        ensure(address == Some(&it.intent), E::IntentMismatch)?;
        let in_time = self.now < it.expires_at && it.expires_at <= self.now + MAX_LIFETIME;
        ensure(in_time, E::ExpiryInvalid)?;
        let metered = product.credits > 0;
        let mut intent = Intent {
            merchant: it.merchant,
            product: it.product,
            mint: product.mint,
            author,
            payer: Some(it.creator),
            beneficiary: it.beneficiary,
            rent_payer: it.rent_payer,
            amount: product.price,
            refunded: 0,
            access: product.access,
            credits: product.credits,
            metered,
            window: product.window,
            created_at: self.now,
            expires_at: it.expires_at,
            status: Status::Open,
            rail: Rail::Unpaid,
            paid_at: 0,
            refund_until: 0,
            era: Era::default(),
        };
        match it.terms {
            IntentTerms::ListPrice(offer) => {
                let expected = (offer.amount.0, offer.access.0, offer.credits.0);
                let listed = (product.price, product.access, product.credits);
                ensure(expected == listed, E::TermsChanged)?;
            }
            IntentTerms::Quote(quote) => {
                ensure(quote.amount.0 > 0, E::PriceZero)?;
                ensure(quote.access.0 <= MAX_ACCESS, E::AccessTooLong)?;
                ensure(quote.refund_window.0 <= MAX_WINDOW, E::RefundWindowTooLong)?;
                ensure((quote.credits.0 > 0) == metered, E::MeteringFixed)?;
                intent.payer = named(quote.payer);
                intent.amount = quote.amount.0;
                intent.access = quote.access.0;
                intent.credits = quote.credits.0;
                intent.window = quote.refund_window.0;
            }
        }
        let free = !self.intents.contains_key(&it.intent);
        ensure(free, Refusal::Elsewhere)?;
        self.pay_rent(&it.rent_payer, &it.intent, self.rents.intent);
        self.intents.insert(it.intent, intent);
        Ok(())
    }

    pub(super) fn cancel_intent(&mut self, it: &CancelIntent) -> Outcome {
        let operator = self.merchant(&it.merchant)?.operator;
        let intent = self.intents.get_mut(&it.intent).ok_or(Refusal::Absent)?;
        waiting(intent, &it.merchant)?;
        let allowed = it.signer == operator || it.signer == intent.author;
        ensure(allowed, E::SignerNotAllowed)?;
        intent.status = Status::Cancelled;
        Ok(())
    }

    pub(super) fn close_intent(&mut self, it: &CloseIntent, places: &Places) -> Outcome {
        let intent = self.intent(&it.intent)?;
        ensure(intent.rent_payer == it.rent_payer, E::RentPayerMismatch)?;
        let last = match intent.status {
            Status::Open => self.now >= intent.expires_at,
            Status::Paid => self.now >= intent.refund_until,
            Status::Cancelled | Status::Refunded => true,
        };
        ensure(last, E::NotFinal)?;
        let deposit = places.deposits[&(it.intent, intent.mint)];
        ensure(it.deposit == deposit, E::DepositMismatch)?;
        ensure(!self.tokens.contains_key(&deposit), E::DepositPending)?;
        self.intents.remove(&it.intent);
        for payment in &mut self.standing {
            payment.intent = payment.intent.filter(|intent| *intent != it.intent);
        }
        self.return_rent(&it.intent, &it.rent_payer);
        Ok(())
    }
}
