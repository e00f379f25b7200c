//! Products, purchases and quotes at given terms.

use super::CREDITS;
use super::attempts::Check;
use crate::World;
use crate::world::{DAY, PRICE, REFUND_WINDOW};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tollgate_client::instructions::{NewIntent, NewProduct};
use tollgate_client::{
    Amount, Credits, DurationSeconds, IntentTerms, PaymentId, PaymentIntent, Purchase, Quote, Slug,
    TollgateError, UnixSeconds,
};

/// What one payment costs and grants.
#[derive(Clone, Copy)]
pub struct Terms {
    pub price: u64,
    pub access: u64,
    pub credits: u64,
    pub refund_window: u64,
}

/// Those of the world's day pass.
pub const TERMS: Terms = Terms {
    price: PRICE.0,
    access: DAY.0,
    credits: 0,
    refund_window: REFUND_WINDOW.0,
};
/// The same, with credits.
pub const METERED: Terms = Terms {
    credits: CREDITS,
    ..TERMS
};

/// The payer holds what `terms` grant, and can have it refunded for as long as they say.
pub fn granted(world: &mut World, product: Pubkey, terms: Terms) -> Check {
    let now = world.now();
    Box::new(move |world, what| {
        let held = world.entitlement(&product).unwrap();
        let expires_at = match terms.access {
            0 => UnixSeconds::NEVER,
            access => UnixSeconds(now.0 + access as i64),
        };
        assert_eq!(held.expires_at, expires_at, "{what}");
        assert_eq!(held.credits_granted, Credits(terms.credits), "{what}");
        assert_eq!(held.metered, terms.credits > 0, "{what}");
        let intent: PaymentIntent = world.read(&held.last_intent).unwrap();
        let refund_until = now.0 + terms.refund_window as i64;
        assert_eq!(intent.refund_until, UnixSeconds(refund_until), "{what}");
        if terms.refund_window == 0 {
            let operator = world.operator.insecure_clone();
            let back = world.addresses.refund(
                operator.pubkey(),
                held.last_intent,
                &intent,
                world.purse(),
                Amount(1),
            );
            world.refused(&[back], &[&operator], TollgateError::RefundWindowOver);
        }
    })
}

pub fn product_terms(world: &World, id: u8, terms: Terms) -> NewProduct {
    NewProduct {
        slug: Slug::new(&format!("product-{id}")).unwrap(),
        mint: world.mint,
        price: Amount(terms.price),
        access: DurationSeconds(terms.access),
        credits: Credits(terms.credits),
        refund_window: DurationSeconds(terms.refund_window),
    }
}

/// A product of its own for each attempt, so that no grant adds to another.
pub fn product(world: &mut World, id: u8, terms: Terms) -> Pubkey {
    let owner = world.owner.insecure_clone();
    let new = product_terms(world, id, terms);
    world.create_product(&owner, new.slug.as_str(), |product| *product = new)
}

pub fn purchase_of(world: &mut World, id: u8, product: Pubkey, terms: Terms) -> Purchase {
    let payer = world.payer.pubkey();
    Purchase {
        payer,
        rent_payer: payer,
        beneficiary: payer,
        merchant: world.merchant,
        product,
        mint: world.mint,
        payment_id: PaymentId([id; 32]),
        amount: Amount(terms.price),
        access: DurationSeconds(terms.access),
        credits: Credits(terms.credits),
        expires_at: UnixSeconds(world.now().0 + 3_600),
    }
}

pub fn quote_for_payer(world: &mut World, id: u8, product: Pubkey, terms: Terms) -> NewIntent {
    let operator = world.operator.insecure_clone();
    let quote = Quote {
        payer: world.payer.pubkey(),
        amount: Amount(terms.price),
        access: DurationSeconds(terms.access),
        credits: Credits(terms.credits),
        refund_window: DurationSeconds(terms.refund_window),
    };
    NewIntent {
        product,
        ..world.new_intent(&operator, id, IntentTerms::Quote(quote))
    }
}

pub fn quoted(world: &mut World, id: u8, product: Pubkey) -> (Pubkey, PaymentIntent) {
    let operator = world.operator.insecure_clone();
    let new = quote_for_payer(world, id, product, TERMS);
    let create = world.addresses.create_intent(&new);
    world.send(&[create], &[&operator]).unwrap();
    let address = intent_of(world, &new);
    (address, world.read(&address).unwrap())
}

pub fn intent_of(world: &World, new: &NewIntent) -> Pubkey {
    let author = new.terms.author(new.merchant, new.creator);
    world
        .addresses
        .intent(&new.merchant, &author, &new.payment_id)
}
