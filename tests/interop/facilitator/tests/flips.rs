//! No bit of a payment can be changed so that it says something else and still counts.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tollgate_client::Amount;
use tollgate_gate::exact::{ExactPayment, FeePayer, Policy, Requirement, verify};
use tollgate_gate::x402::Version;
use tollgate_interop_facilitator::payment::Payment;
use tollgate_interop_facilitator::world::World;

/// Bytes of the fee payer's signature, which nobody has made yet.
const FEE_PAYERS_SLOT: std::ops::Range<usize> = 1..65;

#[test]
fn a_changed_bit_is_refused_or_changes_nothing() {
    let world = World::random(&mut StdRng::seed_from_u64(11));
    for legacy in [false, true] {
        let mut payment = Payment::new(&world, Version::V2);
        payment.legacy = legacy;
        payment.with_memo();
        let requirement = Requirement {
            mint: world.mint,
            pay_to: world.pay_to,
            amount: Amount(world.amount),
            fee_payer: FeePayer::Managed(payment.fee_payer),
            memo: Some(world.memo.clone()),
            token_program: None,
        };
        let policy = Policy::x402_v2(payment.managed.clone());
        let judge = |bytes: &[u8]| verify(&STANDARD.encode(bytes), &requirement, &policy);
        let good = payment.transaction();
        let facts = facts(&judge(&good).unwrap());
        for place in 0..good.len() {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[place] ^= 1 << bit;
                let found = judge(&bytes);
                let in_slot = FEE_PAYERS_SLOT.contains(&place);
                assert_eq!(found.is_ok(), in_slot, "byte {place}, bit {bit}: {found:?}");
                assert!(found.is_ok_and(|found| self::facts(&found) == facts) || !in_slot);
            }
        }
    }
}

#[test]
fn a_changed_character_of_the_base64_is_refused_or_changes_nothing() {
    let mut random = StdRng::seed_from_u64(12);
    let world = World::random(&mut random);
    let payment = Payment::new(&world, Version::V2);
    let requirement = Requirement {
        mint: world.mint,
        pay_to: world.pay_to,
        amount: Amount(world.amount),
        fee_payer: FeePayer::Managed(payment.fee_payer),
        memo: None,
        token_program: None,
    };
    let policy = Policy::x402_v2(payment.managed.clone());
    let good = STANDARD.encode(payment.transaction());
    let facts = facts(&verify(&good, &requirement, &policy).unwrap());
    for place in 0..good.len() {
        let mut text = good.clone().into_bytes();
        text[place] = random.random_range(b' '..=b'~');
        let text = String::from_utf8(text).unwrap();
        if let Ok(found) = verify(&text, &requirement, &policy) {
            assert_eq!(self::facts(&found), facts, "character {place}");
        }
    }
}

/// Everything that a payment says, but for the fee payer's slot.
fn facts(payment: &ExactPayment) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut transaction = payment.transaction().clone();
    transaction.signatures.remove(0);
    (
        (*payment.payer(), *payment.fee_payer(), payment.amount()),
        (*payment.source(), *payment.destination(), *payment.mint()),
        (payment.compute_unit_limit(), payment.compute_unit_price()),
        (payment.memo().map(<[u8]>::to_vec), *payment.message_hash()),
        transaction,
    )
}
