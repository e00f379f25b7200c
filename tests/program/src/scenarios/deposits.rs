//! Plain transfers that become payments, and those that go back.

use crate::World;
use crate::world::{FUNDS, PRICE, REFUND_WINDOW};
use anchor_lang::error::ErrorCode as AnchorError;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use spl_token_interface::error::TokenError;
use spl_token_interface::state::{Account as TokenAccount, AccountState};
use tollgate_client::{
    Addresses, Amount, Credits, DurationSeconds, IntentStatus, IntentTerms, PaymentIntent, Quote,
    Rail, TollgateError, UnixSeconds,
};
use tollgate_localnet::test_keypair;

/// A quote for the payer, and where deposits for it go.
struct Deposit {
    address: Pubkey,
    intent: PaymentIntent,
    account: Pubkey,
}

impl Deposit {
    fn quote(world: &mut World, id: u8) -> Self {
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
        let intent: PaymentIntent = world.read(&address).unwrap();
        let account = world.addresses.deposit(&address, &intent.mint);
        Self {
            address,
            intent,
            account,
        }
    }

    /// As if somebody had transferred `amount`.
    fn put(&self, world: &mut World, amount: u64) {
        world.put_tokens(self.account, self.intent.mint, self.address, Amount(amount));
    }

    fn settle(&self, world: &World, rent_payer: &Keypair) -> solana_instruction::Instruction {
        world.addresses.settle_deposit(
            rent_payer.pubkey(),
            self.address,
            &self.intent,
            self.account,
        )
    }

    fn reclaim(&self, world: &World) -> solana_instruction::Instruction {
        let mint = self.intent.mint;
        world.addresses.reclaim_deposit(
            self.address,
            &self.intent,
            self.account,
            mint,
            world.purse(),
        )
    }
}

/// A stranger who turns the crank.
fn crank(world: &mut World) -> Keypair {
    let crank = test_keypair("crank");
    world.fund(&crank.pubkey());
    crank
}

pub fn an_exact_deposit_becomes_a_payment(world: &mut World) {
    let crank = crank(world);
    let deposit = Deposit::quote(world, 1);
    deposit.put(world, PRICE.0);
    let now = world.now();
    world
        .send(&[deposit.settle(world, &crank)], &[&crank])
        .unwrap();
    let intent: PaymentIntent = world.read(&deposit.address).unwrap();
    assert_eq!(
        (intent.status, intent.rail),
        (IntentStatus::Paid, Rail::Deposit)
    );
    assert_eq!(
        (intent.payer, intent.beneficiary),
        (world.payer.pubkey(), world.payer.pubkey())
    );
    let product = world.product;
    let entitlement = world.entitlement(&product).unwrap();
    assert_eq!(entitlement.expires_at.0, now.0 + 60);
    assert_eq!(entitlement.rent_payer, crank.pubkey());
    assert_eq!(
        (world.vault_balance(), world.tokens(&deposit.account)),
        (PRICE, Amount(0))
    );
    world.refused(
        &[deposit.settle(world, &crank)],
        &[&crank],
        TollgateError::IntentAlreadyPaid,
    );
    // The empty account goes, its rent returns to who made the intent.
    let operator = world.operator.pubkey();
    let before = world.lamports(&operator);
    let rent = world.lamports(&deposit.account);
    world.send(&[deposit.reclaim(world)], &[&crank]).unwrap();
    assert_eq!(world.lamports(&operator), before + rent);
    assert_eq!(world.lamports(&deposit.account), 0);
}

pub fn a_short_deposit_waits_and_can_be_topped_up(world: &mut World) {
    let crank = crank(world);
    let deposit = Deposit::quote(world, 1);
    for short in [0, 1, PRICE.0 - 1] {
        deposit.put(world, short);
        world.refused(
            &[deposit.settle(world, &crank)],
            &[&crank],
            TollgateError::DepositShort,
        );
        world.refused(
            &[deposit.reclaim(world)],
            &[&crank],
            TollgateError::DepositPending,
        );
    }
    deposit.put(world, PRICE.0);
    world
        .send(&[deposit.settle(world, &crank)], &[&crank])
        .unwrap();
    assert_eq!(world.vault_balance(), PRICE);
}

pub fn a_surplus_and_a_second_transfer_go_back_to_the_beneficiary(world: &mut World) {
    let crank = crank(world);
    let deposit = Deposit::quote(world, 1);
    deposit.put(world, PRICE.0 + 7);
    world
        .send(&[deposit.settle(world, &crank)], &[&crank])
        .unwrap();
    assert_eq!(world.tokens(&deposit.account), Amount(7));
    world.send(&[deposit.reclaim(world)], &[&crank]).unwrap();
    deposit.put(world, 5);
    world.send(&[deposit.reclaim(world)], &[&crank]).unwrap();
    let purse = world.purse();
    assert_eq!(
        (world.tokens(&purse), world.vault_balance()),
        (Amount(FUNDS.0 + 12), PRICE)
    );
}

pub fn late_and_cancelled_deposits_go_back(world: &mut World) {
    let crank = crank(world);
    let late = Deposit::quote(world, 1);
    let cancelled = Deposit::quote(world, 2);
    late.put(world, PRICE.0);
    cancelled.put(world, PRICE.0);
    let operator = world.operator.insecure_clone();
    let cancel =
        world
            .addresses
            .cancel_intent(operator.pubkey(), world.merchant, cancelled.address);
    world.send(&[cancel], &[&operator]).unwrap();
    world.refused(
        &[cancelled.settle(world, &crank)],
        &[&crank],
        TollgateError::IntentCancelled,
    );
    world.send(&[cancelled.reclaim(world)], &[&crank]).unwrap();

    let expiry = late.intent.expires_at;
    world.set_time(UnixSeconds(expiry.0 - 1));
    world.refused(
        &[late.reclaim(world)],
        &[&crank],
        TollgateError::DepositPending,
    );
    world.set_time(expiry);
    world.refused(
        &[late.settle(world, &crank)],
        &[&crank],
        TollgateError::IntentExpired,
    );
    world.send(&[late.reclaim(world)], &[&crank]).unwrap();
    let purse = world.purse();
    assert_eq!(
        (world.tokens(&purse), world.vault_balance()),
        (Amount(FUNDS.0 + 2 * PRICE.0), Amount(0))
    );
}

/// Whoever closes an expired quote cannot strand what arrives later: the operator
/// records the quote anew, gives it up, and anyone sends the money back.
pub fn a_deposit_after_the_close_goes_back_through_a_new_quote(world: &mut World) {
    let crank = crank(world);
    let closed = Deposit::quote(world, 1);
    world.set_time(closed.intent.expires_at);
    let close = world.addresses.close_intent(closed.address, &closed.intent);
    world.send(&[close], &[&crank]).unwrap();
    closed.put(world, PRICE.0);
    for lost in [closed.settle(world, &crank), closed.reclaim(world)] {
        let failure = world.fails(&[lost], &[&crank]);
        let expected = u32::from(AnchorError::AccountNotInitialized);
        assert_eq!(failure.custom(), Some(expected));
    }

    let anew = Deposit::quote(world, 1);
    assert_eq!(anew.address, closed.address);
    let operator = world.operator.insecure_clone();
    let (key, merchant) = (operator.pubkey(), world.merchant);
    let cancel = world.addresses.cancel_intent(key, merchant, anew.address);
    world.send(&[cancel], &[&operator]).unwrap();
    world.send(&[anew.reclaim(world)], &[&crank]).unwrap();
    let purse = world.purse();
    assert_eq!(world.tokens(&purse), Amount(FUNDS.0 + PRICE.0));
    assert_eq!(world.vault_balance(), Amount(0));
}

pub fn a_deposit_and_a_payment_take_money_once(world: &mut World) {
    let (crank, payer) = (crank(world), world.payer.insecure_clone());
    let deposit = Deposit::quote(world, 1);
    let key = payer.pubkey();
    let payment = tollgate_client::instructions::Payment::of_intent(
        deposit.address,
        &deposit.intent,
        key,
        key,
    );
    world
        .send(&[world.addresses.pay(&payment)], &[&payer])
        .unwrap();
    deposit.put(world, PRICE.0);
    world.refused(
        &[deposit.settle(world, &crank)],
        &[&crank],
        TollgateError::IntentAlreadyPaid,
    );
    world.send(&[deposit.reclaim(world)], &[&crank]).unwrap();
    let purse = world.purse();
    assert_eq!(
        (world.tokens(&purse), world.vault_balance()),
        (FUNDS, PRICE)
    );
}

pub fn encumbered_deposits_are_not_settled_but_go_back(world: &mut World) {
    let crank = crank(world);
    let stranger = test_keypair("stranger").pubkey();
    for (id, delegate, close_authority) in [(1, Some(stranger), None), (2, None, Some(stranger))] {
        let deposit = Deposit::quote(world, id);
        world.put_token_account(
            deposit.account,
            TokenAccount {
                mint: deposit.intent.mint,
                owner: deposit.address,
                amount: PRICE.0,
                delegate: delegate.into(),
                delegated_amount: if delegate.is_some() { PRICE.0 } else { 0 },
                close_authority: close_authority.into(),
                state: AccountState::Initialized,
                ..TokenAccount::default()
            },
        );
        world.refused(
            &[deposit.settle(world, &crank)],
            &[&crank],
            TollgateError::DepositEncumbered,
        );
        let expiry = deposit.intent.expires_at;
        world.set_time(expiry);
        world.send(&[deposit.reclaim(world)], &[&crank]).unwrap();
    }
    let purse = world.purse();
    assert_eq!(world.tokens(&purse), Amount(FUNDS.0 + 2 * PRICE.0));
}

pub fn only_the_intents_own_account_is_a_deposit(world: &mut World) {
    let crank = crank(world);
    let deposit = Deposit::quote(world, 1);
    let mint = world.mint;
    let foreign = test_keypair("foreign account").pubkey();
    world.put_tokens(foreign, mint, crank.pubkey(), PRICE);
    let worthless = test_keypair("worthless mint").pubkey();
    world.put_mint(worthless, None);
    let other_mint = test_keypair("account of another mint").pubkey();
    world.put_tokens(other_mint, worthless, deposit.address, PRICE);
    for account in [foreign, other_mint] {
        let settle = world.addresses.settle_deposit(
            crank.pubkey(),
            deposit.address,
            &deposit.intent,
            account,
        );
        world.refused(&[settle], &[&crank], TollgateError::DepositMismatch);
    }
    // What was sent in another mint goes back in that mint.
    let payer = world.payer.pubkey();
    let purse = Addresses::token_account(&payer, &worthless);
    world.put_tokens(purse, worthless, payer, Amount(0));
    world.set_time(deposit.intent.expires_at);
    let reclaim = world.addresses.reclaim_deposit(
        deposit.address,
        &deposit.intent,
        other_mint,
        worthless,
        purse,
    );
    world.send(&[reclaim], &[&crank]).unwrap();
    assert_eq!(world.tokens(&purse), PRICE);
}

pub fn a_deposit_goes_back_to_nobody_else(world: &mut World) {
    let crank = crank(world);
    let deposit = Deposit::quote(world, 1);
    deposit.put(world, PRICE.0);
    world.set_time(deposit.intent.expires_at);
    let mint = world.mint;
    let thief = Addresses::token_account(&crank.pubkey(), &mint);
    world.put_tokens(thief, mint, crank.pubkey(), Amount(0));
    let mut reclaim = deposit.reclaim(world);
    reclaim.accounts[3].pubkey = thief;
    world.refused(&[reclaim], &[&crank], TollgateError::DestinationMismatch);
    let mut reclaim = deposit.reclaim(world);
    reclaim.accounts[4].pubkey = crank.pubkey();
    world.refused(&[reclaim], &[&crank], TollgateError::RentPayerMismatch);
}

pub fn self_service_intents_take_no_deposits(world: &mut World) {
    let crank = crank(world);
    let (address, _) = world.open_intent(1);
    let intent: PaymentIntent = world.read(&address).unwrap();
    let account = world.addresses.deposit(&address, &intent.mint);
    let deposit = Deposit {
        address,
        intent,
        account,
    };
    deposit.put(world, PRICE.0);
    world.refused(
        &[deposit.settle(world, &crank)],
        &[&crank],
        TollgateError::DepositNotOffered,
    );
    world.set_time(deposit.intent.expires_at);
    world.send(&[deposit.reclaim(world)], &[&crank]).unwrap();
    let purse = world.purse();
    assert_eq!(world.tokens(&purse), Amount(FUNDS.0 + PRICE.0));
}

pub fn frozen_deposits_move_nothing(world: &mut World) {
    let crank = crank(world);
    let deposit = Deposit::quote(world, 1);
    world.put_token_account(
        deposit.account,
        TokenAccount {
            mint: deposit.intent.mint,
            owner: deposit.address,
            amount: PRICE.0,
            state: AccountState::Frozen,
            ..TokenAccount::default()
        },
    );
    let failure = world.fails(&[deposit.settle(world, &crank)], &[&crank]);
    assert_eq!(
        failure.custom(),
        Some(TokenError::AccountFrozen as u32),
        "{failure:#?}"
    );
}
