//! Revocation, the change of the authority, and closing.

use super::purchase::another_customer;
use crate::World;
use crate::world::{DAY, REFUND_WINDOW};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tollgate_client::{
    Amount, Credits, DurationSeconds, EntitlementStatus, Merchant, PaymentIntent, TollgateError,
    UnixSeconds,
};
use tollgate_localnet::test_keypair;

/// A stranger who turns the crank.
fn crank(world: &mut World) -> Keypair {
    let crank = test_keypair("crank");
    world.fund(&crank.pubkey());
    crank
}

pub fn a_revoked_entitlement_is_over_and_a_payment_begins_anew(world: &mut World) {
    let operator = world.operator.insecure_clone();
    let other = another_customer(world);
    let product = world.product;
    world.buy(&product, 1);
    let address = world.addresses.entitlement(&product, &world.payer.pubkey());
    let merchant = world.merchant;
    let forged = world.addresses.revoke(other.pubkey(), merchant, address);
    world.refused(&[forged], &[&other], TollgateError::SignerNotAllowed);
    let revoke = world.addresses.revoke(operator.pubkey(), merchant, address);
    world.send(&[revoke.clone()], &[&operator]).unwrap();
    let now = world.now();
    let held = world.entitlement(&product).unwrap();
    assert_eq!(
        (held.status, held.expires_at),
        (EntitlementStatus::Revoked, now)
    );
    assert!(!held.is_usable(now));
    world.set_time(UnixSeconds(now.0 + 5));
    world.send(&[revoke], &[&operator]).unwrap();
    assert_eq!(
        world.entitlement(&product).unwrap().expires_at,
        now,
        "revoking again changes nothing"
    );
    world.buy(&product, 2);
    let held = world.entitlement(&product).unwrap();
    assert_eq!(
        (held.status, held.expires_at.0),
        (EntitlementStatus::Active, now.0 + 5 + DAY.0 as i64)
    );
}

pub fn a_rival_cannot_revoke_or_book(world: &mut World) {
    let rival = test_keypair("rival owner");
    world.fund(&rival.pubkey());
    let product = world.product;
    world.buy(&product, 1);
    let address = world.addresses.entitlement(&product, &world.payer.pubkey());
    let created_at = world.entitlement(&product).unwrap().created_at;
    let merchant = world.create_merchant(&rival);
    // The rival's operator is the world's, so only the merchant differs.
    let operator = world.operator.insecure_clone();
    let revoke = world.addresses.revoke(operator.pubkey(), merchant, address);
    world.refused(&[revoke], &[&operator], TollgateError::MerchantMismatch);
    let consume =
        world
            .addresses
            .consume(operator.pubkey(), merchant, address, Credits(0), created_at);
    world.refused(&[consume], &[&operator], TollgateError::MerchantMismatch);
    let consume = world.addresses.consume(
        operator.pubkey(),
        world.merchant,
        address,
        Credits(0),
        created_at,
    );
    world.refused(&[consume], &[&operator], TollgateError::NotMetered);
}

pub fn the_authority_changes_in_two_steps(world: &mut World) {
    let owner = world.owner.insecure_clone();
    let next = test_keypair("next authority");
    let other = another_customer(world);
    world.fund(&next.pubkey());
    let merchant = world.merchant;
    let propose =
        |by: &Keypair, to: Pubkey| world.addresses.propose_authority(by.pubkey(), merchant, to);
    let accept = |by: &Keypair| world.addresses.accept_authority(by.pubkey(), merchant);
    let (grab, proposal, withdrawn) = (
        propose(&other, other.pubkey()),
        propose(&owner, next.pubkey()),
        propose(&owner, Pubkey::default()),
    );
    let (by_next, by_other) = (accept(&next), accept(&other));
    world.refused(&[grab], &[&other], TollgateError::SignerNotAllowed);
    world.refused(
        &[by_next.clone()],
        &[&next],
        TollgateError::SignerNotAllowed,
    );
    world.send(&[proposal.clone()], &[&owner]).unwrap();
    world.send(&[withdrawn], &[&owner]).unwrap();
    world.refused(
        &[by_next.clone()],
        &[&next],
        TollgateError::SignerNotAllowed,
    );
    world.send(&[proposal], &[&owner]).unwrap();
    world.refused(&[by_other], &[&other], TollgateError::SignerNotAllowed);
    world.send(&[by_next], &[&next]).unwrap();
    let changed: Merchant = world.read(&merchant).unwrap();
    assert_eq!(
        (changed.authority, changed.pending_authority),
        (next.pubkey(), Pubkey::default())
    );
    // The old authority has no power left, the new one has it all.
    let pause = |by: &Keypair| {
        world
            .addresses
            .update_merchant(by.pubkey(), merchant, None, Some(true))
    };
    let (old, new) = (pause(&owner), pause(&next));
    world.refused(&[old], &[&owner], TollgateError::SignerNotAllowed);
    world.send(&[new], &[&next]).unwrap();
}

pub fn rent_of_intents_returns_to_its_payer_only(world: &mut World) {
    let (crank, payer) = (crank(world), world.payer.insecure_clone());
    let product = world.product;
    let (purchase, _) = world.buy(&product, 1);
    let paid = purchase.intent(&world.addresses);
    let (open, _) = world.open_intent(2);
    let stored: PaymentIntent = world.read(&paid).unwrap();
    let unpaid: PaymentIntent = world.read(&open).unwrap();
    let (close_paid, close_open) = (
        world.addresses.close_intent(paid, &stored),
        world.addresses.close_intent(open, &unpaid),
    );

    for (close, deadline) in [
        (close_paid, stored.refund_until),
        (close_open, unpaid.expires_at),
    ] {
        world.set_time(UnixSeconds(deadline.0 - 1));
        world.refused(&[close.clone()], &[&crank], TollgateError::NotFinal);
        world.set_time(deadline);
        let mut stolen = close.clone();
        stolen.accounts[2].pubkey = crank.pubkey();
        world.refused(&[stolen], &[&crank], TollgateError::RentPayerMismatch);
        let mut dodged = close.clone();
        dodged.accounts[1].pubkey = test_keypair("nowhere").pubkey();
        world.refused(&[dodged], &[&crank], TollgateError::DepositMismatch);
        let address = close.accounts[0].pubkey;
        let (before, rent) = (world.lamports(&payer.pubkey()), world.lamports(&address));
        world.send(&[close], &[&crank]).unwrap();
        assert_eq!(world.lamports(&payer.pubkey()), before + rent);
        assert_eq!(world.lamports(&address), 0);
    }
}

pub fn an_intent_with_money_cannot_close(world: &mut World) {
    let crank = crank(world);
    let (open, _) = world.open_intent(1);
    let intent: PaymentIntent = world.read(&open).unwrap();
    let deposit = world.addresses.deposit(&open, &intent.mint);
    world.put_tokens(deposit, intent.mint, open, Amount(3));
    world.set_time(intent.expires_at);
    let close = world.addresses.close_intent(open, &intent);
    world.refused(&[close.clone()], &[&crank], TollgateError::DepositPending);
    let purse = world.purse();
    let reclaim = world
        .addresses
        .reclaim_deposit(open, &intent, deposit, intent.mint, purse);
    world.send(&[reclaim, close], &[&crank]).unwrap();
    assert_eq!(world.lamports(&open), 0);
}

pub fn rent_of_entitlements_returns_to_its_payer_only(world: &mut World) {
    let (crank, payer) = (crank(world), world.payer.insecure_clone());
    let owner = world.owner.insecure_clone();
    let product = world.create_product(&owner, "minute", |new| new.access = DurationSeconds(60));
    world.buy(&product, 1);
    let held = world.entitlement(&product).unwrap();
    let address = world.addresses.entitlement(&product, &payer.pubkey());
    let close = world.addresses.close_entitlement(address, &held);
    world.set_time(UnixSeconds(held.expires_at.0 - 1));
    world.refused(&[close.clone()], &[&crank], TollgateError::NotFinal);
    // Expired, but it could still be refunded.
    world.set_time(UnixSeconds(held.created_at.0 + REFUND_WINDOW.0 as i64 - 1));
    world.refused(&[close.clone()], &[&crank], TollgateError::NotFinal);
    world.set_time(UnixSeconds(held.created_at.0 + REFUND_WINDOW.0 as i64));
    let mut stolen = close.clone();
    stolen.accounts[1].pubkey = crank.pubkey();
    world.refused(&[stolen], &[&crank], TollgateError::RentPayerMismatch);
    let (before, rent) = (world.lamports(&payer.pubkey()), world.lamports(&address));
    world.send(&[close], &[&crank]).unwrap();
    assert_eq!(world.lamports(&payer.pubkey()), before + rent);
    // The address can be used again, and starts from nothing.
    world.buy(&product, 2);
    let again = world.entitlement(&product).unwrap();
    assert_eq!(again.payments, 1);
    assert!(again.created_at > held.created_at);
    // What was meant for the first life does not hit the second.
    let operator = world.operator.insecure_clone();
    let consume = world.addresses.consume(
        operator.pubkey(),
        world.merchant,
        address,
        Credits(0),
        held.created_at,
    );
    world.refused(&[consume], &[&operator], TollgateError::EntitlementReplaced);
}

pub fn a_product_closes_and_its_entitlements_go_on(world: &mut World) {
    let (owner, operator) = (
        world.owner.insecure_clone(),
        world.operator.insecure_clone(),
    );
    let product = world.product;
    world.buy(&product, 1);
    let (_, payment) = world.open_intent(2);
    let merchant = world.merchant;
    let close = |by: Pubkey, rent_payer| {
        world
            .addresses
            .close_product(by, merchant, product, rent_payer)
    };
    let (forged, stolen, good) = (
        close(operator.pubkey(), owner.pubkey()),
        close(owner.pubkey(), operator.pubkey()),
        close(owner.pubkey(), owner.pubkey()),
    );
    world.refused(&[forged], &[&operator], TollgateError::SignerNotAllowed);
    world.refused(&[stolen], &[&owner], TollgateError::RentPayerMismatch);
    world.send(&[good], &[&owner]).unwrap();
    assert_eq!(world.lamports(&product), 0);
    let payer = world.payer.insecure_clone();
    world
        .send(&[world.addresses.pay(&payment)], &[&payer])
        .unwrap();
    assert_eq!(world.entitlement(&product).unwrap().payments, 2);
}

pub fn a_product_that_returns_with_other_metering_takes_no_money_from_holders(world: &mut World) {
    let (owner, payer) = (world.owner.insecure_clone(), world.payer.insecure_clone());
    let product = world.product;
    world.buy(&product, 1);
    let close =
        world
            .addresses
            .close_product(owner.pubkey(), world.merchant, product, owner.pubkey());
    world.send(&[close], &[&owner]).unwrap();
    world.create_product(&owner, "day-pass", |new| new.credits = Credits(5));
    let purchase = world.purchase(&product, 2).instructions(&world.addresses);
    world.refused(&purchase, &[&payer], TollgateError::MeteringFixed);
}
