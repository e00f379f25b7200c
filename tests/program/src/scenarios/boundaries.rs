//! Addresses, mints, vaults and purses at the edge of what can happen.

use super::purchase::another_customer;
use crate::World;
use crate::world::{DAY, FUNDS, PRICE, REFUND_WINDOW};
use anchor_lang::error::ErrorCode as AnchorError;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use spl_token_interface::error::TokenError;
use spl_token_interface::state::{Account as TokenAccount, AccountState};
use tollgate::constants::{ENTITLEMENT_SEED, INTENT_SEED, MERCHANT_SEED, PRODUCT_SEED};
use tollgate_client::instructions::{NewProduct, create_token_account};
use tollgate_client::{
    Addresses, Amount, Credits, Entitlement, IntentTerms, Merchant, Offer, PROGRAM_ID,
    PaymentIntent, Product, Quote, Slug, TollgateError,
};
use tollgate_localnet::test_keypair;

pub fn a_lower_bump_leads_nowhere(world: &mut World) {
    let (owner, payer) = (world.owner.insecure_clone(), world.payer.insecure_clone());
    let newcomer = test_keypair("newcomer");
    world.fund(&newcomer.pubkey());
    let key = newcomer.pubkey();
    let create = world.addresses.create_merchant(key, key, key);
    let seeds: [&[u8]; 2] = [MERCHANT_SEED, key.as_ref()];
    let mismatch = TollgateError::MerchantMismatch;
    refused_at_lower_bump(world, create, 2, &seeds, &newcomer, mismatch);

    let new = NewProduct {
        slug: Slug::new("lower-bump").unwrap(),
        mint: world.mint,
        price: PRICE,
        access: DAY,
        credits: Credits(0),
        refund_window: REFUND_WINDOW,
    };
    let (key, merchant) = (owner.pubkey(), world.merchant);
    let create = world.addresses.create_product(key, key, merchant, &new);
    let seeds: [&[u8]; 3] = [PRODUCT_SEED, merchant.as_ref(), &new.slug.0];
    let mismatch = TollgateError::ProductMismatch;
    refused_at_lower_bump(world, create, 5, &seeds, &owner, mismatch);

    let product = world.product;
    let purchase = world.purchase(&product, 1);
    let [create, pay] = purchase.instructions(&world.addresses);
    let seeds: [&[u8]; 4] = [
        INTENT_SEED,
        merchant.as_ref(),
        purchase.payer.as_ref(),
        &purchase.payment_id.0,
    ];
    let mismatch = TollgateError::IntentMismatch;
    refused_at_lower_bump(world, create.clone(), 4, &seeds, &payer, mismatch);
    world.send(&[create], &[&payer]).unwrap();
    let seeds: [&[u8]; 3] = [
        ENTITLEMENT_SEED,
        product.as_ref(),
        purchase.beneficiary.as_ref(),
    ];
    let mismatch = TollgateError::EntitlementMismatch;
    refused_at_lower_bump(world, pay, 4, &seeds, &payer, mismatch);
}

/// Tries the next address that the same seeds lead to, which is as good as the first
/// for everything but the rule that there is one.
fn refused_at_lower_bump(
    world: &mut World,
    mut instruction: Instruction,
    slot: usize,
    seeds: &[&[u8]],
    signer: &Keypair,
    expected: TollgateError,
) {
    let (canonical, bump) = Pubkey::find_program_address(seeds, &PROGRAM_ID);
    assert_eq!(instruction.accounts[slot].pubkey, canonical);
    let lower = (0..bump)
        .rev()
        .find_map(|bump| {
            let bump = [bump];
            let seeds: Vec<&[u8]> = seeds.iter().copied().chain([&bump[..]]).collect();
            Pubkey::create_program_address(&seeds, &PROGRAM_ID).ok()
        })
        .unwrap();
    instruction.accounts[slot].pubkey = lower;
    world.refused(&[instruction], &[signer], expected);
}

pub fn accounts_store_their_canonical_bump(world: &mut World) {
    let product = world.product;
    let (purchase, _) = world.buy(&product, 1);
    let merchant: Merchant = world.read(&purchase.merchant).unwrap();
    let sold: Product = world.read(&product).unwrap();
    let intent: PaymentIntent = world.read(&purchase.intent(&world.addresses)).unwrap();
    let held: Entitlement = world.entitlement(&product).unwrap();
    let bump = |seeds: &[&[u8]]| Pubkey::find_program_address(seeds, &PROGRAM_ID).1;
    assert_eq!(
        merchant.bump,
        bump(&[MERCHANT_SEED, merchant.owner.as_ref()])
    );
    assert_eq!(
        sold.bump,
        bump(&[PRODUCT_SEED, sold.merchant.as_ref(), &sold.slug.0])
    );
    assert_eq!(
        intent.bump,
        bump(&[
            INTENT_SEED,
            intent.merchant.as_ref(),
            intent.author.as_ref(),
            &intent.payment_id.0
        ])
    );
    assert_eq!(
        held.bump,
        bump(&[
            ENTITLEMENT_SEED,
            held.product.as_ref(),
            held.beneficiary.as_ref()
        ])
    );
}

/// One payment id, used by a stranger, by the operator and at another merchant, before
/// the payer comes.
pub fn nobody_occupies_anothers_payment_id(world: &mut World) {
    let (operator, stranger) = (world.operator.insecure_clone(), another_customer(world));
    let offer = Offer {
        amount: PRICE,
        access: DAY,
        credits: Credits(0),
    };
    let listed = IntentTerms::ListPrice(offer);
    let mut occupying = world.new_intent(&stranger, 1, listed);
    occupying.beneficiary = Some(stranger.pubkey());
    let quote = Quote {
        payer: stranger.pubkey(),
        amount: Amount(1),
        access: DAY,
        credits: Credits(0),
        refund_window: REFUND_WINDOW,
    };
    let mut quoted = world.new_intent(&operator, 1, IntentTerms::Quote(quote));
    quoted.beneficiary = Some(stranger.pubkey());
    let rival = test_keypair("rival owner");
    world.fund(&rival.pubkey());
    let merchant = world.create_merchant(&rival);
    let payer = world.payer.insecure_clone();
    let mut elsewhere = world.new_intent(&payer, 1, listed);
    elsewhere.product = world.create_product(&rival, "day-pass", |_| {});
    elsewhere.merchant = merchant;
    let first = [
        (occupying, &stranger),
        (quoted, &operator),
        (elsewhere, &payer),
    ];
    let mut places: Vec<Pubkey> = first
        .into_iter()
        .map(|(new, creator)| world.create_intent(&new, creator).0)
        .collect();
    let product = world.product;
    let (purchase, _) = world.buy(&product, 1);
    places.push(purchase.intent(&world.addresses));
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 4, "each has a place of its own");
    assert_eq!(world.vault_balance(), PRICE);
    // Nor can anybody create in the payer's name, who does not sign.
    let new = world.new_intent(&payer, 2, listed);
    let mut forged = world.addresses.create_intent(&new);
    forged.accounts[0].is_signer = false;
    forged.accounts[1].pubkey = stranger.pubkey();
    let failure = world.fails(&[forged], &[&stranger]);
    let expected = u32::from(AnchorError::AccountNotSigner);
    assert_eq!(failure.custom(), Some(expected));
}

/// A mint that Token-2022 owns, whatever its extensions may do, sells nothing.
pub fn mints_of_token_2022_are_refused(world: &mut World) {
    let owner = world.owner.insecure_clone();
    let token_2022 = solana_pubkey::pubkey!("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
    let mint = test_keypair("mint of Token-2022").pubkey();
    world.put_mint(mint, None);
    let vault = world.addresses.vault(&world.merchant, &mint);
    let merchant = world.merchant;
    world.put_tokens(vault, mint, merchant, Amount(0));
    for address in [mint, vault] {
        let mut account = world.runtime.account(&address).unwrap();
        account.owner = token_2022;
        world.runtime.set_account(address, account);
    }
    let failure = world
        .try_create_product(&owner, "extended", |new| new.mint = mint)
        .unwrap_err();
    let expected = u32::from(AnchorError::AccountOwnedByWrongProgram);
    assert_eq!(failure.custom(), Some(expected), "{failure:#?}");
}

/// Only the merchant account could sign its vault away, and the program never has it
/// do so. Were it to happen all the same, nothing is sold into it or taken out of it.
pub fn a_vault_that_changed_hands_is_no_vault(world: &mut World) {
    let owner = world.owner.insecure_clone();
    let product = world.product;
    world.buy(&product, 1);
    let (vault, mint) = (world.vault(), world.mint);
    let thief = test_keypair("thief").pubkey();
    world.put_tokens(vault, mint, thief, PRICE);
    let failure = world
        .try_create_product(&owner, "another", |_| {})
        .unwrap_err();
    let expected = u32::from(AnchorError::ConstraintTokenOwner);
    assert_eq!(failure.custom(), Some(expected), "{failure:#?}");
    let till = Addresses::token_account(&owner.pubkey(), &mint);
    world.put_tokens(till, mint, owner.pubkey(), Amount(0));
    let withdraw = world
        .addresses
        .withdraw(owner.pubkey(), world.merchant, mint, till, PRICE);
    let failure = world.fails(&[withdraw], &[&owner]);
    assert_eq!(failure.custom(), Some(expected), "{failure:#?}");
}

/// Money finds another way to its owner when the usual account is frozen.
pub fn a_frozen_purse_is_no_dead_end(world: &mut World) {
    let (operator, payer) = (
        world.operator.insecure_clone(),
        world.payer.insecure_clone(),
    );
    let (product, mint) = (world.product, world.mint);
    let (purchase, _) = world.buy(&product, 1);
    let address = purchase.intent(&world.addresses);
    let intent: PaymentIntent = world.read(&address).unwrap();
    let deposit = world.addresses.deposit(&address, &mint);
    world.put_tokens(deposit, mint, address, Amount(7));
    let purse = world.purse();
    let held = world.tokens(&purse);
    world.put_token_account(
        purse,
        TokenAccount {
            mint,
            owner: payer.pubkey(),
            amount: held.0,
            state: AccountState::Frozen,
            ..TokenAccount::default()
        },
    );
    let second = test_keypair("second purse").pubkey();
    world.put_tokens(second, mint, payer.pubkey(), Amount(0));
    let back = |world: &World, to| {
        let key = world.operator.pubkey();
        world
            .addresses
            .refund(key, address, &intent, to, intent.amount)
    };
    let reclaim = |world: &World, to| {
        world
            .addresses
            .reclaim_deposit(address, &intent, deposit, mint, to)
    };
    let frozen = Some(TokenError::AccountFrozen as u32);
    let (first, other) = (back(world, purse), back(world, second));
    assert_eq!(world.fails(&[first], &[&operator]).custom(), frozen);
    world.send(&[other], &[&operator]).unwrap();
    let (first, other) = (reclaim(world, purse), reclaim(world, second));
    assert_eq!(world.fails(&[first], &[&payer]).custom(), frozen);
    world.send(&[other], &[&payer]).unwrap();
    assert_eq!(world.tokens(&second), Amount(PRICE.0 + 7));
    assert_eq!(world.tokens(&purse), Amount(FUNDS.0 - PRICE.0));
}

/// Who gets rent back once signed for it, so that its account can take lamports: also
/// when there are none left in it.
pub fn rent_returns_to_an_emptied_account(world: &mut World) {
    let crank = another_customer(world);
    let operator = world.operator.insecure_clone();
    let (product, mint) = (world.product, world.mint);
    let (purchase, _) = world.buy(&product, 1);
    let address = purchase.intent(&world.addresses);
    let intent: PaymentIntent = world.read(&address).unwrap();
    let held = world.entitlement(&product).unwrap();
    let entitlement = purchase.entitlement(&world.addresses);
    let deposit = create_token_account(crank.pubkey(), address, mint);
    world.send(&[deposit], &[&crank]).unwrap();
    let deposit = world.addresses.deposit(&address, &mint);
    let payer = world.payer.pubkey();
    let all = [address, entitlement, deposit]
        .iter()
        .map(|account| world.lamports(account))
        .sum::<u64>();
    let purse = world.purse();
    let closes = [
        world
            .addresses
            .reclaim_deposit(address, &intent, deposit, mint, purse),
        world.addresses.close_intent(address, &intent),
        world.addresses.close_entitlement(entitlement, &held),
    ];
    world.set_time(held.expires_at);
    for (number, close) in closes.into_iter().enumerate() {
        world.put_lamports(&payer, 0);
        let signer = if number == 0 { &crank } else { &operator };
        world.send(&[close], &[signer]).unwrap();
        assert!(world.lamports(&payer) > 0);
    }
    let rest = [address, entitlement, deposit]
        .iter()
        .map(|account| world.lamports(account))
        .sum::<u64>();
    assert!(all > 0 && rest == 0);
}
