//! What is closed stays closed: neither lamports sent to its address nor a second
//! creation bring anything of the first life back.

use crate::World;
use crate::world::{DAY, PRICE};
use anchor_lang::error::ErrorCode as AnchorError;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use tollgate_client::instructions::{NewIntent, NewProduct, Payment};
use tollgate_client::{
    Amount, Credits, DurationSeconds, EntitlementStatus, IntentStatus, IntentTerms, Offer,
    PaymentIntent, Product, Slug, TollgateError, UnixSeconds,
};

pub fn an_intent_that_is_created_again_begins_anew(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let first = list_price_intent(world, &payer);
    let address = intent_address(world, &first);
    let second = NewIntent {
        expires_at: UnixSeconds(first.expires_at.0 + 7),
        ..first
    };
    let create = world.addresses.create_intent(&first);
    let create_again = world.addresses.create_intent(&second);
    let (cancel, close) = cancel_and_close(world, &payer, address, &first);
    // All lives in one transaction, and one more in a second one.
    let lives = [
        create.clone(),
        cancel.clone(),
        close.clone(),
        create_again.clone(),
    ];
    world.send(&lives, &[&payer]).unwrap();
    let intent: PaymentIntent = world.read(&address).unwrap();
    assert_eq!(
        (intent.status, intent.expires_at),
        (IntentStatus::Open, second.expires_at)
    );
    world.send(&[cancel, close], &[&payer]).unwrap();
    assert_eq!(world.lamports(&address), 0);
    world.send(&[create], &[&payer]).unwrap();
    let intent: PaymentIntent = world.read(&address).unwrap();
    assert_eq!(
        (intent.status, intent.expires_at),
        (IntentStatus::Open, first.expires_at)
    );
    // Money is taken once for each life that was agreed to, not more.
    let payment = Payment::of_intent(address, &intent, payer.pubkey(), payer.pubkey());
    let pay = world.addresses.pay(&payment);
    world.send(&[pay.clone()], &[&payer]).unwrap();
    world.refused(&[pay], &[&payer], TollgateError::IntentAlreadyPaid);
    assert_eq!(world.vault_balance(), PRICE);
}

pub fn lamports_do_not_revive_a_closed_intent(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let new = list_price_intent(world, &payer);
    let address = intent_address(world, &new);
    let create = world.addresses.create_intent(&new);
    world.send(&[create.clone()], &[&payer]).unwrap();
    let intent: PaymentIntent = world.read(&address).unwrap();
    let payment = Payment::of_intent(address, &intent, payer.pubkey(), payer.pubkey());
    let pay = world.addresses.pay(&payment);
    let (cancel, close) = cancel_and_close(world, &payer, address, &new);
    let lamports = world.lamports(&address);
    let revive = transfer(&payer.pubkey(), &address, lamports);
    // Within the transaction that closes it, with and without lamports.
    let without = [cancel.clone(), close.clone(), pay.clone()];
    refused_by_anchor(world, &without, &payer, AnchorError::AccountNotInitialized);
    let with = [cancel.clone(), close.clone(), revive.clone(), pay.clone()];
    refused_by_anchor(
        world,
        &with,
        &payer,
        AnchorError::AccountOwnedByWrongProgram,
    );
    // And in a later one.
    world.send(&[cancel, close, revive], &[&payer]).unwrap();
    require_nothing_but_lamports(world, &address, lamports);
    refused_by_anchor(
        world,
        &[pay.clone()],
        &payer,
        AnchorError::AccountOwnedByWrongProgram,
    );
    // The lamports are no obstacle to a new life either.
    world.send(&[create, pay], &[&payer]).unwrap();
    assert_eq!(world.vault_balance(), PRICE);
}

pub fn a_closed_entitlement_begins_from_nothing(world: &mut World) {
    let (payer, operator) = (
        world.payer.insecure_clone(),
        world.operator.insecure_clone(),
    );
    let product = world.product;
    world.buy(&product, 1);
    let first = world.entitlement(&product).unwrap();
    let address = world.addresses.entitlement(&product, &payer.pubkey());
    world.set_time(first.expires_at);
    let close = world.addresses.close_entitlement(address, &first);
    let again = world.purchase(&product, 2).instructions(&world.addresses);
    let revoke = world
        .addresses
        .revoke(operator.pubkey(), world.merchant, address);
    // A third life within the second of the second one would carry its `created_at`.
    let lives = [
        vec![close.clone()],
        again.to_vec(),
        vec![revoke, close.clone()],
    ]
    .concat();
    world.refused(&lives, &[&payer, &operator], TollgateError::NotFinal);

    world
        .send(&[vec![close], again.to_vec()].concat(), &[&payer])
        .unwrap();
    let second = world.entitlement(&product).unwrap();
    assert_eq!(
        (second.status, second.payments, second.created_at),
        (EntitlementStatus::Active, 1, first.expires_at)
    );
    assert_eq!(second.expires_at.0, first.expires_at.0 + DAY.0 as i64);
}

pub fn lamports_do_not_revive_a_closed_entitlement(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let product = world.product;
    world.buy(&product, 1);
    let held = world.entitlement(&product).unwrap();
    let address = world.addresses.entitlement(&product, &payer.pubkey());
    let lamports = world.lamports(&address);
    world.set_time(held.expires_at);
    let close = world.addresses.close_entitlement(address, &held);
    let revive = transfer(&payer.pubkey(), &address, lamports);
    world.send(&[close, revive], &[&payer]).unwrap();
    require_nothing_but_lamports(world, &address, lamports);
    // The refund window is over, so that nothing could be taken back from it either.
    world.buy(&product, 2);
    let again = world.entitlement(&product).unwrap();
    assert_eq!((again.payments, again.created_at), (1, held.expires_at));
}

pub fn a_closed_product_is_not_sold(world: &mut World) {
    let (owner, payer) = (world.owner.insecure_clone(), world.payer.insecure_clone());
    let merchant = world.merchant;
    let create = |price| {
        let new = NewProduct {
            slug: Slug::new("short-lived").unwrap(),
            mint: world.mint,
            price: Amount(price),
            access: DAY,
            credits: Credits(0),
            refund_window: DurationSeconds(0),
        };
        let key = owner.pubkey();
        world.addresses.create_product(key, key, merchant, &new)
    };
    let (first, second) = (create(1), create(2));
    let product = first.accounts[5].pubkey;
    let close = world
        .addresses
        .close_product(owner.pubkey(), merchant, product, owner.pubkey());
    let lives = [first, close.clone(), second.clone()];
    world.send(&lives, &[&owner]).unwrap();
    let sold: Product = world.read(&product).unwrap();
    assert_eq!(sold.price, Amount(2));

    let purchase = world.purchase(&product, 1).instructions(&world.addresses);
    let lamports = world.lamports(&product);
    let revive = transfer(&owner.pubkey(), &product, lamports);
    world.send(&[close, revive], &[&owner]).unwrap();
    require_nothing_but_lamports(world, &product, lamports);
    refused_by_anchor(
        world,
        &purchase,
        &payer,
        AnchorError::AccountOwnedByWrongProgram,
    );
    world.send(&[second], &[&owner]).unwrap();
    world.send(&purchase, &[&payer]).unwrap();
    assert_eq!(world.vault_balance(), Amount(2));
}

fn list_price_intent(world: &mut World, payer: &Keypair) -> NewIntent {
    let offer = Offer {
        amount: PRICE,
        access: DAY,
        credits: Credits(0),
    };
    world.new_intent(payer, 1, IntentTerms::ListPrice(offer))
}

fn intent_address(world: &World, new: &NewIntent) -> Pubkey {
    world
        .addresses
        .intent(&new.merchant, &new.creator, &new.payment_id)
}

fn cancel_and_close(
    world: &World,
    payer: &Keypair,
    address: Pubkey,
    new: &NewIntent,
) -> (Instruction, Instruction) {
    let cancel = world
        .addresses
        .cancel_intent(payer.pubkey(), new.merchant, address);
    let mut close = cancel.clone();
    close.data = anchor_lang::InstructionData::data(&tollgate::instruction::CloseIntent {});
    close.accounts = anchor_lang::ToAccountMetas::to_account_metas(
        &tollgate::accounts::CloseIntent {
            intent: address,
            deposit: world.addresses.deposit(&address, &world.mint),
            rent_payer: new.rent_payer,
        },
        None,
    );
    (cancel, close)
}

fn refused_by_anchor(
    world: &mut World,
    instructions: &[Instruction],
    signer: &Keypair,
    expected: AnchorError,
) {
    let failure = world.fails(instructions, &[signer]);
    assert_eq!(failure.custom(), Some(u32::from(expected)), "{failure:#?}");
}

fn require_nothing_but_lamports(world: &mut World, address: &Pubkey, lamports: u64) {
    let account = world.runtime.account(address).unwrap();
    assert_eq!(account.owner, solana_system_interface::program::ID);
    assert_eq!((account.lamports, account.data.len()), (lamports, 0));
}
