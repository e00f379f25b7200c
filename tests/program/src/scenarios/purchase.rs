//! What a payment leaves behind.

use crate::World;
use crate::world::{DAY, FUNDS, PRICE, REFUND_WINDOW};
use anchor_lang::{AnchorDeserialize, Discriminator};
use solana_account::Account;
use solana_keypair::Keypair;
use solana_program_pack::Pack;
use solana_signer::Signer;
use spl_token_interface::state::Account as TokenAccount;
use tollgate::events::IntentPaid;
use tollgate_client::instructions::Payment;
use tollgate_client::{
    Addresses, Amount, Credits, DurationSeconds, Entitlement, EntitlementStatus, IntentStatus,
    PaymentIntent, Rail, UnixSeconds,
};
use tollgate_localnet::test_keypair;

pub fn one_shot_purchase_leaves_an_entitlement(world: &mut World) {
    let product = world.product;
    let now = world.now();
    let (purchase, _) = world.buy(&product, 1);
    let payer = world.payer.pubkey();

    let purse = world.purse();
    assert_eq!(world.tokens(&purse), Amount(FUNDS.0 - PRICE.0));
    assert_eq!(world.vault_balance(), PRICE);

    let address = purchase.intent(&world.addresses);
    let intent: PaymentIntent = world.read(&address).unwrap();
    assert_eq!(intent.status, IntentStatus::Paid);
    assert_eq!(intent.rail, Rail::Pay);
    assert_eq!(
        (intent.payer, intent.beneficiary, intent.author),
        (payer, payer, payer)
    );
    assert_eq!(
        (intent.paid_at, intent.refund_until),
        (now, UnixSeconds(now.0 + REFUND_WINDOW.0 as i64))
    );
    assert_eq!((intent.amount, intent.refunded), (PRICE, Amount(0)));

    let entitlement: Entitlement = world.entitlement(&product).unwrap();
    assert_eq!(entitlement.status, EntitlementStatus::Active);
    assert_eq!(entitlement.expires_at, UnixSeconds(now.0 + DAY.0 as i64));
    assert_eq!(entitlement.last_intent, address);
    assert_eq!(
        (entitlement.merchant, entitlement.rent_payer),
        (world.merchant, payer)
    );
    assert_eq!((entitlement.payments, entitlement.metered), (1, false));
    assert!(entitlement.is_usable(now));
    assert!(entitlement.is_usable(UnixSeconds(entitlement.expires_at.0 - 1)));
    assert!(!entitlement.is_usable(entitlement.expires_at));
}

pub fn a_renewal_extends_from_the_present_expiry(world: &mut World) {
    let product = world.product;
    world.buy(&product, 1);
    let first = world.entitlement(&product).unwrap();
    world.set_time(UnixSeconds(first.expires_at.0 - 1));
    world.buy(&product, 2);
    let second = world.entitlement(&product).unwrap();
    assert_eq!(
        second.expires_at,
        UnixSeconds(first.expires_at.0 + DAY.0 as i64)
    );
    assert_eq!(second.payments, 2);
    assert_eq!(world.vault_balance(), Amount(2 * PRICE.0));
}

pub fn a_lapsed_entitlement_begins_anew_from_now(world: &mut World) {
    let product = world.product;
    world.buy(&product, 1);
    let first = world.entitlement(&product).unwrap();
    let later = UnixSeconds(first.expires_at.0 + 1_000);
    world.set_time(later);
    world.buy(&product, 2);
    let second = world.entitlement(&product).unwrap();
    assert_eq!(second.expires_at, UnixSeconds(later.0 + DAY.0 as i64));
    assert_eq!(second.created_at, first.created_at);
}

pub fn a_product_without_time_limit_never_expires(world: &mut World) {
    let owner = world.owner.insecure_clone();
    let product = world.create_product(&owner, "for-ever", |new| new.access = DurationSeconds(0));
    world.buy(&product, 1);
    let entitlement = world.entitlement(&product).unwrap();
    assert_eq!(entitlement.expires_at, UnixSeconds::NEVER);
    assert!(entitlement.is_usable(UnixSeconds(i64::MAX - 1)));
    // A second payment must not overflow what never expires.
    world.buy(&product, 2);
    assert_eq!(
        world.entitlement(&product).unwrap().expires_at,
        UnixSeconds::NEVER
    );
}

pub fn metered_products_add_credits(world: &mut World) {
    let owner = world.owner.insecure_clone();
    let product = world.create_product(&owner, "calls", |new| {
        new.access = DurationSeconds(0);
        new.credits = Credits(100);
    });
    world.buy(&product, 1);
    world.buy(&product, 2);
    let mut entitlement = world.entitlement(&product).unwrap();
    assert_eq!(
        (entitlement.metered, entitlement.credits_granted),
        (true, Credits(200))
    );
    assert_eq!(entitlement.credits_remaining(), Some(Credits(200)));
    let now = world.now();
    assert!(entitlement.is_usable(now));
    entitlement.credits_used = Credits(200);
    assert!(!entitlement.is_usable(now), "no credit is left");
}

pub fn a_sponsor_may_pay_the_rent(world: &mut World) {
    let sponsor = test_keypair("sponsor");
    world.fund(&sponsor.pubkey());
    let payer = world.payer.insecure_clone();
    // The payer owns no lamport at all.
    world.put_lamports(&payer.pubkey(), 0);
    let product = world.product;
    let mut purchase = world.purchase(&product, 1);
    purchase.rent_payer = sponsor.pubkey();
    world
        .send(
            &purchase.instructions(&world.addresses.clone()),
            &[&sponsor, &payer],
        )
        .unwrap();
    let entitlement = world.entitlement(&product).unwrap();
    assert_eq!(entitlement.rent_payer, sponsor.pubkey());
    let intent: PaymentIntent = world.read(&entitlement.last_intent).unwrap();
    assert_eq!(intent.rent_payer, sponsor.pubkey());
}

pub fn a_payer_may_buy_for_somebody_else(world: &mut World) {
    let friend = test_keypair("friend").pubkey();
    let product = world.product;
    let mut purchase = world.purchase(&product, 1);
    purchase.beneficiary = friend;
    let payer = world.payer.insecure_clone();
    world
        .send(&purchase.instructions(&world.addresses.clone()), &[&payer])
        .unwrap();
    assert_eq!(world.entitlement(&product), None);
    let address = world.addresses.entitlement(&product, &friend);
    let entitlement: Entitlement = world.read(&address).unwrap();
    assert_eq!(entitlement.beneficiary, friend);
}

pub fn a_delegate_may_pay(world: &mut World) {
    let holder = test_keypair("holder").pubkey();
    let source = Addresses::token_account(&holder, &world.mint);
    let delegate = world.payer.insecure_clone();
    world.put_token_account(
        source,
        TokenAccount {
            mint: world.mint,
            owner: holder,
            amount: FUNDS.0,
            delegate: Some(delegate.pubkey()).into(),
            delegated_amount: PRICE.0,
            state: spl_token_interface::state::AccountState::Initialized,
            ..TokenAccount::default()
        },
    );
    let (_, payment) = world.open_intent(1);
    let pay = world.addresses.pay(&Payment { source, ..payment });
    world.send(&[pay], &[&delegate]).unwrap();
    assert_eq!(world.tokens(&source), Amount(FUNDS.0 - PRICE.0));
    let account = world.runtime.account(&source).unwrap();
    assert_eq!(
        TokenAccount::unpack(&account.data)
            .unwrap()
            .delegated_amount,
        0
    );
}

pub fn lamports_sent_beforehand_do_not_stop_a_purchase(world: &mut World) {
    let product = world.product;
    let payer = world.payer.pubkey();
    let rent = world.runtime.rent(Entitlement::SPACE);
    for (id, lamports) in [(1, 1), (2, rent), (3, rent * 10)] {
        let slug = format!("prefunded-{id}");
        let owner = world.owner.insecure_clone();
        let prefunded = world.create_product(&owner, &slug, |_| {});
        let entitlement = world.addresses.entitlement(&prefunded, &payer);
        let intent = world.purchase(&product, id).intent(&world.addresses);
        for address in [entitlement, intent] {
            world.runtime.set_account(
                address,
                Account {
                    lamports,
                    ..Account::default()
                },
            );
        }
        let mut purchase = world.purchase(&prefunded, id);
        purchase.product = prefunded;
        let signer = world.payer.insecure_clone();
        world
            .send(&purchase.instructions(&world.addresses.clone()), &[&signer])
            .unwrap();
        let account = world.runtime.account(&entitlement).unwrap();
        assert!(
            account.lamports >= rent.max(lamports),
            "{lamports} lamports beforehand"
        );
        assert!(world.entitlement(&prefunded).is_some());
    }
}

pub fn events_tell_of_the_payment(world: &mut World) {
    let product = world.product;
    let (purchase, executed) = world.buy(&product, 1);
    let event = executed
        .logs
        .iter()
        .filter_map(|line| line.strip_prefix("Program data: "))
        .filter_map(decode_base64)
        .find_map(|bytes| {
            let mut fields = bytes.strip_prefix(IntentPaid::DISCRIMINATOR)?;
            IntentPaid::deserialize(&mut fields).ok()
        })
        .expect("the payment is told");
    let entitlement = world.entitlement(&product).unwrap();
    assert_eq!(event.intent, purchase.intent(&world.addresses));
    assert_eq!(event.entitlement, purchase.entitlement(&world.addresses));
    assert_eq!(
        (event.payer, event.beneficiary),
        (purchase.payer, purchase.payer)
    );
    assert_eq!((event.amount, event.vault), (PRICE, world.vault()));
    assert_eq!(event.expires_at, entitlement.expires_at);
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

/// Another customer with funds.
pub(super) fn another_customer(world: &mut World) -> Keypair {
    let customer = test_keypair("another customer");
    world.fund(&customer.pubkey());
    let mint = world.mint;
    let purse = Addresses::token_account(&customer.pubkey(), &mint);
    world.put_tokens(purse, mint, customer.pubkey(), FUNDS);
    customer
}
