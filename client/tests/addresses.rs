//! No two accounts share an address, whatever keys and names they are made from.

use proptest::prelude::*;
use std::collections::BTreeSet;
use tollgate_client::{Addresses, PaymentId, Pubkey, Slug};

/// Few values for each part, so that the same bytes often stand in different places.
fn part() -> impl Strategy<Value = [u8; 32]> {
    prop_oneof![
        Just([0; 32]),
        Just([b'a'; 32]),
        // As the seeds of the account types begin.
        Just(*b"merchantmerchantmerchantmerchant"),
        Just(*b"intentintentintentintentintentin"),
        any::<[u8; 32]>(),
    ]
}

proptest! {
    // Each case derives twelve addresses, which takes its time unoptimised.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn different_seeds_lead_to_different_addresses(first in part(), second in part(), third in part()) {
        let at = Addresses::default();
        let key = Pubkey::new_from_array;
        let mut seeds = BTreeSet::new();
        let mut addresses = BTreeSet::new();
        for [one, two, three] in [
            [first, second, third],
            [second, first, third],
            [third, second, first],
        ] {
            for (kind, given, address) in [
                ("merchant", vec![one], at.merchant(&key(one))),
                ("product", vec![one, two], at.product(&key(one), &Slug(two))),
                (
                    "intent",
                    vec![one, two, three],
                    at.intent(&key(one), &key(two), &PaymentId(three)),
                ),
                ("entitlement", vec![one, two], at.entitlement(&key(one), &key(two))),
            ] {
                seeds.insert((kind, given));
                addresses.insert(address);
            }
        }
        prop_assert_eq!(addresses.len(), seeds.len());
    }

    #[test]
    fn two_deployments_share_no_address(owner: [u8; 32], program: [u8; 32]) {
        let (here, there) = (Addresses::default(), Addresses::new(Pubkey::new_from_array(program)));
        let owner = Pubkey::new_from_array(owner);
        prop_assert_ne!(here.merchant(&owner), there.merchant(&owner));
    }
}
