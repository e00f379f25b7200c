//! Lamports that somebody sent to an address beforehand, and token accounts that
//! somebody made there: no obstacle to any creation, and no loss to anybody.

use crate::world::{DAY, PRICE, REFUND_WINDOW};
use crate::{MinimumBalanceRule, World};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_program_pack::Pack;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use spl_token_interface::state::Account as TokenAccount;
use tollgate_client::instructions::{AttestedPayment, NewProduct, create_token_account};
use tollgate_client::{
    Credits, Entitlement, IntentTerms, Merchant, PaymentIntent, Product, Quote, Slug,
};
use tollgate_localnet::test_keypair;

/// Lamports sent beforehand, given the rent of the account.
const BEFOREHAND: [fn(u64) -> u64; 5] = [
    |_| 1,
    |rent| rent - 1,
    |rent| rent,
    |rent| rent + 1,
    |rent| 10 * rent,
];

/// A creation, each with addresses of its own.
struct Creation {
    what: &'static str,
    address: Pubkey,
    /// Bytes of the account.
    space: usize,
    instruction: Instruction,
    signer: Keypair,
}

pub fn merchants_and_vaults_are_created_over_lamports(world: &mut World) {
    for (number, beforehand) in BEFOREHAND.into_iter().enumerate() {
        let owner = test_keypair(&format!("prefunded owner {number}"));
        let key = owner.pubkey();
        let merchant = world.addresses.merchant(&key);
        let creation = Creation {
            what: "merchant",
            address: merchant,
            space: Merchant::SPACE,
            instruction: world.addresses.create_merchant(key, rent_payer(), key),
            signer: owner.insecure_clone(),
        };
        create_over(world, creation, beforehand);
        let creation = Creation {
            what: "vault",
            address: world.addresses.vault(&merchant, &world.mint),
            space: TokenAccount::LEN,
            instruction: world
                .addresses
                .create_vault(rent_payer(), merchant, world.mint),
            signer: owner,
        };
        create_over(world, creation, beforehand);
    }
}

pub fn products_are_created_over_lamports(world: &mut World) {
    for (number, beforehand) in BEFOREHAND.into_iter().enumerate() {
        let new = NewProduct {
            slug: Slug::new(&format!("prefunded-{number}")).unwrap(),
            mint: world.mint,
            price: PRICE,
            access: DAY,
            credits: Credits(0),
            refund_window: REFUND_WINDOW,
        };
        let signer = world.owner.insecure_clone();
        let creation = Creation {
            what: "product",
            address: world.addresses.product(&world.merchant, &new.slug),
            space: Product::SPACE,
            instruction: world.addresses.create_product(
                signer.pubkey(),
                rent_payer(),
                world.merchant,
                &new,
            ),
            signer,
        };
        create_over(world, creation, beforehand);
    }
}

pub fn intents_and_entitlements_are_created_over_lamports(world: &mut World) {
    let owner = world.owner.insecure_clone();
    let mut id = 0;
    for beforehand in BEFOREHAND {
        id += 1;
        let product = world.create_product(&owner, &format!("prefunded-{id}"), |_| {});
        let mut purchase = world.purchase(&product, id);
        purchase.rent_payer = rent_payer();
        let [create, pay] = purchase.instructions(&world.addresses);
        let signer = world.payer.insecure_clone();
        let intent = purchase.intent(&world.addresses);
        let creation = Creation {
            what: "intent",
            address: intent,
            space: PaymentIntent::SPACE,
            instruction: create,
            signer: signer.insecure_clone(),
        };
        create_over(world, creation, beforehand);
        let creation = Creation {
            what: "entitlement of a payment",
            address: purchase.entitlement(&world.addresses),
            space: Entitlement::SPACE,
            instruction: pay,
            signer,
        };
        create_over(world, creation, beforehand);
        require_all_rent_back(world, intent);
    }
}

pub fn entitlements_of_other_rails_are_created_over_lamports(world: &mut World) {
    let owner = world.owner.insecure_clone();
    let mut id = 0;
    for beforehand in BEFOREHAND {
        for deposited in [true, false] {
            id += 1;
            let product = world.create_product(&owner, &format!("prefunded-{id}"), |_| {});
            let creation = other_rail(world, product, id, deposited);
            create_over(world, creation, beforehand);
        }
    }
}

/// Whoever makes the deposit account first, and however many lamports it has: the
/// deposit becomes a payment, and the lamports go to the intent's rent payer.
pub fn a_deposit_account_that_a_stranger_made_serves_its_purpose(world: &mut World) {
    let (operator, stranger) = (world.operator.insecure_clone(), test_keypair("stranger"));
    world.fund(&stranger.pubkey());
    let product = world.product;
    let (address, intent) = quote(world, product, 1);
    let deposit = world.addresses.deposit(&address, &intent.mint);
    world.put_lamports(&deposit, 5_000_000_000);
    let create = create_token_account(stranger.pubkey(), address, intent.mint);
    world.send(&[create], &[&stranger]).unwrap();
    let customer = world.payer.insecure_clone();
    let sent = spl_token_interface::instruction::transfer_checked(
        &spl_token_interface::ID,
        &world.purse(),
        &intent.mint,
        &deposit,
        &customer.pubkey(),
        &[],
        PRICE.0,
        6,
    )
    .unwrap();
    world.send(&[sent], &[&customer]).unwrap();
    let settle = world
        .addresses
        .settle_deposit(stranger.pubkey(), address, &intent, deposit);
    let purse = world.purse();
    let reclaim = world
        .addresses
        .reclaim_deposit(address, &intent, deposit, intent.mint, purse);
    let before = world.lamports(&operator.pubkey());
    world.send(&[settle, reclaim], &[&stranger]).unwrap();
    assert_eq!(world.vault_balance(), PRICE);
    assert_eq!(world.lamports(&operator.pubkey()), before + 5_000_000_000);
    assert_eq!(world.lamports(&deposit), 0);
}

fn rent_payer() -> Pubkey {
    test_keypair("rent payer").pubkey()
}

/// Runs the creation over the lamports that `beforehand` says, and makes sure that the
/// rent payer adds exactly what is missing.
fn create_over(world: &mut World, creation: Creation, beforehand: fn(u64) -> u64) {
    let Creation {
        what,
        address,
        space,
        instruction,
        signer,
    } = creation;
    let (fee_payer, rent_payer) = (test_keypair("fee payer"), test_keypair("rent payer"));
    world.fund(&fee_payer.pubkey());
    world.fund(&rent_payer.pubkey());
    let before = world.lamports(&rent_payer.pubkey());
    let rent = world.runtime.rent(space);
    let lamports = beforehand(rent);
    world.put_lamports(&address, lamports);
    let mut signers = vec![&fee_payer, &rent_payer];
    // Whoever does not have to sign may not.
    if instruction
        .accounts
        .iter()
        .any(|meta| meta.is_signer && meta.pubkey == signer.pubkey())
    {
        signers.push(&signer);
    }
    if let Err(failure) = world.send(&[instruction], &signers) {
        panic!("{what} over {lamports} lamports: {failure:#?}");
    }
    let account = world.runtime.account(&address).unwrap();
    assert_eq!(
        (account.data.len(), account.lamports),
        (space, rent.max(lamports)),
        "{what} over {lamports} lamports"
    );
    let paid = before - world.lamports(&rent_payer.pubkey());
    let missing = rent.saturating_sub(lamports);
    assert_eq!(paid, missing, "{what} over {lamports} lamports: rent");
}

/// An intent that closes gives back everything, lamports sent beforehand included.
fn require_all_rent_back(world: &mut World, address: Pubkey) {
    let intent: PaymentIntent = world.read(&address).unwrap();
    let start = world.now();
    world.set_time(intent.refund_until);
    let close = world.addresses.close_intent(address, &intent);
    let lamports = world.lamports(&address);
    let before = world.lamports(&rent_payer());
    let payer = world.payer.insecure_clone();
    world.send(&[close], &[&payer]).unwrap();
    assert_eq!(world.lamports(&rent_payer()), before + lamports);
    world.set_time(start);
}

/// A quote of `product` for the payer.
fn quote(world: &mut World, product: Pubkey, id: u8) -> (Pubkey, PaymentIntent) {
    let operator = world.operator.insecure_clone();
    let quote = Quote {
        payer: Pubkey::default(),
        amount: PRICE,
        access: DAY,
        credits: Credits(0),
        refund_window: REFUND_WINDOW,
    };
    let mut new = world.new_intent(&operator, id, IntentTerms::Quote(quote));
    new.product = product;
    let (address, _) = world.create_intent(&new, &operator);
    (address, world.read(&address).unwrap())
}

/// The first entitlement to `product`, by a deposit or by the operator's word.
fn other_rail(world: &mut World, product: Pubkey, id: u8, deposited: bool) -> Creation {
    let (address, intent) = quote(world, product, id);
    let beneficiary = world.payer.pubkey();
    let signer = world.operator.insecure_clone();
    let instruction = if deposited {
        let deposit = world.addresses.deposit(&address, &intent.mint);
        world.put_tokens(deposit, intent.mint, address, PRICE);
        world
            .addresses
            .settle_deposit(rent_payer(), address, &intent, deposit)
    } else {
        let attested = AttestedPayment {
            rail: 1,
            reference: [1; 32],
            payer: beneficiary,
            beneficiary,
        };
        let key = signer.pubkey();
        world
            .addresses
            .record_payment(key, rent_payer(), address, &intent, &attested)
    };
    Creation {
        what: if deposited {
            "entitlement of a deposit"
        } else {
            "entitlement of an attested payment"
        },
        address: world.addresses.entitlement(&product, &beneficiary),
        space: Entitlement::SPACE,
        instruction,
        signer,
    }
}

/// The runtimes differ here; the model is told which of the two rules holds.
pub fn what_has_too_little_for_its_rent_stays_as_the_runtime_says(world: &mut World) {
    let sender = world.payer.insecure_clone();
    let poor = test_keypair("less than its rent").pubkey();
    world.put_lamports(&poor, 1);
    let send = solana_system_interface::instruction::transfer(&sender.pubkey(), &poor, 1);
    let gained = world.send(&[send], &[&sender]).is_ok();
    let rule = world.runtime.minimum_balance_rule();
    assert_eq!(gained, rule == MinimumBalanceRule::NoLosses);
    assert_eq!(world.lamports(&poor), if gained { 2 } else { 1 });
}
