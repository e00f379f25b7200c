//! The client and the kept IDL say the same: clients in other languages are made
//! from the IDL, this one is not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use anchor_lang::Discriminator;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tollgate::events;
use tollgate_client::accounts::errors;
use tollgate_client::{Entitlement, Merchant, PROGRAM_ID, PaymentIntent, Product};

fn idl() -> Value {
    let text = include_str!("../../programs/tollgate/artifacts/tollgate.json");
    serde_json::from_str(text).unwrap()
}

/// Names and discriminators of a section.
fn discriminators(section: &str) -> BTreeMap<String, Vec<u8>> {
    let idl = idl();
    let entries = idl[section].as_array().unwrap().iter();
    entries
        .map(|entry| {
            let bytes = entry["discriminator"].as_array().unwrap().iter();
            let bytes = bytes.map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap());
            (entry["name"].as_str().unwrap().to_owned(), bytes.collect())
        })
        .collect()
}

#[test]
fn the_idl_is_of_this_program() {
    assert_eq!(idl()["address"], PROGRAM_ID.to_string());
}

#[test]
fn errors_have_the_idls_numbers_names_and_messages() {
    let idl = idl();
    let published: Vec<(u64, String, String)> = idl["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            (
                error["code"].as_u64().unwrap(),
                error["name"].as_str().unwrap().to_owned(),
                error["msg"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let known: Vec<(u64, String, String)> = errors()
        .map(|error| {
            (
                u64::from(u32::from(error)),
                format!("{error:?}"),
                error.to_string(),
            )
        })
        .collect();
    assert_eq!(known, published);
}

#[test]
fn accounts_have_the_idls_discriminators() {
    let known = [
        ("Entitlement", Entitlement::DISCRIMINATOR),
        ("Merchant", Merchant::DISCRIMINATOR),
        ("PaymentIntent", PaymentIntent::DISCRIMINATOR),
        ("Product", Product::DISCRIMINATOR),
    ];
    let known: BTreeMap<String, Vec<u8>> = known
        .into_iter()
        .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
        .collect();
    assert_eq!(known, discriminators("accounts"));
    require_distinct(known);
}

#[test]
fn events_have_the_idls_discriminators() {
    let known = [
        ("AccountClosed", events::AccountClosed::DISCRIMINATOR),
        (
            "AuthorityAccepted",
            events::AuthorityAccepted::DISCRIMINATOR,
        ),
        (
            "AuthorityProposed",
            events::AuthorityProposed::DISCRIMINATOR,
        ),
        ("CreditsBooked", events::CreditsBooked::DISCRIMINATOR),
        ("DepositReclaimed", events::DepositReclaimed::DISCRIMINATOR),
        (
            "EntitlementRevoked",
            events::EntitlementRevoked::DISCRIMINATOR,
        ),
        ("IntentCancelled", events::IntentCancelled::DISCRIMINATOR),
        ("IntentCreated", events::IntentCreated::DISCRIMINATOR),
        ("IntentPaid", events::IntentPaid::DISCRIMINATOR),
        ("MerchantCreated", events::MerchantCreated::DISCRIMINATOR),
        ("MerchantUpdated", events::MerchantUpdated::DISCRIMINATOR),
        ("PaymentRefunded", events::PaymentRefunded::DISCRIMINATOR),
        ("ProductCreated", events::ProductCreated::DISCRIMINATOR),
        ("ProductUpdated", events::ProductUpdated::DISCRIMINATOR),
        ("Withdrawn", events::Withdrawn::DISCRIMINATOR),
    ];
    let known: BTreeMap<String, Vec<u8>> = known
        .into_iter()
        .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
        .collect();
    assert_eq!(known, discriminators("events"));
    require_distinct(known);
}

/// No type can pass for another, nor for an account that was never written.
fn require_distinct(discriminators: BTreeMap<String, Vec<u8>>) {
    let count = discriminators.len();
    let distinct: BTreeSet<Vec<u8>> = discriminators.into_values().collect();
    assert_eq!(distinct.len(), count);
    assert!(!distinct.contains([0; 8].as_slice()));
}
