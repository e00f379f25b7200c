//! What an attacker or a mistaken caller is told, and that nothing moves.

use super::purchase::another_customer;
use crate::World;
use crate::world::{FUNDS, PRICE};
use anchor_lang::error::ErrorCode as AnchorError;
use solana_instruction::error::InstructionError;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_transaction_error::TransactionError;
use spl_token_interface::error::TokenError;
use spl_token_interface::state::{Account as TokenAccount, AccountState};
use tollgate_client::instructions::Payment;
use tollgate_client::{Addresses, Amount, TollgateError};
use tollgate_localnet::test_keypair;

/// Positions in the accounts of `pay`.
const MERCHANT: usize = 2;
const INTENT: usize = 3;
const ENTITLEMENT: usize = 4;
const TOKEN_PROGRAM: usize = 8;

pub fn a_second_payment_is_refused(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let (_, payment) = world.open_intent(1);
    let pay = world.addresses.pay(&payment);
    world.send(&[pay.clone()], &[&payer]).unwrap();
    world.refused(&[pay.clone()], &[&payer], TollgateError::IntentAlreadyPaid);
    // Twice in one transaction is refused as a whole.
    let (_, payment) = world.open_intent(2);
    let pay = world.addresses.pay(&payment);
    world.refused(
        &[pay.clone(), pay],
        &[&payer],
        TollgateError::IntentAlreadyPaid,
    );
    assert_eq!(world.vault_balance(), PRICE);
}

pub fn the_same_payment_id_cannot_be_used_twice(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let product = world.product;
    let (purchase, _) = world.buy(&product, 1);
    let failure = world.fails(&purchase.instructions(&world.addresses.clone()), &[&payer]);
    // The system program's "account already in use".
    assert_eq!(failure.custom(), Some(0), "{failure:#?}");
    assert_eq!(world.vault_balance(), PRICE);
}

pub fn another_payer_is_refused(world: &mut World) {
    let other = another_customer(world);
    let (_, payment) = world.open_intent(1);
    let pay = world.addresses.pay(&Payment {
        payer: other.pubkey(),
        rent_payer: other.pubkey(),
        source: Addresses::token_account(&other.pubkey(), &world.mint),
        ..payment
    });
    world.refused(&[pay], &[&other], TollgateError::PayerMismatch);
    // Nor can the other take the payer's tokens.
    let steal = world.addresses.pay(&Payment {
        payer: other.pubkey(),
        rent_payer: other.pubkey(),
        ..payment
    });
    world.refused(&[steal], &[&other], TollgateError::PayerMismatch);
}

pub fn another_beneficiary_is_refused(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let (_, payment) = world.open_intent(1);
    let beneficiary = test_keypair("friend").pubkey();
    let pay = world.addresses.pay(&Payment {
        beneficiary,
        ..payment
    });
    world.refused(&[pay], &[&payer], TollgateError::BeneficiaryMismatch);
}

pub fn underpayment_and_overpayment_are_refused(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let (_, payment) = world.open_intent(1);
    for amount in [0, 1, PRICE.0 - 1, PRICE.0 + 1, u64::MAX] {
        let pay = world.addresses.pay(&Payment {
            amount: Amount(amount),
            ..payment
        });
        world.refused(&[pay], &[&payer], TollgateError::AmountMismatch);
    }
}

pub fn another_mint_is_refused(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let worthless = test_keypair("worthless mint").pubkey();
    world.put_mint(worthless, None);
    let source = Addresses::token_account(&payer.pubkey(), &worthless);
    world.put_tokens(source, worthless, payer.pubkey(), FUNDS);
    let (_, payment) = world.open_intent(1);
    let pay = world.addresses.pay(&Payment {
        mint: worthless,
        source,
        ..payment
    });
    world.refused(&[pay], &[&payer], TollgateError::MintMismatch);
    // With the right mint but worthless tokens, SPL Token refuses.
    let pay = world.addresses.pay(&Payment { source, ..payment });
    let failure = world.fails(&[pay], &[&payer]);
    assert_eq!(
        failure.custom(),
        Some(TokenError::MintMismatch as u32),
        "{failure:#?}"
    );
}

pub fn another_vault_is_refused(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let (_, payment) = world.open_intent(1);
    // The payer's own account, and the vault of another merchant.
    let own = test_keypair("own token account").pubkey();
    let mint = world.mint;
    world.put_tokens(own, mint, payer.pubkey(), Amount(0));
    let rival = test_keypair("rival owner");
    world.fund(&rival.pubkey());
    let rival = world.create_merchant(&rival);
    for vault in [own, world.addresses.vault(&rival, &mint)] {
        let pay = world.addresses.pay(&Payment { vault, ..payment });
        world.refused(&[pay], &[&payer], TollgateError::VaultMismatch);
    }
}

pub fn the_vault_cannot_pay_itself(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let product = world.product;
    world.buy(&product, 1);
    let (_, payment) = world.open_intent(2);
    let pay = world.addresses.pay(&Payment {
        source: payment.vault,
        ..payment
    });
    world.refused(&[pay], &[&payer], TollgateError::AccountsAliased);
}

pub fn another_merchant_is_refused(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let (_, payment) = world.open_intent(1);
    let rival = test_keypair("rival owner");
    world.fund(&rival.pubkey());
    let merchant = world.create_merchant(&rival);
    let pay = world.addresses.pay(&Payment {
        merchant,
        ..payment
    });
    world.refused(&[pay], &[&payer], TollgateError::MerchantMismatch);
    // A rival cannot have its product bought through another merchant's intent.
    let product = world.create_product(&rival, "day-pass", |_| {});
    let pay = world.addresses.pay(&Payment { product, ..payment });
    world.refused(&[pay], &[&payer], TollgateError::EntitlementMismatch);
}

pub fn another_entitlement_is_refused(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let owner = world.owner.insecure_clone();
    let premium = world.create_product(&owner, "premium", |new| new.price = Amount(1_000_000));
    world.buy(&premium, 1);
    let (_, payment) = world.open_intent(2);
    // An existing entitlement to a dearer product, and addresses nobody derived.
    let existing = world.addresses.entitlement(&premium, &payer.pubkey());
    for address in [existing, test_keypair("nowhere").pubkey()] {
        let mut pay = world.addresses.pay(&payment);
        pay.accounts[ENTITLEMENT].pubkey = address;
        world.refused(&[pay], &[&payer], TollgateError::EntitlementMismatch);
    }
    // An account of another program at that place.
    let mut pay = world.addresses.pay(&payment);
    pay.accounts[ENTITLEMENT].pubkey = world.purse();
    world.refused(&[pay], &[&payer], TollgateError::EntitlementOwner);
}

pub fn accounts_of_another_type_are_refused(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let product = world.product;
    let (purchase, _) = world.buy(&product, 1);
    let (_, payment) = world.open_intent(2);
    let entitlement = purchase.entitlement(&world.addresses);
    for (slot, address) in [
        (INTENT, entitlement),
        (INTENT, world.product),
        (MERCHANT, world.product),
    ] {
        let mut pay = world.addresses.pay(&payment);
        pay.accounts[slot].pubkey = address;
        let failure = world.fails(&[pay], &[&payer]);
        let expected = u32::from(AnchorError::AccountDiscriminatorMismatch);
        assert_eq!(
            failure.custom(),
            Some(expected),
            "slot {slot}: {failure:#?}"
        );
    }
    let mut pay = world.addresses.pay(&payment);
    pay.accounts[ENTITLEMENT].pubkey = world.product;
    let failure = world.fails(&[pay], &[&payer]);
    assert_eq!(
        failure.custom(),
        Some(u32::from(AnchorError::AccountDiscriminatorMismatch))
    );
}

pub fn accounts_of_another_owner_are_refused(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let (address, payment) = world.open_intent(1);
    // A perfect copy of the intent, but the system program owns it.
    let mut forged = world.runtime.account(&address).unwrap();
    forged.owner = Pubkey::default();
    let forgery = test_keypair("forged intent").pubkey();
    world.runtime.set_account(forgery, forged);
    let pay = world.addresses.pay(&Payment {
        intent: forgery,
        ..payment
    });
    let failure = world.fails(&[pay], &[&payer]);
    assert_eq!(
        failure.custom(),
        Some(u32::from(AnchorError::AccountOwnedByWrongProgram))
    );
}

pub fn a_fake_token_program_is_refused(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let (_, payment) = world.open_intent(1);
    let mut pay = world.addresses.pay(&payment);
    pay.accounts[TOKEN_PROGRAM].pubkey = tollgate_client::PROGRAM_ID;
    let failure = world.fails(&[pay], &[&payer]);
    assert_eq!(
        failure.custom(),
        Some(u32::from(AnchorError::InvalidProgramId))
    );
}

pub fn a_missing_signature_is_refused(world: &mut World) {
    let stranger = another_customer(world);
    let (_, payment) = world.open_intent(1);
    let mut pay = world.addresses.pay(&Payment {
        rent_payer: stranger.pubkey(),
        ..payment
    });
    pay.accounts[0].is_signer = false;
    let failure = world.fails(&[pay], &[&stranger]);
    assert_eq!(
        failure.custom(),
        Some(u32::from(AnchorError::AccountNotSigner))
    );
}

pub fn too_little_money_moves_nothing(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let purse = world.purse();
    let mint = world.mint;
    world.put_tokens(purse, mint, payer.pubkey(), Amount(PRICE.0 - 1));
    let product = world.product;
    let purchase = world.purchase(&product, 1);
    let failure = world.fails(&purchase.instructions(&world.addresses.clone()), &[&payer]);
    assert_eq!(
        failure.custom(),
        Some(TokenError::InsufficientFunds as u32),
        "{failure:#?}"
    );
}

pub fn frozen_accounts_move_nothing(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let (_, payment) = world.open_intent(1);
    let (vault, purse, mint, merchant) = (world.vault(), world.purse(), world.mint, world.merchant);
    for (address, owner, amount) in [(vault, merchant, 0), (purse, payer.pubkey(), FUNDS.0)] {
        let before = world.runtime.account(&address).unwrap();
        world.put_token_account(
            address,
            TokenAccount {
                mint,
                owner,
                amount,
                state: AccountState::Frozen,
                ..TokenAccount::default()
            },
        );
        let failure = world.fails(&[world.addresses.pay(&payment)], &[&payer]);
        assert_eq!(
            failure.custom(),
            Some(TokenError::AccountFrozen as u32),
            "{failure:#?}"
        );
        world.runtime.set_account(address, before);
    }
    world
        .send(&[world.addresses.pay(&payment)], &[&payer])
        .unwrap();
}

pub fn an_unknown_version_is_refused(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let (address, payment) = world.open_intent(1);
    let mut account = world.runtime.account(&address).unwrap();
    account.data[8] = 2;
    world.runtime.set_account(address, account);
    world.refused(
        &[world.addresses.pay(&payment)],
        &[&payer],
        TollgateError::VersionUnknown,
    );
    // Short data is an error, not a panic.
    let mut account = world.runtime.account(&address).unwrap();
    account.data.truncate(40);
    world.runtime.set_account(address, account);
    let failure = world.fails(&[world.addresses.pay(&payment)], &[&payer]);
    assert!(
        matches!(failure.error, TransactionError::InstructionError(0, InstructionError::Custom(code))
            if code == u32::from(AnchorError::AccountDidNotDeserialize)),
        "{failure:#?}"
    );
}
