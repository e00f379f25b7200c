//! Roles, withdrawals, products.

use crate::World;
use crate::world::{DAY, FUNDS, PRICE};
use anchor_lang::error::ErrorCode as AnchorError;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use spl_token_interface::error::TokenError;
use tollgate::constants::{MAX_ACCESS, MAX_REFUND_WINDOW};
use tollgate_client::{
    Addresses, Amount, Credits, DurationSeconds, IntentTerms, Merchant, Offer, Product,
    ProductChanges, Slug, TollgateError,
};
use tollgate_localnet::test_keypair;

/// A token account of the merchant's owner.
fn till(world: &mut World) -> Pubkey {
    let (owner, mint) = (world.owner.pubkey(), world.mint);
    let till = Addresses::token_account(&owner, &mint);
    world.put_tokens(till, mint, owner, Amount(0));
    till
}

pub fn the_authority_withdraws(world: &mut World) {
    let owner = world.owner.insecure_clone();
    let (product, till) = (world.product, till(world));
    world.buy(&product, 1);
    let withdraw = |amount| {
        world.addresses.withdraw(
            owner.pubkey(),
            world.merchant,
            world.mint,
            till,
            Amount(amount),
        )
    };
    let (nothing, too_much, part, rest) = (
        withdraw(0),
        withdraw(PRICE.0 + 1),
        withdraw(1),
        withdraw(PRICE.0 - 1),
    );
    world.refused(&[nothing], &[&owner], TollgateError::AmountZero);
    let failure = world.fails(&[too_much], &[&owner]);
    assert_eq!(failure.custom(), Some(TokenError::InsufficientFunds as u32));
    world.send(&[part], &[&owner]).unwrap();
    world.send(&[rest], &[&owner]).unwrap();
    assert_eq!(
        (world.tokens(&till), world.vault_balance()),
        (PRICE, Amount(0))
    );
}

pub fn nobody_else_withdraws(world: &mut World) {
    let (product, till) = (world.product, till(world));
    world.buy(&product, 1);
    let (merchant, mint) = (world.merchant, world.mint);
    let rival = test_keypair("rival owner");
    world.fund(&rival.pubkey());
    let rival_merchant = world.create_merchant(&rival);
    let (operator, payer) = (
        world.operator.insecure_clone(),
        world.payer.insecure_clone(),
    );
    for thief in [&operator, &payer, &rival] {
        let withdraw = world
            .addresses
            .withdraw(thief.pubkey(), merchant, mint, till, PRICE);
        world.refused(&[withdraw], &[thief], TollgateError::SignerNotAllowed);
    }
    // A rival's authority over its own merchant opens nobody else's vault.
    let mut withdraw = world
        .addresses
        .withdraw(rival.pubkey(), rival_merchant, mint, till, PRICE);
    withdraw.accounts[3].pubkey = world.vault();
    let failure = world.fails(&[withdraw], &[&rival]);
    assert_eq!(
        failure.custom(),
        Some(u32::from(AnchorError::ConstraintTokenOwner))
    );
    // The vault cannot be its own destination.
    let owner = world.owner.insecure_clone();
    let withdraw = world
        .addresses
        .withdraw(owner.pubkey(), merchant, mint, world.vault(), PRICE);
    world.refused(&[withdraw], &[&owner], TollgateError::AccountsAliased);
}

pub fn a_pause_stops_payments_and_not_withdrawals(world: &mut World) {
    let (owner, payer) = (world.owner.insecure_clone(), world.payer.insecure_clone());
    let (product, till) = (world.product, till(world));
    world.buy(&product, 1);
    let (intent, payment) = world.open_intent(2);
    let pause = |paused| {
        world
            .addresses
            .update_merchant(owner.pubkey(), world.merchant, None, Some(paused))
    };
    let (pause, resume) = (pause(true), pause(false));
    world.send(&[pause], &[&owner]).unwrap();
    world.refused(
        &[world.addresses.pay(&payment)],
        &[&payer],
        TollgateError::MerchantPaused,
    );
    let offer = Offer {
        amount: PRICE,
        access: DAY,
        credits: Credits(0),
    };
    let new = world.new_intent(&payer, 3, IntentTerms::ListPrice(offer));
    world.refused(
        &[world.addresses.create_intent(&new)],
        &[&payer],
        TollgateError::MerchantPaused,
    );
    let withdraw =
        world
            .addresses
            .withdraw(owner.pubkey(), world.merchant, world.mint, till, PRICE);
    world.send(&[withdraw], &[&owner]).unwrap();
    world.send(&[resume], &[&owner]).unwrap();
    world
        .send(&[world.addresses.pay(&payment)], &[&payer])
        .unwrap();
    assert!(world.runtime.account(&intent).is_some());
}

pub fn only_the_authority_updates(world: &mut World) {
    let (operator, owner) = (
        world.operator.insecure_clone(),
        world.owner.insecure_clone(),
    );
    let (merchant, product) = (world.merchant, world.product);
    let update =
        world
            .addresses
            .update_merchant(operator.pubkey(), merchant, Some(operator.pubkey()), None);
    world.refused(&[update], &[&operator], TollgateError::SignerNotAllowed);
    let changes = ProductChanges {
        price: Some(Amount(1)),
        ..ProductChanges::default()
    };
    let update = world
        .addresses
        .update_product(operator.pubkey(), merchant, product, changes);
    world.refused(&[update], &[&operator], TollgateError::SignerNotAllowed);
    let failure = world
        .try_create_product(&operator, "mine", |_| {})
        .unwrap_err();
    assert!(failure.custom().is_some(), "the operator is no merchant");

    let successor = test_keypair("next operator").pubkey();
    let unset =
        world
            .addresses
            .update_merchant(owner.pubkey(), merchant, Some(Pubkey::default()), None);
    world.refused(&[unset], &[&owner], TollgateError::KeyMissing);
    let update = world
        .addresses
        .update_merchant(owner.pubkey(), merchant, Some(successor), None);
    world.send(&[update], &[&owner]).unwrap();
    let updated: Merchant = world.read(&merchant).unwrap();
    assert_eq!(
        (updated.operator, updated.authority, updated.paused),
        (successor, owner.pubkey(), false)
    );
}

pub fn a_product_belongs_to_its_merchant(world: &mut World) {
    let rival = test_keypair("rival owner");
    world.fund(&rival.pubkey());
    let rival_merchant = world.create_merchant(&rival);
    let product = world.product;
    let changes = ProductChanges {
        price: Some(Amount(1)),
        ..ProductChanges::default()
    };
    let update = world
        .addresses
        .update_product(rival.pubkey(), rival_merchant, product, changes);
    world.refused(&[update], &[&rival], TollgateError::MerchantMismatch);
    // Nor is it sold through the rival.
    let payer = world.payer.insecure_clone();
    let offer = Offer {
        amount: PRICE,
        access: DAY,
        credits: Credits(0),
    };
    let mut new = world.new_intent(&payer, 1, IntentTerms::ListPrice(offer));
    new.merchant = rival_merchant;
    world.refused(
        &[world.addresses.create_intent(&new)],
        &[&payer],
        TollgateError::MerchantMismatch,
    );
    let purse = world.purse();
    assert_eq!(world.tokens(&purse), FUNDS);
}

pub fn product_bounds_hold(world: &mut World) {
    let owner = world.owner.insecure_clone();
    let too_long = DurationSeconds(MAX_ACCESS.0 + 1);
    let too_late = DurationSeconds(MAX_REFUND_WINDOW.0 + 1);
    let mut refuse = |change: fn(&mut tollgate_client::instructions::NewProduct), expected| {
        let failure = world.try_create_product(&owner, "odd", change).unwrap_err();
        assert_eq!(failure.program(), Some(expected), "{failure:#?}");
    };
    refuse(|new| new.price = Amount(0), TollgateError::PriceZero);
    refuse(
        |new| new.access = DurationSeconds(MAX_ACCESS.0 + 1),
        TollgateError::AccessTooLong,
    );
    refuse(
        |new| new.refund_window = DurationSeconds(u64::MAX),
        TollgateError::RefundWindowTooLong,
    );
    refuse(|new| new.slug = Slug([0; 32]), TollgateError::SlugInvalid);
    refuse(
        |new| new.slug = Slug([b'A'; 32]),
        TollgateError::SlugInvalid,
    );
    refuse(|new| new.slug.0[31] = b'z', TollgateError::SlugInvalid);
    world.create_product(&owner, &"z".repeat(32), |new| {
        new.price = Amount(u64::MAX);
        new.access = MAX_ACCESS;
        new.refund_window = MAX_REFUND_WINDOW;
    });
    let (merchant, product) = (world.merchant, world.product);
    for (changes, expected) in [
        (
            ProductChanges {
                price: Some(Amount(0)),
                ..Default::default()
            },
            TollgateError::PriceZero,
        ),
        (
            ProductChanges {
                access: Some(too_long),
                ..Default::default()
            },
            TollgateError::AccessTooLong,
        ),
        (
            ProductChanges {
                refund_window: Some(too_late),
                ..Default::default()
            },
            TollgateError::RefundWindowTooLong,
        ),
        (
            ProductChanges {
                credits: Some(Credits(1)),
                ..Default::default()
            },
            TollgateError::MeteringFixed,
        ),
    ] {
        let update = world
            .addresses
            .update_product(owner.pubkey(), merchant, product, changes);
        world.refused(&[update], &[&owner], expected);
    }
}

pub fn an_inactive_product_is_not_sold(world: &mut World) {
    let (owner, payer) = (world.owner.insecure_clone(), world.payer.insecure_clone());
    let product = world.product;
    let set = |active| {
        let changes = ProductChanges {
            active: Some(active),
            ..ProductChanges::default()
        };
        world
            .addresses
            .update_product(owner.pubkey(), world.merchant, product, changes)
    };
    let (off, on) = (set(false), set(true));
    world.send(&[off], &[&owner]).unwrap();
    let purchase = world.purchase(&product, 1).instructions(&world.addresses);
    world.refused(&purchase, &[&payer], TollgateError::ProductInactive);
    world.send(&[on], &[&owner]).unwrap();
    world.send(&purchase, &[&payer]).unwrap();
    let stored: Product = world.read(&product).unwrap();
    assert_eq!(
        (stored.price, stored.decimals, stored.rent_payer),
        (PRICE, 6, owner.pubkey())
    );
}

pub fn a_merchant_is_created_once_and_by_its_owner(world: &mut World) {
    let (owner, payer) = (world.owner.insecure_clone(), world.payer.insecure_clone());
    let again = world
        .addresses
        .create_merchant(owner.pubkey(), owner.pubkey(), owner.pubkey());
    let failure = world.fails(&[again], &[&owner]);
    assert_eq!(failure.custom(), Some(0), "{failure:#?}");
    // In somebody else's name: the owner's signature is missing.
    let victim = test_keypair("victim").pubkey();
    let mut forged = world
        .addresses
        .create_merchant(victim, payer.pubkey(), payer.pubkey());
    forged.accounts[0].is_signer = false;
    let failure = world.fails(&[forged], &[&payer]);
    assert_eq!(
        failure.custom(),
        Some(u32::from(AnchorError::AccountNotSigner))
    );
    let created: Merchant = world.read(&world.merchant.clone()).unwrap();
    assert_eq!(
        (created.owner, created.authority, created.pending_authority),
        (owner.pubkey(), owner.pubkey(), Pubkey::default())
    );
}
