//! Money back, and what it takes with it.

use super::purchase::another_customer;
use crate::World;
use crate::world::{DAY, FUNDS, PRICE, REFUND_WINDOW};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use spl_token_interface::error::TokenError;
use tollgate_client::instructions::AttestedPayment;
use tollgate_client::{
    Addresses, Amount, Credits, DurationSeconds, IntentStatus, IntentTerms, PaymentIntent, Quote,
    Rail, TollgateError, UnixSeconds,
};

fn refund(world: &mut World, intent: Pubkey, amount: u64) -> solana_instruction::Instruction {
    let stored: PaymentIntent = world.read(&intent).unwrap();
    world.addresses.refund(
        world.operator.pubkey(),
        intent,
        &stored,
        world.purse(),
        Amount(amount),
    )
}

pub fn a_full_refund_takes_back_what_was_granted(world: &mut World) {
    let operator = world.operator.insecure_clone();
    let product = world.product;
    let now = world.now();
    let (first, _) = world.buy(&product, 1);
    world.buy(&product, 2);
    let address = first.intent(&world.addresses);
    let back = refund(world, address, PRICE.0);
    world.send(&[back.clone()], &[&operator]).unwrap();
    let intent: PaymentIntent = world.read(&address).unwrap();
    assert_eq!(
        (intent.status, intent.refunded),
        (IntentStatus::Refunded, PRICE)
    );
    let entitlement = world.entitlement(&product).unwrap();
    assert_eq!(
        (entitlement.expires_at.0, entitlement.payments),
        (now.0 + DAY.0 as i64, 1)
    );
    let purse = world.purse();
    assert_eq!(
        (world.tokens(&purse), world.vault_balance()),
        (Amount(FUNDS.0 - PRICE.0), PRICE)
    );
    world.refused(&[back], &[&operator], TollgateError::IntentNotPaid);
}

pub fn a_partial_refund_takes_nothing_back(world: &mut World) {
    let operator = world.operator.insecure_clone();
    let product = world.product;
    let (purchase, _) = world.buy(&product, 1);
    let address = purchase.intent(&world.addresses);
    let before = world.entitlement(&product);
    let (nothing, part) = (refund(world, address, 0), refund(world, address, 1));
    world.refused(&[nothing], &[&operator], TollgateError::AmountZero);
    world.send(&[part], &[&operator]).unwrap();
    assert_eq!(world.entitlement(&product), before);
    for (amount, expected) in [
        (PRICE.0, TollgateError::RefundTooLarge),
        (u64::MAX, TollgateError::ArithmeticOverflow),
    ] {
        let too_much = refund(world, address, amount);
        world.refused(&[too_much], &[&operator], expected);
    }
    // The rest completes it.
    let rest = refund(world, address, PRICE.0 - 1);
    world.send(&[rest], &[&operator]).unwrap();
    let now = world.now();
    assert!(!world.entitlement(&product).unwrap().is_usable(now));
}

pub fn a_refund_is_possible_until_the_windows_last_second(world: &mut World) {
    let operator = world.operator.insecure_clone();
    let product = world.product;
    let start = world.now();
    for (id, offset, possible) in [(1, -1, true), (2, 0, false), (3, 1, false)] {
        world.set_time(start);
        let (purchase, _) = world.buy(&product, id);
        let address = purchase.intent(&world.addresses);
        world.set_time(UnixSeconds(start.0 + REFUND_WINDOW.0 as i64 + offset));
        let back = refund(world, address, 1);
        if possible {
            world.send(&[back], &[&operator]).unwrap();
        } else {
            world.refused(&[back], &[&operator], TollgateError::RefundWindowOver);
        }
    }
}

pub fn a_refund_goes_to_the_payer_only(world: &mut World) {
    let operator = world.operator.insecure_clone();
    let other = another_customer(world);
    let product = world.product;
    let (purchase, _) = world.buy(&product, 1);
    let address = purchase.intent(&world.addresses);
    let mut stolen = refund(world, address, PRICE.0);
    stolen.accounts[5].pubkey = Addresses::token_account(&other.pubkey(), &world.mint);
    world.refused(&[stolen], &[&operator], TollgateError::DestinationMismatch);
    let payer = world.payer.insecure_clone();
    let owner = world.owner.insecure_clone();
    for signer in [&payer, &owner] {
        let mut forged = refund(world, address, PRICE.0);
        forged.accounts[0].pubkey = signer.pubkey();
        world.refused(&[forged], &[signer], TollgateError::SignerNotAllowed);
    }
    // An account that does not exist cannot stand in for the entitlement.
    let mut dodged = refund(world, address, PRICE.0);
    dodged.accounts[3].pubkey = tollgate_localnet::test_keypair("nowhere").pubkey();
    world.refused(&[dodged], &[&operator], TollgateError::EntitlementMismatch);
}

pub fn a_withdrawn_vault_cannot_refund(world: &mut World) {
    let (operator, owner) = (
        world.operator.insecure_clone(),
        world.owner.insecure_clone(),
    );
    let product = world.product;
    let (purchase, _) = world.buy(&product, 1);
    let mint = world.mint;
    let till = Addresses::token_account(&owner.pubkey(), &mint);
    world.put_tokens(till, mint, owner.pubkey(), Amount(0));
    let withdraw = world
        .addresses
        .withdraw(owner.pubkey(), world.merchant, mint, till, PRICE);
    world.send(&[withdraw], &[&owner]).unwrap();
    let address = purchase.intent(&world.addresses);
    let back = refund(world, address, PRICE.0);
    let failure = world.fails(&[back], &[&operator]);
    assert_eq!(
        failure.custom(),
        Some(TokenError::InsufficientFunds as u32),
        "{failure:#?}"
    );
}

pub fn a_refund_takes_back_unused_credits_only(world: &mut World) {
    let (operator, owner) = (
        world.operator.insecure_clone(),
        world.owner.insecure_clone(),
    );
    let product = world.create_product(&owner, "calls", |new| {
        new.access = DurationSeconds(0);
        new.credits = Credits(10);
    });
    let (first, _) = world.buy(&product, 1);
    world.buy(&product, 2);
    let held = world.entitlement(&product).unwrap();
    let address = world.addresses.entitlement(&product, &world.payer.pubkey());
    let consume = |used| {
        world.addresses.consume(
            operator.pubkey(),
            world.merchant,
            address,
            Credits(used),
            held.created_at,
        )
    };
    let (book, again, fall, over) = (consume(15), consume(15), consume(14), consume(21));
    world.send(&[book], &[&operator]).unwrap();
    world.send(&[again], &[&operator]).unwrap();
    world.refused(&[fall], &[&operator], TollgateError::CreditsOutOfRange);
    world.refused(&[over], &[&operator], TollgateError::CreditsOutOfRange);
    let intent = first.intent(&world.addresses);
    let back = refund(world, intent, PRICE.0);
    world.send(&[back], &[&operator]).unwrap();
    let held = world.entitlement(&product).unwrap();
    // Five of the ten were not used any more: only they can go.
    assert_eq!(
        (held.credits_granted, held.credits_used),
        (Credits(15), Credits(15))
    );
    assert_eq!(held.expires_at, UnixSeconds::NEVER);
}

pub fn a_refund_of_a_lapsed_time_does_not_touch_the_new_one(world: &mut World) {
    let (operator, owner) = (
        world.operator.insecure_clone(),
        world.owner.insecure_clone(),
    );
    let product = world.create_product(&owner, "minute", |new| new.access = DurationSeconds(60));
    let (first, _) = world.buy(&product, 1);
    let later = UnixSeconds(world.now().0 + 100);
    world.set_time(later);
    world.buy(&product, 2);
    let intent = first.intent(&world.addresses);
    let back = refund(world, intent, PRICE.0);
    world.send(&[back], &[&operator]).unwrap();
    assert_eq!(
        world.entitlement(&product).unwrap().expires_at.0,
        later.0 + 60
    );
}

pub fn attested_payments_are_marked_and_never_refunded_from_the_vault(world: &mut World) {
    let operator = world.operator.insecure_clone();
    let payer = world.payer.pubkey();
    let product = world.product;
    // Money of others lies in the vault.
    world.buy(&product, 9);
    let quote = Quote {
        payer: Pubkey::default(),
        amount: PRICE,
        access: DAY,
        credits: Credits(0),
        refund_window: REFUND_WINDOW,
    };
    let new = world.new_intent(&operator, 1, IntentTerms::Quote(quote));
    let (address, _) = world.create_intent(&new, &operator);
    let intent: PaymentIntent = world.read(&address).unwrap();
    let attested = AttestedPayment {
        rail: 2,
        reference: [5; 32],
        payer,
        beneficiary: payer,
    };
    let record = |signer: Pubkey| {
        world
            .addresses
            .record_payment(signer, signer, address, &intent, &attested)
    };
    let (by_payer, by_operator) = (record(payer), record(operator.pubkey()));
    let signer = world.payer.insecure_clone();
    world.refused(&[by_payer], &[&signer], TollgateError::SignerNotAllowed);
    world.send(&[by_operator.clone()], &[&operator]).unwrap();
    let paid: PaymentIntent = world.read(&address).unwrap();
    assert_eq!(
        (paid.status, paid.rail, paid.rail_code, paid.reference),
        (IntentStatus::Paid, Rail::Attested, 2, [5; 32])
    );
    assert_eq!(world.vault_balance(), PRICE);
    world.refused(
        &[by_operator],
        &[&operator],
        TollgateError::IntentAlreadyPaid,
    );
    let back = refund(world, address, PRICE.0);
    world.refused(&[back], &[&operator], TollgateError::RefundElsewhere);
}

pub fn the_operator_cannot_attest_a_payers_own_intent(world: &mut World) {
    let operator = world.operator.insecure_clone();
    let payer = world.payer.pubkey();
    let (address, _) = world.open_intent(1);
    let intent: PaymentIntent = world.read(&address).unwrap();
    let attested = AttestedPayment {
        rail: 2,
        reference: [5; 32],
        payer,
        beneficiary: payer,
    };
    let record = world.addresses.record_payment(
        operator.pubkey(),
        operator.pubkey(),
        address,
        &intent,
        &attested,
    );
    world.refused(&[record], &[&operator], TollgateError::SignerNotAllowed);
}
