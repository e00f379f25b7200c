//! What the table's attempts need before their time comes.

use super::Scene;
use crate::World;
use crate::world::{DAY, PRICE, REFUND_WINDOW};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tollgate_client::instructions::AttestedPayment;
use tollgate_client::{
    Credits, DurationSeconds, IntentTerms, Offer, PaymentIntent, Quote, UnixSeconds,
};

type Attempt = fn(&World, (Pubkey, &PaymentIntent)) -> Instruction;

pub(super) fn second_after(time: UnixSeconds) -> UnixSeconds {
    UnixSeconds(time.0 + 1)
}

/// An intent that is payable until `expires_in` seconds from now; the deadline
/// for its creation is `deadline_in` seconds from now.
pub(super) fn creation(world: &mut World, id: u8, expires_in: i64, deadline_in: i64) -> Scene {
    let signer = world.payer.insecure_clone();
    let offer = Offer {
        amount: PRICE,
        access: DAY,
        credits: Credits(0),
    };
    let now = world.now().0;
    let mut new = world.new_intent(&signer, id, IntentTerms::ListPrice(offer));
    new.expires_at = UnixSeconds(now + expires_in);
    Scene {
        deadline: UnixSeconds(now + deadline_in),
        attempt: vec![world.addresses.create_intent(&new)],
        signer,
        product: world.product,
    }
}

/// A quote of the operator for the payer, whose deposit account holds its amount.
pub(super) fn funded_quote(world: &mut World, id: u8) -> Pubkey {
    let operator = world.operator.insecure_clone();
    let quote = Quote {
        payer: Pubkey::default(),
        amount: PRICE,
        access: DurationSeconds(60),
        credits: Credits(0),
        refund_window: REFUND_WINDOW,
    };
    let new = world.new_intent(&operator, id, IntentTerms::Quote(quote));
    let (address, _) = world.create_intent(&new, &operator);
    let deposit = world.addresses.deposit(&address, &world.mint);
    let mint = world.mint;
    world.put_tokens(deposit, mint, address, PRICE);
    address
}

/// A product of one minute that the payer bought just now; the intent it paid.
pub(super) fn subscriber(
    world: &mut World,
    id: u8,
    refund_window: DurationSeconds,
) -> (Pubkey, Pubkey) {
    let owner = world.owner.insecure_clone();
    let product = world.create_product(&owner, &format!("minute-{id}"), |new| {
        new.access = DurationSeconds(60);
        new.refund_window = refund_window;
    });
    let (purchase, _) = world.buy(&product, id);
    (product, purchase.intent(&world.addresses))
}

pub(super) fn paid(world: &mut World, id: u8, refund_window: DurationSeconds) -> Pubkey {
    subscriber(world, id, refund_window).1
}

pub(super) fn around_expiry(
    world: &mut World,
    address: Pubkey,
    attempt: impl FnOnce(&World, (Pubkey, &PaymentIntent)) -> Instruction,
    signer: fn(&World) -> &Keypair,
) -> Scene {
    let intent: PaymentIntent = world.read(&address).unwrap();
    Scene {
        deadline: intent.expires_at,
        attempt: vec![attempt(world, (address, &intent))],
        signer: signer(world).insecure_clone(),
        product: intent.product,
    }
}

pub(super) fn around_refund_deadline(
    world: &mut World,
    address: Pubkey,
    attempt: Attempt,
    signer: fn(&World) -> &Keypair,
) -> Scene {
    let intent: PaymentIntent = world.read(&address).unwrap();
    Scene {
        deadline: intent.refund_until,
        ..around_expiry(world, address, attempt, signer)
    }
}

pub(super) fn around_entitlement_expiry(
    world: &mut World,
    product: Pubkey,
    attempt: Vec<Instruction>,
    signer: fn(&World) -> &Keypair,
) -> Scene {
    Scene {
        deadline: world.entitlement(&product).unwrap().expires_at,
        attempt,
        signer: signer(world).insecure_clone(),
        product,
    }
}

pub(super) fn settle(world: &World, (address, intent): (Pubkey, &PaymentIntent)) -> Instruction {
    let deposit = world.addresses.deposit(&address, &intent.mint);
    world
        .addresses
        .settle_deposit(world.payer.pubkey(), address, intent, deposit)
}

pub(super) fn reclaim(world: &World, (address, intent): (Pubkey, &PaymentIntent)) -> Instruction {
    let deposit = world.addresses.deposit(&address, &intent.mint);
    world
        .addresses
        .reclaim_deposit(address, intent, deposit, intent.mint, world.purse())
}

pub(super) fn record(world: &World, (address, intent): (Pubkey, &PaymentIntent)) -> Instruction {
    let (operator, payer) = (world.operator.pubkey(), world.payer.pubkey());
    let attested = AttestedPayment {
        rail: 2,
        reference: [5; 32],
        payer,
        beneficiary: payer,
    };
    world
        .addresses
        .record_payment(operator, operator, address, intent, &attested)
}

pub(super) fn cancel(world: &World, (address, intent): (Pubkey, &PaymentIntent)) -> Instruction {
    world
        .addresses
        .cancel_intent(world.payer.pubkey(), intent.merchant, address)
}

pub(super) fn close_intent(
    world: &World,
    (address, intent): (Pubkey, &PaymentIntent),
) -> Instruction {
    world.addresses.close_intent(address, intent)
}

pub(super) fn refund(world: &World, (address, intent): (Pubkey, &PaymentIntent)) -> Instruction {
    world.addresses.refund(
        world.operator.pubkey(),
        address,
        intent,
        world.purse(),
        intent.amount,
    )
}

pub(super) fn close_entitlement(world: &mut World, product: Pubkey) -> Instruction {
    let held = world.entitlement(&product).unwrap();
    let address = world.addresses.entitlement(&product, &world.payer.pubkey());
    world.addresses.close_entitlement(address, &held)
}

pub(super) fn revoke(world: &mut World, product: Pubkey) -> Instruction {
    let address = world.addresses.entitlement(&product, &world.payer.pubkey());
    world
        .addresses
        .revoke(world.operator.pubkey(), world.merchant, address)
}
