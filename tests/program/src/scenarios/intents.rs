//! Quotes, list prices, cancellations.

use super::purchase::another_customer;
use crate::World;
use crate::world::{DAY, PRICE, REFUND_WINDOW};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tollgate_client::instructions::Payment;
use tollgate_client::{
    Addresses, Amount, Credits, DurationSeconds, Entitlement, IntentStatus, IntentTerms, Offer,
    PaymentIntent, ProductChanges, Quote, TollgateError,
};
use tollgate_localnet::test_keypair;

fn quote(payer: Pubkey) -> Quote {
    Quote {
        payer,
        amount: Amount(77),
        access: DurationSeconds(60),
        credits: Credits(0),
        refund_window: REFUND_WINDOW,
    }
}

pub fn a_quote_overrides_the_list(world: &mut World) {
    let (operator, payer) = (
        world.operator.insecure_clone(),
        world.payer.insecure_clone(),
    );
    let new = world.new_intent(&operator, 1, IntentTerms::Quote(quote(payer.pubkey())));
    let (address, payment) = world.create_intent(&new, &operator);
    let intent: PaymentIntent = world.read(&address).unwrap();
    assert_eq!(
        (intent.author, intent.rent_payer),
        (world.merchant, operator.pubkey())
    );
    let now = world.now();
    world
        .send(&[world.addresses.pay(&payment)], &[&payer])
        .unwrap();
    assert_eq!(world.vault_balance(), Amount(77));
    let product = world.product;
    assert_eq!(
        world.entitlement(&product).unwrap().expires_at.0,
        now.0 + 60
    );
}

pub fn only_the_operator_quotes(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let owner = world.owner.insecure_clone();
    let quote = quote(payer.pubkey());
    for signer in [&payer, &owner] {
        let new = world.new_intent(signer, 1, IntentTerms::Quote(quote));
        world.refused(
            &[world.addresses.create_intent(&new)],
            &[signer],
            TollgateError::SignerNotAllowed,
        );
    }
    let operator = world.operator.insecure_clone();
    for (changed, expected) in [
        (
            Quote {
                amount: Amount(0),
                ..quote
            },
            TollgateError::PriceZero,
        ),
        (
            Quote {
                credits: Credits(1),
                ..quote
            },
            TollgateError::MeteringFixed,
        ),
        (
            Quote {
                access: DurationSeconds(u64::MAX),
                ..quote
            },
            TollgateError::AccessTooLong,
        ),
        (
            Quote {
                refund_window: DurationSeconds(u64::MAX),
                ..quote
            },
            TollgateError::RefundWindowTooLong,
        ),
    ] {
        let new = world.new_intent(&operator, 1, IntentTerms::Quote(changed));
        world.refused(
            &[world.addresses.create_intent(&new)],
            &[&operator],
            expected,
        );
    }
}

pub fn terms_that_changed_are_refused(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let listed = Offer {
        amount: PRICE,
        access: DAY,
        credits: Credits(0),
    };
    for offer in [
        Offer {
            amount: Amount(PRICE.0 - 1),
            ..listed
        },
        Offer {
            amount: Amount(PRICE.0 + 1),
            ..listed
        },
        Offer {
            access: DurationSeconds(DAY.0 + 1),
            ..listed
        },
        Offer {
            credits: Credits(1),
            ..listed
        },
    ] {
        let new = world.new_intent(&payer, 1, IntentTerms::ListPrice(offer));
        world.refused(
            &[world.addresses.create_intent(&new)],
            &[&payer],
            TollgateError::TermsChanged,
        );
    }
}

pub fn a_price_change_never_touches_an_intent(world: &mut World) {
    let (owner, payer) = (world.owner.insecure_clone(), world.payer.insecure_clone());
    let (_, payment) = world.open_intent(1);
    let changes = ProductChanges {
        price: Some(Amount(PRICE.0 * 1_000)),
        access: Some(DurationSeconds(1)),
        active: Some(false),
        ..ProductChanges::default()
    };
    let update =
        world
            .addresses
            .update_product(owner.pubkey(), world.merchant, world.product, changes);
    world.send(&[update], &[&owner]).unwrap();
    let now = world.now();
    world
        .send(&[world.addresses.pay(&payment)], &[&payer])
        .unwrap();
    assert_eq!(world.vault_balance(), PRICE);
    let product = world.product;
    assert_eq!(
        world.entitlement(&product).unwrap().expires_at.0,
        now.0 + DAY.0 as i64
    );
}

pub fn operator_and_author_cancel(world: &mut World) {
    let (operator, payer) = (
        world.operator.insecure_clone(),
        world.payer.insecure_clone(),
    );
    let stranger = another_customer(world);
    for (id, signer) in [(1, &operator), (2, &payer)] {
        let (intent, payment) = world.open_intent(id);
        let merchant = world.merchant;
        let cancel = |key: Pubkey| world.addresses.cancel_intent(key, merchant, intent);
        let (by_stranger, by_signer) = (cancel(stranger.pubkey()), cancel(signer.pubkey()));
        world.refused(
            &[by_stranger],
            &[&stranger],
            TollgateError::SignerNotAllowed,
        );
        world.send(&[by_signer.clone()], &[signer]).unwrap();
        let cancelled: PaymentIntent = world.read(&intent).unwrap();
        assert_eq!(cancelled.status, IntentStatus::Cancelled);
        world.refused(
            &[world.addresses.pay(&payment)],
            &[&payer],
            TollgateError::IntentCancelled,
        );
        world.refused(&[by_signer], &[signer], TollgateError::IntentCancelled);
    }
    // What is paid can no longer be cancelled.
    let product = world.product;
    let (purchase, _) = world.buy(&product, 3);
    let paid = purchase.intent(&world.addresses);
    let cancel = world
        .addresses
        .cancel_intent(operator.pubkey(), world.merchant, paid);
    world.refused(&[cancel], &[&operator], TollgateError::IntentAlreadyPaid);
}

pub fn a_quote_without_a_beneficiary_takes_the_payers_choice(world: &mut World) {
    let operator = world.operator.insecure_clone();
    let customer = another_customer(world);
    let friend = test_keypair("friend").pubkey();
    let mut new = world.new_intent(&operator, 1, IntentTerms::Quote(quote(Pubkey::default())));
    new.beneficiary = None;
    let (address, payment) = world.create_intent(&new, &operator);
    let payment = Payment {
        payer: customer.pubkey(),
        rent_payer: customer.pubkey(),
        source: Addresses::token_account(&customer.pubkey(), &world.mint),
        ..payment
    };
    // Nobody can hold an entitlement of the default key.
    let nobody = Payment {
        beneficiary: Pubkey::default(),
        ..payment
    };
    world.refused(
        &[world.addresses.pay(&nobody)],
        &[&customer],
        TollgateError::KeyMissing,
    );
    let gift = Payment {
        beneficiary: friend,
        ..payment
    };
    world
        .send(&[world.addresses.pay(&gift)], &[&customer])
        .unwrap();
    let intent: PaymentIntent = world.read(&address).unwrap();
    assert_eq!(
        (intent.payer, intent.beneficiary),
        (customer.pubkey(), friend)
    );
    let held = world.addresses.entitlement(&world.product, &friend);
    assert!(world.read::<Entitlement>(&held).is_some());
}
