//! What each instruction costs, in compute units, on LiteSVM with the kept ELF.
//!
//! An address is found by counting its bump down from 255, 1,500 units a step, so
//! the cost depends on the keys. Many keys are tried: `NAME` is the median,
//! `NAME_least` the cheapest (bump 255), `NAME_worst` the dearest of the sample.
//! The sample's seed is fixed, so that the figures are exact and repeatable.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::collections::BTreeMap;
use tollgate_client::instructions::{AttestedPayment, NewIntent, Payment};
use tollgate_client::payment_ids::MOST_CANDIDATES;
use tollgate_client::{
    Addresses, Amount, Credits, Entitlement, IntentTerms, Offer, PaymentId, PaymentIntent,
    ProductChanges, Purchase, Quote, UnixSeconds, cheapest_payment_id,
};
use tollgate_localnet::test_keypair;
use tollgate_program_tests::World;
use tollgate_program_tests::litesvm_runtime::LiteSvmRuntime;
use tollgate_program_tests::world::{DAY, FUNDS, PRICE};

/// Payers in the sample.
const SAMPLE: usize = 64;

#[derive(Default)]
struct Units(BTreeMap<&'static str, Vec<u64>>);

impl Units {
    fn add(&mut self, name: &'static str, units: u64) {
        self.0.entry(name).or_default().push(units);
    }

    /// The flat form that is written: one number for each name.
    fn flat(mut self) -> BTreeMap<String, u64> {
        let mut flat = BTreeMap::new();
        for (name, units) in &mut self.0 {
            units.sort_unstable();
            flat.insert((*name).to_owned(), units[units.len() / 2]);
            if units.len() > 1 {
                flat.insert(format!("{name}_least"), units[0]);
                flat.insert(format!("{name}_worst"), units[units.len() - 1]);
            }
        }
        flat
    }
}

fn customer(world: &mut World, number: usize) -> Keypair {
    let customer = test_keypair(&format!("compute units {number}"));
    world.fund(&customer.pubkey());
    let mint = world.mint;
    let purse = Addresses::token_account(&customer.pubkey(), &mint);
    world.put_tokens(purse, mint, customer.pubkey(), FUNDS);
    customer
}

#[test]
fn compute_units_are_measured() {
    let mut world = World::new(Box::new(LiteSvmRuntime::default()));
    let addresses = world.addresses;
    let mut units = Units::default();
    for number in 0..SAMPLE {
        let customer = customer(&mut world, number);
        measure_customer(&mut world, &customer, number as u8, &mut units);
    }
    for number in 0..SAMPLE {
        measure_merchant(&mut world, number, &mut units);
    }

    for number in 0..SAMPLE {
        measure_aftermath(&mut world, number as u8, &mut units);
    }
    for number in 0..SAMPLE {
        measure_attested(&mut world, number as u8, &mut units);
    }

    let owner = world.owner.insecure_clone();
    let till = Addresses::token_account(&owner.pubkey(), &world.mint);
    let mint = world.mint;
    world.put_tokens(till, mint, owner.pubkey(), Amount(0));
    let withdraw = addresses.withdraw(owner.pubkey(), world.merchant, mint, till, PRICE);
    units.add(
        "withdraw",
        world.send(&[withdraw], &[&owner]).unwrap().units,
    );

    let flat = units.flat();
    for (name, units) in &flat {
        println!("{name:24} {units:>7}");
    }
    if let Ok(path) = std::env::var("TOLLGATE_CU_JSON") {
        std::fs::write(path, serde_json::to_string_pretty(&flat).unwrap()).unwrap();
    }
    assert!(flat["pay"] <= 15_000, "pay takes {} units", flat["pay"]);
    assert!(
        flat["purchase"] <= 30_000,
        "a purchase takes {} units",
        flat["purchase"]
    );
}

fn measure_customer(world: &mut World, customer: &Keypair, number: u8, units: &mut Units) {
    let addresses = world.addresses;
    let key = customer.pubkey();
    let intent = |world: &mut World, id: u8| NewIntent {
        creator: key,
        rent_payer: key,
        merchant: world.merchant,
        product: world.product,
        payment_id: PaymentId([id; 32]),
        expires_at: UnixSeconds(world.now().0 + 600),
        beneficiary: Some(key),
        terms: IntentTerms::ListPrice(Offer {
            amount: PRICE,
            access: DAY,
            credits: Credits(0),
        }),
    };
    for (id, name) in [(number, "pay"), (number + 100, "pay_renewal")] {
        let new = intent(world, id);
        let created = world
            .send(&[addresses.create_intent(&new)], &[customer])
            .unwrap();
        units.add("create_intent", created.units);
        let address = addresses.intent(&new.merchant, &key, &new.payment_id);
        let stored: PaymentIntent = world.read(&address).unwrap();
        let pay = addresses.pay(&Payment::of_intent(address, &stored, key, key));
        units.add(name, world.send(&[pay], &[customer]).unwrap().units);
    }
    let new = intent(world, 255);
    world
        .send(&[addresses.create_intent(&new)], &[customer])
        .unwrap();
    let address = addresses.intent(&new.merchant, &key, &new.payment_id);
    let cancel = addresses.cancel_intent(key, world.merchant, address);
    units.add(
        "cancel_intent",
        world.send(&[cancel], &[customer]).unwrap().units,
    );

    // The one-shot purchase, of products of their own so that each is a first one:
    // with the payment id that a client picks, and with any.
    let owner = world.owner.insecure_clone();
    let picked = cheapest_payment_id(&addresses, &world.merchant, &key, |candidate| {
        PaymentId([candidate.wrapping_sub(MOST_CANDIDATES); 32])
    });
    let ids = [
        ("purchase", picked),
        ("purchase_any_id", PaymentId([200; 32])),
    ];
    for (name, payment_id) in ids {
        let slug = format!("{}-{number}", name.replace('_', "-"));
        let product = world.create_product(&owner, &slug, |_| {});
        let terms = world.read(&product).unwrap();
        let expires_at = UnixSeconds(world.now().0 + 600);
        let purchase = Purchase::of_product(product, &terms, key, payment_id, expires_at);
        let bought = world
            .send(&purchase.instructions(&addresses), &[customer])
            .unwrap();
        units.add(name, bought.units);
    }
}

fn measure_merchant(world: &mut World, number: usize, units: &mut Units) {
    let addresses = world.addresses;
    let owner = test_keypair(&format!("compute units merchant {number}"));
    let key = owner.pubkey();
    world.fund(&key);
    let create = addresses.create_merchant(key, key, key);
    units.add(
        "create_merchant",
        world.send(&[create], &[&owner]).unwrap().units,
    );
    let merchant = addresses.merchant(&key);
    let update = addresses.update_merchant(key, merchant, Some(key), Some(false));
    units.add(
        "update_merchant",
        world.send(&[update], &[&owner]).unwrap().units,
    );
    let vault = addresses.create_vault(key, merchant, world.mint);
    world.send(&[vault], &[&owner]).unwrap();
    let new = tollgate_client::instructions::NewProduct {
        slug: tollgate_client::Slug::new("a-product").unwrap(),
        mint: world.mint,
        price: PRICE,
        access: DAY,
        credits: Credits(0),
        refund_window: DAY,
    };
    let create = addresses.create_product(key, key, merchant, &new);
    units.add(
        "create_product",
        world.send(&[create], &[&owner]).unwrap().units,
    );
    let product = addresses.product(&merchant, &new.slug);
    let changes = ProductChanges {
        price: Some(Amount(1)),
        ..ProductChanges::default()
    };
    let update = addresses.update_product(key, merchant, product, changes);
    units.add(
        "update_product",
        world.send(&[update], &[&owner]).unwrap().units,
    );
    let close = addresses.close_product(key, merchant, product, key);
    units.add(
        "close_product",
        world.send(&[close], &[&owner]).unwrap().units,
    );
    let propose = addresses.propose_authority(key, merchant, key);
    units.add(
        "propose_authority",
        world.send(&[propose], &[&owner]).unwrap().units,
    );
    let accept = addresses.accept_authority(key, merchant);
    units.add(
        "accept_authority",
        world.send(&[accept], &[&owner]).unwrap().units,
    );
}

/// What follows a payment: each customer's day pass of [`measure_customer`] is
/// refunded, and a quote is paid by deposit.
fn measure_aftermath(world: &mut World, number: u8, units: &mut Units) {
    let addresses = world.addresses;
    let operator = world.operator.insecure_clone();
    let customer = test_keypair(&format!("compute units {number}"));
    let key = customer.pubkey();
    let purse = Addresses::token_account(&key, &world.mint);

    let paid = addresses.intent(&world.merchant, &key, &PaymentId([number; 32]));
    let stored: PaymentIntent = world.read(&paid).unwrap();
    let refund = addresses.refund(operator.pubkey(), paid, &stored, purse, PRICE);
    units.add("refund", world.send(&[refund], &[&operator]).unwrap().units);
    let stored: PaymentIntent = world.read(&paid).unwrap();
    let close = addresses.close_intent(paid, &stored);
    units.add(
        "close_intent",
        world.send(&[close], &[&customer]).unwrap().units,
    );

    let owner = world.owner.insecure_clone();
    let product = world.create_product(&owner, &format!("deposit-{number}"), |_| {});
    let quote = Quote {
        payer: Pubkey::default(),
        amount: PRICE,
        access: DAY,
        credits: Credits(0),
        refund_window: DAY,
    };
    let mut new = world.new_intent(&operator, number, IntentTerms::Quote(quote));
    new.product = product;
    new.beneficiary = Some(key);
    let (address, _) = world.create_intent(&new, &operator);
    let intent: PaymentIntent = world.read(&address).unwrap();
    let deposit = addresses.deposit(&address, &intent.mint);
    world.put_tokens(deposit, intent.mint, address, Amount(PRICE.0 + 1));
    let settle = addresses.settle_deposit(key, address, &intent, deposit);
    units.add(
        "settle_deposit",
        world.send(&[settle], &[&customer]).unwrap().units,
    );
    let reclaim = addresses.reclaim_deposit(address, &intent, deposit, intent.mint, purse);
    units.add(
        "reclaim_deposit",
        world.send(&[reclaim], &[&customer]).unwrap().units,
    );
    let revoke = addresses.revoke(
        operator.pubkey(),
        world.merchant,
        addresses.entitlement(&product, &key),
    );
    units.add("revoke", world.send(&[revoke], &[&operator]).unwrap().units);
}

/// A metered quote is paid elsewhere; its credits are booked; once all is over, the
/// entitlement closes.
fn measure_attested(world: &mut World, number: u8, units: &mut Units) {
    let addresses = world.addresses;
    let operator = world.operator.insecure_clone();
    let customer = test_keypair(&format!("compute units {number}"));
    let key = customer.pubkey();
    let owner = world.owner.insecure_clone();
    let slug = format!("metered-{number}");
    let product = world.create_product(&owner, &slug, |new| new.credits = Credits(10));
    let quote = Quote {
        payer: key,
        amount: PRICE,
        access: DAY,
        credits: Credits(10),
        refund_window: DAY,
    };
    let mut new = world.new_intent(&operator, number + 64, IntentTerms::Quote(quote));
    new.product = product;
    new.beneficiary = Some(key);
    let (address, _) = world.create_intent(&new, &operator);
    let intent: PaymentIntent = world.read(&address).unwrap();
    let attested = AttestedPayment {
        rail: 1,
        reference: [7; 32],
        payer: key,
        beneficiary: key,
    };
    let record = addresses.record_payment(operator.pubkey(), key, address, &intent, &attested);
    let recorded = world.send(&[record], &[&operator, &customer]).unwrap();
    units.add("record_payment", recorded.units);

    let held = addresses.entitlement(&product, &key);
    let entitlement: Entitlement = world.read(&held).unwrap();
    let created_at = entitlement.created_at;
    let merchant = world.merchant;
    let consume = addresses.consume(operator.pubkey(), merchant, held, Credits(10), created_at);
    let consumed = world.send(&[consume], &[&operator]).unwrap();
    units.add("consume", consumed.units);

    let over = UnixSeconds(world.now().0 + 2 * DAY.0.cast_signed());
    world.set_time(over);
    let close = addresses.close_entitlement(held, &entitlement);
    let closed = world.send(&[close], &[&customer]).unwrap();
    units.add("close_entitlement", closed.units);
}
