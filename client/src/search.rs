//! Searching a cluster for accounts of the program by what stands in them.
//!
//! A server compares bytes at a place (`getProgramAccounts` with `memcmp`). The places
//! are those of the program's own structures, so that they cannot drift.

use crate::{PaymentIntent, Pubkey};
use anchor_lang::Discriminator;
use std::mem::offset_of;

/// Most conditions of one search; servers refuse more.
pub const MOST_CONDITIONS: usize = 4;

/// One condition: these bytes at this place of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Where, counted from the account's first byte.
    pub offset: usize,
    /// What has to stand there.
    pub bytes: Vec<u8>,
}

/// A search for payment intents, narrowed by its methods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentSearch(Vec<Condition>);

impl Default for IntentSearch {
    fn default() -> Self {
        Self(vec![Condition {
            offset: 0,
            bytes: PaymentIntent::DISCRIMINATOR.to_vec(),
        }])
    }
}

impl IntentSearch {
    /// Those of one merchant account.
    #[must_use]
    pub fn of_merchant(self, merchant: &Pubkey) -> Self {
        self.with(offset_of!(PaymentIntent, merchant), merchant)
    }

    /// Those for one product account.
    #[must_use]
    pub fn of_product(self, product: &Pubkey) -> Self {
        self.with(offset_of!(PaymentIntent, product), product)
    }

    /// Those whose entitlement is this key's.
    #[must_use]
    pub fn for_beneficiary(self, beneficiary: &Pubkey) -> Self {
        self.with(offset_of!(PaymentIntent, beneficiary), beneficiary)
    }

    /// Those whose rent this key paid.
    #[must_use]
    pub fn rented_by(self, rent_payer: &Pubkey) -> Self {
        self.with(offset_of!(PaymentIntent, rent_payer), rent_payer)
    }

    /// The conditions, all of which must hold.
    pub fn conditions(&self) -> &[Condition] {
        &self.0
    }

    fn with(mut self, field: usize, key: &Pubkey) -> Self {
        self.0.push(Condition {
            offset: PaymentIntent::DISCRIMINATOR.len() + field,
            bytes: key.to_bytes().to_vec(),
        });
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::accounts::encode;
    use crate::{
        Addresses, Amount, Credits, DurationSeconds, PaymentId, Product, Slug, UnixSeconds,
    };
    use crate::{IntentTerms, QuotedPurchase};
    use tollgate::state::IntentOrigin;

    fn key(number: u8) -> Pubkey {
        Pubkey::new_from_array([number; 32])
    }

    /// An intent in which every key differs, as the program writes it.
    fn intent_bytes() -> Vec<u8> {
        let product = Product {
            version: 1,
            bump: 255,
            active: true,
            decimals: 6,
            reserved: [0; 4],
            merchant: key(1),
            mint: key(2),
            vault: key(3),
            rent_payer: key(4),
            slug: Slug::new("quotes").unwrap(),
            price: Amount(10_000),
            access: DurationSeconds(60),
            credits: Credits(0),
            refund_window: DurationSeconds(0),
            created_at: UnixSeconds(0),
        };
        let quoted = QuotedPurchase::of_product(
            (key(5), &product),
            (key(6), key(7)),
            (key(8), PaymentId([9; 32])),
            DurationSeconds(3_600),
            UnixSeconds(900),
        );
        let origin = IntentOrigin {
            bump: 255,
            creator: quoted.operator,
            rent_payer: quoted.rent_payer,
            product: quoted.product,
            payment_id: quoted.payment_id,
            beneficiary: quoted.payer,
            expires_at: quoted.expires_at,
            now: UnixSeconds(1),
        };
        let terms = IntentTerms::Quote(quoted.terms);
        encode(&PaymentIntent::open(origin, &terms, &product).unwrap())
    }

    fn finds(search: &IntentSearch, account: &[u8]) -> bool {
        search.conditions().iter().all(|condition| {
            let end = condition.offset + condition.bytes.len();
            account.get(condition.offset..end) == Some(condition.bytes.as_slice())
        })
    }

    #[test]
    fn a_search_finds_by_each_field_and_by_no_other() {
        let account = intent_bytes();
        let whole = IntentSearch::default()
            .of_product(&key(5))
            .for_beneficiary(&key(8))
            .rented_by(&key(7));
        assert_eq!(whole.conditions().len(), MOST_CONDITIONS);
        assert!(finds(&whole, &account));
        assert!(finds(
            &IntentSearch::default().of_merchant(&key(1)),
            &account
        ));
        for number in 0..=255 {
            let named = |expected| assert!(number == expected, "{number}");
            if finds(&IntentSearch::default().of_merchant(&key(number)), &account) {
                named(1);
            }
            if finds(&IntentSearch::default().of_product(&key(number)), &account) {
                named(5);
            }
            if finds(
                &IntentSearch::default().for_beneficiary(&key(number)),
                &account,
            ) {
                named(8);
            }
            if finds(&IntentSearch::default().rented_by(&key(number)), &account) {
                named(7);
            }
        }
    }

    #[test]
    fn a_quote_is_refundable_at_least_as_long_as_asked() {
        let addresses = Addresses::default();
        let purchase = QuotedPurchase {
            operator: key(6),
            rent_payer: key(7),
            merchant: key(1),
            product: key(5),
            payment_id: PaymentId([9; 32]),
            payer: key(8),
            terms: crate::Quote {
                payer: key(8),
                amount: Amount(1),
                access: DurationSeconds(0),
                credits: Credits(0),
                refund_window: DurationSeconds(3_600),
            },
            expires_at: UnixSeconds(1),
        };
        let create = purchase.create(&addresses);
        assert!(
            create
                .accounts
                .iter()
                .any(|meta| meta.pubkey == purchase.intent(&addresses))
        );
    }
}
