//! Intents: made, given up, closed.

use super::super::action::{Action, CancelIntent, CloseIntent, CreateIntent};
use super::super::places::payment_ids;
use super::super::state::{Product, Status};
use super::Generator;
use rand::Rng;
use solana_pubkey::Pubkey;
use tollgate_client::{Amount, Credits, DurationSeconds, IntentTerms, Offer, Quote};

impl Generator<'_> {
    pub(super) fn create_intent(&mut self) -> Action {
        let product = self.product();
        let Some(terms) = self.model.products.get(&product).cloned() else {
            return self.create_product();
        };
        let merchant = self.merchant_or(Some(terms.merchant));
        let quoted = self.random.random_ratio(2, 3);
        let (creator, terms) = if quoted {
            (self.operator_of(merchant), self.quote(&terms))
        } else {
            let creators = [&self.places.payers[..], &self.places.strangers].concat();
            (self.one(&creators), self.list_price(&terms))
        };
        let author = if quoted { merchant } else { creator };
        let free: Vec<_> = (0..payment_ids(quoted))
            .filter(|id| {
                let address = self.places.intents[&(merchant, author, *id)];
                !self.model.intents.contains_key(&address)
            })
            .collect();
        let id = if free.is_empty() || self.wild() {
            self.random.random_range(0..payment_ids(quoted))
        } else {
            self.one(&free)
        };
        let expiries = [-1, 0, 1, 30 * 86_400, 30 * 86_400 + 1];
        let ahead = if self.wild() {
            self.one(&expiries)
        } else {
            self.random.random_range(1..6_000)
        };
        let address = self.places.intents[&(merchant, author, id)];
        let intent = if self.wild() && self.chance(2) {
            self.intent(|_| true).0
        } else {
            address
        };
        let named = self.random.random_ratio(4, 5);
        Action::CreateIntent(CreateIntent {
            creator,
            rent_payer: self.anybody(),
            merchant,
            product,
            intent,
            id,
            expires_at: self.model.now + ahead,
            beneficiary: named.then(|| self.payer()),
            terms,
        })
    }

    fn quote(&mut self, product: &Product) -> IntentTerms {
        let payers = [Pubkey::default(), Pubkey::default(), self.payer()];
        let metered = (product.credits > 0) != self.wild();
        IntentTerms::Quote(Quote {
            payer: self.one(&payers),
            amount: Amount(self.price()),
            access: DurationSeconds(self.access()),
            credits: Credits(if metered { self.credits() } else { 0 }),
            refund_window: DurationSeconds(self.window()),
        })
    }

    fn list_price(&mut self, product: &Product) -> IntentTerms {
        IntentTerms::ListPrice(Offer {
            amount: Amount(self.amount_or(product.price)),
            access: DurationSeconds(self.amount_or(product.access)),
            credits: Credits(self.amount_or(product.credits)),
        })
    }

    pub(super) fn cancel_intent(&mut self) -> Action {
        let (address, intent) = self.intent(|it| it.status == Status::Open);
        let intent = intent.cloned();
        let merchant = self.merchant_or(intent.as_ref().map(|intent| intent.merchant));
        let operator = self.operator_of(merchant);
        let author = intent.map_or(operator, |intent| intent.author);
        let signers = [operator, self.key(author)];
        let signer = self.one(&signers);
        // A merchant is the author of its quotes, and signs nothing.
        let known = self.places.keys.contains_key(&signer);
        Action::CancelIntent(CancelIntent {
            signer: if known { signer } else { operator },
            merchant,
            intent: address,
        })
    }

    pub(super) fn close_intent(&mut self) -> Action {
        let now = self.model.now;
        let (address, known) = self.intent(|it| match it.status {
            Status::Open => now >= it.expires_at,
            Status::Paid => now >= it.refund_until,
            Status::Cancelled | Status::Refunded => true,
        });
        let mint = known.map_or(self.places.mints[0], |known| known.mint);
        let rent_payer = known.map_or(self.places.payers[0], |known| known.rent_payer);
        let mint = self.mint_or(mint);
        Action::CloseIntent(CloseIntent {
            intent: address,
            deposit: self.places.deposits[&(address, mint)],
            rent_payer: self.key(rent_payer),
        })
    }
}
