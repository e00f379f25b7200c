//! Payments on every rail.

use super::super::action::{Action, Pay, RecordPayment, SettleDeposit};
use super::super::state::{Intent, Status};
use super::Generator;
use rand::Rng;
use solana_pubkey::Pubkey;

impl Generator<'_> {
    /// An intent that waits for its payment.
    pub(super) fn open_intent(&mut self, quoted: bool) -> (Pubkey, Option<Intent>) {
        let now = self.model.now;
        let (address, intent) = self.intent(|intent| {
            intent.status == Status::Open
                && now < intent.expires_at
                && (!quoted || intent.author == intent.merchant)
        });
        (address, intent.cloned())
    }

    pub(super) fn pay(&mut self) -> Action {
        let (address, intent) = self.open_intent(false);
        let merchant = intent.as_ref().map(|it| it.merchant);
        let mint = intent.as_ref().map_or(self.places.mints[0], |it| it.mint);
        let some = self.payer();
        let payer = self.key(intent.as_ref().and_then(|it| it.payer).unwrap_or(some));
        let beneficiary = intent.as_ref().and_then(|it| it.beneficiary);
        let beneficiary = self.key(beneficiary.unwrap_or(payer));
        let vault = self.vault(merchant, mint);
        let product = intent.as_ref().map(|it| it.product).unwrap_or_default();
        let nobody = self.wild() && self.chance(4);
        Action::Pay(Pay {
            payer,
            rent_payer: self.anybody(),
            merchant: self.merchant_or(merchant),
            intent: address,
            entitlement: self.entitlement_of(product, beneficiary),
            source: self.source(payer, mint, vault),
            vault,
            mint: self.mint_or(mint),
            amount: self.amount_or(intent.map_or(1, |intent| intent.amount)),
            beneficiary: if nobody {
                Pubkey::default()
            } else {
                beneficiary
            },
        })
    }

    /// A token account that `payer` may pay from: its own, or one that it is the
    /// delegate of; once in a while any other.
    fn source(&mut self, payer: Pubkey, mint: Pubkey, vault: Pubkey) -> Pubkey {
        let own = self.places.purses[&(payer, mint)];
        if self.wild() {
            let others = [
                vault,
                vault,
                self.places.purses[&(self.anybody(), mint)],
                self.tokens(),
            ];
            return self.one(&others);
        }
        let delegated: Vec<_> = (self.model.tokens.iter())
            .filter(|(_, held)| {
                let delegate = held.delegate.map(|(key, _)| key);
                held.mint == mint && delegate == Some(payer)
            })
            .map(|(address, _)| *address)
            .collect();
        if delegated.is_empty() || self.random.random() {
            own
        } else {
            self.one(&delegated)
        }
    }

    pub(super) fn settle_deposit(&mut self) -> Action {
        let now = self.model.now;
        let (intent, known, deposit, _) = self.deposited(|known, held| {
            known.status == Status::Open
                && now < known.expires_at
                && known.author == known.merchant
                && known.beneficiary.is_some()
                && held.mint == known.mint
                && held.amount >= known.amount
        });
        let merchant = known.as_ref().map(|it| it.merchant);
        let mint = known.as_ref().map_or(self.places.mints[0], |it| it.mint);
        let product = known.as_ref().map(|it| it.product).unwrap_or_default();
        let beneficiary = known.and_then(|it| it.beneficiary).unwrap_or_default();
        Action::SettleDeposit(SettleDeposit {
            rent_payer: self.anybody(),
            merchant: self.merchant_or(merchant),
            intent,
            entitlement: self.entitlement_of(product, beneficiary),
            deposit,
            vault: self.vault(merchant, mint),
            mint: self.mint_or(mint),
        })
    }

    pub(super) fn record_payment(&mut self) -> Action {
        let any = self.wild();
        let (address, intent) = self.open_intent(!any);
        let merchant = self.merchant_or(intent.as_ref().map(|it| it.merchant));
        let some = self.payer();
        // Who paid by card has no key.
        let payers = [some, Pubkey::default()];
        let payer = intent.as_ref().and_then(|it| it.payer);
        let payer = payer.unwrap_or(self.one(&payers));
        let beneficiary = intent.as_ref().and_then(|it| it.beneficiary);
        let beneficiary = self.key(beneficiary.unwrap_or(some));
        let product = intent.map_or(Pubkey::default(), |intent| intent.product);
        Action::RecordPayment(RecordPayment {
            operator: self.operator_of(merchant),
            rent_payer: self.anybody(),
            merchant,
            intent: address,
            entitlement: self.entitlement_of(product, beneficiary),
            rail: self.random.random_range(0..4),
            payer: self.key(payer),
            beneficiary,
        })
    }
}
