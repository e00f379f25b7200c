//! The name that all challenges for one purchase share.
//!
//! A challenge is made without state (reference/protocols.md 10.3): the id is an
//! authentication code over what is being bought. For a caller who is known it
//! stays the same until a payment lands and differs afterwards, so that a payer who
//! was interrupted is always sent back to the same purchase and cannot pay it twice
//! (the second `create_intent` finds the account). A caller who is not known gets a
//! fresh id each time; two strangers never share one.
//!
//! A payer may use any id: the program derives the intent from the payer's key, so
//! that an id that somebody else learnt is of no use to them.

use crate::keys::{KeyRing, Purpose};
use tollgate_client::{Addresses, Entitlement, PaymentId, Pubkey, cheapest_payment_id};

/// How far a caller's purchases of one product have come; changes with every
/// payment, refund and re-creation of the entitlement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    payments: u64,
    last_intent: Pubkey,
}

impl Progress {
    /// Before the first payment.
    pub fn none() -> Self {
        Self::default()
    }

    /// As the entitlement records it.
    pub fn of(entitlement: &Entitlement) -> Self {
        Self {
            payments: entitlement.payments,
            last_intent: entitlement.last_intent,
        }
    }
}

/// What a caller who proved a key would buy next.
#[derive(Clone, Copy, Debug)]
pub struct NextPurchase<'a> {
    /// The merchant account.
    pub merchant: &'a Pubkey,
    /// The product account.
    pub product: &'a Pubkey,
    /// Whose entitlement it becomes; also expected to pay.
    pub beneficiary: &'a Pubkey,
    /// How far the caller has come.
    pub progress: &'a Progress,
}

/// The id of the next purchase of a caller who proved a key; one whose intent costs
/// the payer least to create.
pub fn known(keys: &KeyRing, addresses: &Addresses, next: &NextPurchase<'_>) -> PaymentId {
    let NextPurchase {
        merchant,
        product,
        beneficiary,
        progress,
    } = next;
    cheapest_payment_id(addresses, merchant, beneficiary, |candidate| {
        PaymentId(keys.code(
            Purpose::KnownPaymentId,
            &[
                product.as_ref(),
                beneficiary.as_ref(),
                &progress.payments.to_le_bytes(),
                progress.last_intent.as_ref(),
                &[candidate],
            ],
        ))
    })
}

/// The id for a caller who is not known, from 32 random bytes.
pub fn anonymous(keys: &KeyRing, product: &Pubkey, random: &[u8; 32]) -> PaymentId {
    PaymentId(keys.code(Purpose::AnonymousPaymentId, &[product.as_ref(), random]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;
    use crate::keys::{KeyId, Secret};

    fn keys(byte: u8) -> KeyRing {
        KeyRing::new((KeyId(1), Secret::new(vec![byte; 32]).unwrap()), vec![]).unwrap()
    }

    fn next(
        keys: &KeyRing,
        product: &Pubkey,
        beneficiary: &Pubkey,
        progress: &Progress,
    ) -> PaymentId {
        let next = NextPurchase {
            merchant: &Pubkey::default(),
            product,
            beneficiary,
            progress,
        };
        known(keys, &Addresses::default(), &next)
    }

    #[test]
    fn the_id_of_a_known_caller_changes_with_everything_that_makes_another_purchase() {
        let (product, who) = (
            Pubkey::new_from_array([1; 32]),
            Pubkey::new_from_array([2; 32]),
        );
        let id = next(&keys(1), &product, &who, &Progress::none());
        assert_eq!(id, next(&keys(1), &product, &who, &Progress::none()));
        let paid = Progress {
            payments: 1,
            last_intent: Pubkey::new_from_array([3; 32]),
        };
        let refunded = Progress {
            payments: 0,
            ..paid
        };
        let others = [
            next(&keys(2), &product, &who, &Progress::none()),
            next(&keys(1), &who, &product, &Progress::none()),
            next(&keys(1), &product, &product, &Progress::none()),
            next(&keys(1), &product, &who, &paid),
            next(&keys(1), &product, &who, &refunded),
        ];
        let distinct: std::collections::HashSet<_> = others.iter().chain([&id]).collect();
        assert_eq!(distinct.len(), others.len() + 1);
    }

    #[test]
    fn strangers_never_share_an_id() {
        let product = Pubkey::new_from_array([1; 32]);
        let id = anonymous(&keys(1), &product, &[7; 32]);
        assert_eq!(id, anonymous(&keys(1), &product, &[7; 32]));
        assert_ne!(id, anonymous(&keys(1), &product, &[8; 32]));
        assert_ne!(id, anonymous(&keys(1), &Pubkey::default(), &[7; 32]));
        let who = Pubkey::new_from_array([7; 32]);
        assert_ne!(id, next(&keys(1), &product, &who, &Progress::none()));
    }
}
