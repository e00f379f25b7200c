//! Each difference becomes the one step that removes it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use super::*;
use crate::deploy::catalog::{ClusterSection, MerchantSection};
use tollgate_client::UnixSeconds;

fn key(number: u8) -> Pubkey {
    Pubkey::new_from_array([number; 32])
}

const OWNER: u8 = 1;
const OPERATOR: u8 = 2;
const MINT: u8 = 3;

fn parties() -> Parties {
    Parties {
        owner: key(OWNER),
        signer: key(OWNER),
    }
}

fn file() -> CatalogFile {
    CatalogFile {
        cluster: ClusterSection {
            genesis_hash: Default::default(),
        },
        merchant: MerchantSection {
            owner: None,
            operator: Some(key(OPERATOR)),
            paused: Some(false),
        },
        products: vec![section("day-pass")],
    }
}

fn section(slug: &str) -> ProductSection {
    ProductSection {
        slug: Slug::new(slug).unwrap(),
        mint: key(MINT),
        price: "0.01".to_owned(),
        access_seconds: 86_400,
        credits: 0,
        refund_window_seconds: 3_600,
        active: true,
    }
}

/// The chain before anything was applied.
fn nothing() -> Observed {
    Observed {
        decimals: BTreeMap::from([(key(MINT), 6)]),
        unlisted: Some(Vec::new()),
        ..Observed::default()
    }
}

/// The chain after `file` was applied.
fn everything(file: &CatalogFile) -> Observed {
    let products = file.products.iter().map(|section| Published {
        terms: terms(section, 6).unwrap(),
        active: section.active,
    });
    let operator = file.merchant.operator.unwrap();
    Observed {
        merchant: Some(Merchant::new(key(OWNER), operator, 255, UnixSeconds(0)).unwrap()),
        vaults: file.products.iter().map(|section| section.mint).collect(),
        products: products.collect(),
        ..nothing()
    }
}

fn steps(file: &CatalogFile, observed: &Observed) -> Vec<Step> {
    plan(file, parties(), observed).unwrap().steps
}

fn code(file: &CatalogFile, observed: &Observed) -> &'static str {
    plan(file, parties(), observed).unwrap_err().code()
}

#[test]
fn an_empty_chain_gets_everything_in_order() {
    let mut file = file();
    file.merchant.paused = Some(true);
    file.products.push(ProductSection {
        active: false,
        ..section("later")
    });
    let told: Vec<_> = steps(&file, &nothing())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        told,
        [
            format!("create the merchant, operator {}", key(OPERATOR)),
            "change the merchant: paused true".to_owned(),
            format!("create the vault for {}", key(MINT)),
            "create the product day-pass: price 0.01, access_seconds 86400, credits 0, \
             refund_window_seconds 3600"
                .to_owned(),
            "create the product later: price 0.01, access_seconds 86400, credits 0, \
             refund_window_seconds 3600"
                .to_owned(),
            "change the product later: active false".to_owned(),
        ]
    );
}

#[test]
fn what_stands_needs_no_step() {
    let file = file();
    assert_eq!(steps(&file, &everything(&file)), []);
    // What the file does not say stays as it is.
    let mut observed = everything(&file);
    let mut silent = file.clone();
    silent.merchant = MerchantSection::default();
    observed.merchant.as_mut().unwrap().paused = true;
    assert_eq!(steps(&silent, &observed), []);
}

#[test]
fn only_what_differs_is_changed() {
    let file = file();
    let stands = everything(&file);
    let only = |change: fn(&mut ProductSection)| {
        let mut changed = file.clone();
        change(&mut changed.products[0]);
        let steps = steps(&changed, &stands);
        let [Step::UpdateProduct { changes, .. }] = steps.as_slice() else {
            panic!("{steps:?}");
        };
        changes.clone()
    };
    let none = ProductChanges::default();
    assert_eq!(
        only(|product| product.price = "0.02".to_owned()),
        ProductChanges {
            price: Some(Amount(20_000)),
            ..none.clone()
        }
    );
    assert_eq!(
        only(|product| product.access_seconds = 0),
        ProductChanges {
            access: Some(DurationSeconds(0)),
            ..none.clone()
        }
    );
    assert_eq!(
        only(|product| product.refund_window_seconds = 0),
        ProductChanges {
            refund_window: Some(DurationSeconds(0)),
            ..none.clone()
        }
    );
    assert_eq!(
        only(|product| product.active = false),
        ProductChanges {
            active: Some(false),
            ..none
        }
    );
    let mut changed = file.clone();
    changed.merchant.operator = Some(key(7));
    assert_eq!(
        steps(&changed, &stands),
        [Step::UpdateMerchant {
            operator: Some(key(7)),
            paused: None
        }]
    );
}

#[test]
fn a_missing_vault_is_created_for_a_product_that_stands() {
    let file = file();
    let mut observed = everything(&file);
    observed.vaults.clear();
    assert_eq!(
        steps(&file, &observed),
        [Step::CreateVault { mint: key(MINT) }]
    );
}

#[test]
fn what_can_never_change_is_refused() {
    let stands = everything(&file());
    let refused = |change: fn(&mut ProductSection)| {
        let mut changed = file();
        change(&mut changed.products[0]);
        let mut observed = stands.clone();
        observed.decimals.insert(key(4), 9);
        code(&changed, &observed)
    };
    assert_eq!(
        refused(|product| product.mint = key(4)),
        "catalog_mint_fixed"
    );
    assert_eq!(
        refused(|product| product.credits = 5),
        "catalog_metering_fixed"
    );
    assert_eq!(
        refused(|product| product.mint = key(5)),
        "catalog_mint_unknown"
    );
    assert_eq!(
        refused(|product| product.price = "0.0000001".to_owned()),
        "catalog_price_invalid"
    );
    assert_eq!(
        refused(|product| product.price = "0".to_owned()),
        "catalog_terms_invalid"
    );
    assert_eq!(
        refused(|product| product.access_seconds = MAX_ACCESS.0 + 1),
        "catalog_terms_invalid"
    );
    assert_eq!(
        refused(|product| product.refund_window_seconds = MAX_REFUND_WINDOW.0 + 1),
        "catalog_terms_invalid"
    );
}

#[test]
fn only_the_owner_creates_and_only_the_authority_changes() {
    let file = file();
    let by = |signer: u8, observed: &Observed| {
        let parties = Parties {
            owner: key(OWNER),
            signer: key(signer),
        };
        plan(&file, parties, observed).map_err(|error| error.code())
    };
    assert_eq!(by(7, &nothing()), Err("catalog_not_owner"));
    let mut observed = everything(&file);
    assert_eq!(by(7, &observed), Err("catalog_not_authority"));
    observed.merchant.as_mut().unwrap().authority = key(7);
    assert_eq!(by(7, &observed).map(|plan| plan.steps), Ok(Vec::new()));
    assert_eq!(by(OWNER, &observed), Err("catalog_not_authority"));
}

#[test]
fn products_that_the_file_does_not_name_are_reported_only() {
    let file = file();
    let mut observed = everything(&file);
    observed.unlisted = Some(vec!["old".to_owned()]);
    let plan = plan(&file, parties(), &observed).unwrap();
    assert_eq!(plan.steps, []);
    assert_eq!(plan.unlisted, Some(vec!["old".to_owned()]));
}
