//! Accounts as a client in another language reads them: by the IDL alone.

use crate::schema::Schema;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tollgate_client::{Entitlement, Merchant, PaymentIntent, Product};
use tollgate_program_tests::rehearsal::Rehearsal;

#[test]
fn the_idl_reads_what_the_program_wrote() {
    let schema = Schema::kept();
    let mut rehearsal = Rehearsal::default();
    let stage = &mut rehearsal.stage;
    let merchant: Merchant = stage.read("merchant");
    let product: Product = stage.read("metered product");
    let intent: PaymentIntent = stage.read("paid intent for metered product");
    let held: Entitlement = stage.read("entitlement with credits");
    for (figure, name, expected) in [
        (
            "merchant",
            "Merchant",
            json!({
                "version": merchant.version,
                "bump": merchant.bump,
                "owner": merchant.owner.to_string(),
                "authority": merchant.authority.to_string(),
                "pending_authority": merchant.pending_authority.to_string(),
                "operator": merchant.operator.to_string(),
                "created_at": merchant.created_at.0,
            }),
        ),
        (
            "metered product",
            "Product",
            json!({
                "version": product.version,
                "merchant": product.merchant.to_string(),
                "mint": product.mint.to_string(),
                "vault": product.vault.to_string(),
                "slug": product.slug.0,
                "price": product.price.0,
                "access": product.access.0,
                "credits": product.credits.0,
                "refund_window": product.refund_window.0,
            }),
        ),
        (
            "paid intent for metered product",
            "PaymentIntent",
            json!({
                "version": intent.version,
                "merchant": intent.merchant.to_string(),
                "author": intent.author.to_string(),
                "payment_id": intent.payment_id.0,
                "payer": intent.payer.to_string(),
                "beneficiary": intent.beneficiary.to_string(),
                "amount": intent.amount.0,
                "expires_at": intent.expires_at.0,
                "refund_until": intent.refund_until.0,
            }),
        ),
        (
            "entitlement with credits",
            "Entitlement",
            json!({
                "version": held.version,
                "product": held.product.to_string(),
                "beneficiary": held.beneficiary.to_string(),
                "expires_at": held.expires_at.0,
                "credits_granted": held.credits_granted.0,
                "credits_used": held.credits_used.0,
                "created_at": held.created_at.0,
            }),
        ),
    ] {
        let address = stage.at(figure);
        let account = stage.world.runtime.account(&address).unwrap();
        let discriminators: BTreeMap<String, Vec<u8>> = schema.discriminators("accounts");
        let mut fields = account
            .data
            .strip_prefix(discriminators[name].as_slice())
            .unwrap();
        let value = schema.read(name, &mut fields).unwrap();
        for (field, expected) in expected.as_object().unwrap() {
            assert_eq!(value.get(field), Some(expected), "{name}.{field}");
        }
        require_blank(name, &value, fields);
    }
}

/// Behind the fields lies room for later versions, and nothing else.
fn require_blank(name: &str, value: &Value, rest: &[u8]) {
    assert!(value.is_object());
    assert!(!rest.is_empty(), "{name} has no room to grow");
    assert!(rest.iter().all(|byte| *byte == 0), "{name}: {rest:?}");
}
