//! One attempt for each argument, complete but for the value that is tried.

use super::terms::{
    METERED, TERMS, Terms, granted, intent_of, product, product_terms, purchase_of,
    quote_for_payer, quoted,
};
use crate::World;
use crate::world::{FUNDS, PRICE};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tollgate_client::instructions::{AttestedPayment, Payment};
use tollgate_client::{
    Addresses, Amount, Credits, DurationSeconds, Entitlement, PaymentIntent, ProductChanges,
    UnixSeconds,
};

/// Holds after a success.
pub type Check = Box<dyn FnOnce(&mut World, &str)>;

/// What is tried, and what has to follow if it succeeds.
pub struct Attempt {
    /// In one transaction.
    pub instructions: Vec<Instruction>,
    /// The first pays the fee.
    pub signers: Vec<Keypair>,
    /// By how much the vault's balance changes.
    pub vault_change: i128,
    /// What else holds afterwards.
    pub check: Check,
}

/// The purse as at the beginning, and somebody else's money in the vault.
pub fn restock(world: &mut World) {
    let (mint, merchant, payer) = (world.mint, world.merchant, world.payer.pubkey());
    let (purse, vault) = (world.purse(), world.vault());
    world.put_tokens(purse, mint, payer, FUNDS);
    world.put_tokens(vault, mint, merchant, PRICE);
}

/// The attempt for `value` as the argument called `name`.
pub fn attempt_of(world: &mut World, name: &str, id: u8, value: u64) -> Attempt {
    let term = name.rsplit('.').next().unwrap();
    let changed = |terms: Terms| match term {
        "price" | "amount" => Terms {
            price: value,
            ..terms
        },
        "access" => Terms {
            access: value,
            ..terms
        },
        "credits" => Terms {
            credits: value,
            ..terms
        },
        "refund_window" => Terms {
            refund_window: value,
            ..terms
        },
        _ => panic!("no term is called {term}"),
    };
    let before = if term == "credits" { METERED } else { TERMS };
    match name.split('.').next().unwrap() {
        "pay" => pay(world, id, value),
        "create_intent" if name.contains("ListPrice") => {
            list_price(world, id, before, changed(before))
        }
        "create_intent" => quote(world, id, before, changed(before)),
        "create_product" => new_product(world, id, changed(before)),
        "update_product" => changed_product(world, id, before, changed(before)),
        "withdraw" => withdraw(world, value),
        "refund" => refund(world, id, u64::from(name.ends_with("after a part")), value),
        "consume" => consume(world, id, term, value),
        "record_payment" => record_payment(world, id, u16::try_from(value).unwrap()),
        "settle_deposit with so much in the deposit" => settle(world, id, value),
        "reclaim_deposit with so much in the deposit" => reclaim(world, id, value),
        other => panic!("no attempt for {other}"),
    }
}

fn pay(world: &mut World, id: u8, value: u64) -> Attempt {
    let (product, terms) = (product(world, id, TERMS), TERMS);
    let purchase = purchase_of(world, id, product, terms);
    let [create, _] = purchase.instructions(&world.addresses);
    let payer = world.payer.insecure_clone();
    world.send(&[create], &[&payer]).unwrap();
    let address = purchase.intent(&world.addresses);
    let intent: PaymentIntent = world.read(&address).unwrap();
    let payment = Payment {
        amount: Amount(value),
        ..Payment::of_intent(address, &intent, payer.pubkey(), payer.pubkey())
    };
    Attempt {
        instructions: vec![world.addresses.pay(&payment)],
        signers: vec![payer],
        vault_change: i128::from(value),
        check: granted(world, product, terms),
    }
}

/// A purchase that expects `offered` of a product that is listed as `listed`.
fn list_price(world: &mut World, id: u8, listed: Terms, offered: Terms) -> Attempt {
    let product = product(world, id, listed);
    let purchase = purchase_of(world, id, product, offered);
    Attempt {
        instructions: purchase.instructions(&world.addresses).to_vec(),
        signers: vec![world.payer.insecure_clone()],
        vault_change: i128::from(listed.price),
        check: granted(world, product, listed),
    }
}

/// A quote and its payment, in one transaction.
fn quote(world: &mut World, id: u8, listed: Terms, quoted: Terms) -> Attempt {
    let product = product(world, id, listed);
    let (operator, payer) = (
        world.operator.insecure_clone(),
        world.payer.insecure_clone(),
    );
    let new = quote_for_payer(world, id, product, quoted);
    let create = world.addresses.create_intent(&new);
    let pay = world.addresses.pay(&Payment {
        payer: payer.pubkey(),
        rent_payer: payer.pubkey(),
        merchant: world.merchant,
        product,
        intent: intent_of(world, &new),
        beneficiary: payer.pubkey(),
        source: world.purse(),
        vault: world.vault(),
        mint: world.mint,
        amount: Amount(quoted.price),
    });
    Attempt {
        instructions: vec![create, pay],
        signers: vec![payer, operator],
        vault_change: i128::from(quoted.price),
        check: granted(world, product, quoted),
    }
}

/// A new product and its first sale, in one transaction.
fn new_product(world: &mut World, id: u8, terms: Terms) -> Attempt {
    let new = product_terms(world, id, terms);
    let owner = world.owner.insecure_clone();
    let address = world.addresses.product(&world.merchant, &new.slug);
    let create =
        world
            .addresses
            .create_product(owner.pubkey(), owner.pubkey(), world.merchant, &new);
    let purchase = purchase_of(world, id, address, terms);
    let mut instructions = vec![create];
    instructions.extend(purchase.instructions(&world.addresses));
    Attempt {
        instructions,
        signers: vec![world.payer.insecure_clone(), owner],
        vault_change: i128::from(terms.price),
        check: granted(world, address, terms),
    }
}

/// A change of a product and a sale after it, in one transaction.
fn changed_product(world: &mut World, id: u8, before: Terms, after: Terms) -> Attempt {
    let product = product(world, id, before);
    let owner = world.owner.insecure_clone();
    let changes = ProductChanges {
        price: (after.price != before.price).then_some(Amount(after.price)),
        access: (after.access != before.access).then_some(DurationSeconds(after.access)),
        credits: (after.credits != before.credits).then_some(Credits(after.credits)),
        refund_window: (after.refund_window != before.refund_window)
            .then_some(DurationSeconds(after.refund_window)),
        active: None,
    };
    let update = world
        .addresses
        .update_product(owner.pubkey(), world.merchant, product, changes);
    let purchase = purchase_of(world, id, product, after);
    let mut instructions = vec![update];
    instructions.extend(purchase.instructions(&world.addresses));
    Attempt {
        instructions,
        signers: vec![world.payer.insecure_clone(), owner],
        vault_change: i128::from(after.price),
        check: granted(world, product, after),
    }
}

fn withdraw(world: &mut World, value: u64) -> Attempt {
    let (owner, mint) = (world.owner.insecure_clone(), world.mint);
    let till = Addresses::token_account(&owner.pubkey(), &mint);
    world.put_tokens(till, mint, owner.pubkey(), Amount(0));
    let withdraw =
        world
            .addresses
            .withdraw(owner.pubkey(), world.merchant, mint, till, Amount(value));
    Attempt {
        instructions: vec![withdraw],
        signers: vec![owner],
        vault_change: -i128::from(value),
        check: Box::new(move |world, what| {
            assert_eq!(world.tokens(&till), Amount(value), "{what}");
        }),
    }
}

/// A refund of a payment of which `earlier` was refunded before.
fn refund(world: &mut World, id: u8, earlier: u64, value: u64) -> Attempt {
    let product = product(world, id, TERMS);
    let (purchase, _) = world.buy(&product, id);
    let address = purchase.intent(&world.addresses);
    let operator = world.operator.insecure_clone();
    let intent: PaymentIntent = world.read(&address).unwrap();
    let back = |amount| {
        let key = operator.pubkey();
        world
            .addresses
            .refund(key, address, &intent, world.purse(), Amount(amount))
    };
    let (first, second) = (back(earlier), back(value));
    if earlier > 0 {
        world.send(&[first], &[&operator]).unwrap();
    }
    Attempt {
        instructions: vec![second],
        signers: vec![operator],
        vault_change: -i128::from(value),
        check: Box::new(move |world, what| {
            let intent: PaymentIntent = world.read(&address).unwrap();
            assert_eq!(intent.refunded, Amount(earlier + value), "{what}");
        }),
    }
}

fn consume(world: &mut World, id: u8, term: &str, value: u64) -> Attempt {
    let product = product(world, id, METERED);
    world.buy(&product, id);
    let held = world.entitlement(&product).unwrap();
    let (used, created_at) = match term {
        "used" => (Credits(value), held.created_at),
        "created_at" => (Credits(1), UnixSeconds(value as i64)),
        other => panic!("no term is called {other}"),
    };
    let operator = world.operator.insecure_clone();
    let address = world.addresses.entitlement(&product, &world.payer.pubkey());
    let consume =
        world
            .addresses
            .consume(operator.pubkey(), world.merchant, address, used, created_at);
    Attempt {
        instructions: vec![consume],
        signers: vec![operator],
        vault_change: 0,
        check: Box::new(move |world, what| {
            let held: Entitlement = world.read(&address).unwrap();
            assert_eq!(held.credits_used, used, "{what}");
        }),
    }
}

fn record_payment(world: &mut World, id: u8, rail: u16) -> Attempt {
    let product = product(world, id, TERMS);
    let (address, intent) = quoted(world, id, product);
    let operator = world.operator.insecure_clone();
    let payer = world.payer.pubkey();
    let attested = AttestedPayment {
        rail,
        reference: [5; 32],
        payer,
        beneficiary: payer,
    };
    let key = operator.pubkey();
    let record = world
        .addresses
        .record_payment(key, key, address, &intent, &attested);
    Attempt {
        instructions: vec![record],
        signers: vec![operator],
        vault_change: 0,
        check: granted(world, product, TERMS),
    }
}

fn settle(world: &mut World, id: u8, held: u64) -> Attempt {
    let product = product(world, id, TERMS);
    let (address, intent) = quoted(world, id, product);
    let deposit = world.addresses.deposit(&address, &intent.mint);
    world.put_tokens(deposit, intent.mint, address, Amount(held));
    let payer = world.payer.insecure_clone();
    let settle = world
        .addresses
        .settle_deposit(payer.pubkey(), address, &intent, deposit);
    let granted = granted(world, product, TERMS);
    Attempt {
        instructions: vec![settle],
        signers: vec![payer],
        vault_change: i128::from(PRICE.0),
        check: Box::new(move |world, what| {
            granted(world, what);
            assert_eq!(world.tokens(&deposit), Amount(held - PRICE.0), "{what}");
        }),
    }
}

fn reclaim(world: &mut World, id: u8, held: u64) -> Attempt {
    let product = product(world, id, TERMS);
    let (address, intent) = quoted(world, id, product);
    let operator = world.operator.insecure_clone();
    let cancel = world
        .addresses
        .cancel_intent(operator.pubkey(), world.merchant, address);
    world.send(&[cancel], &[&operator]).unwrap();
    let deposit = world.addresses.deposit(&address, &intent.mint);
    world.put_tokens(deposit, intent.mint, address, Amount(held));
    let (purse, mint) = (world.purse(), intent.mint);
    let reclaim = world
        .addresses
        .reclaim_deposit(address, &intent, deposit, mint, purse);
    Attempt {
        instructions: vec![reclaim],
        signers: vec![world.payer.insecure_clone()],
        vault_change: 0,
        check: Box::new(move |world, what| {
            assert_eq!(world.tokens(&purse), Amount(FUNDS.0 + held), "{what}");
            assert_eq!(world.lamports(&deposit), 0, "{what}: the account stays");
        }),
    }
}
