//! Every client in turn. Tests that cannot run here are shown as ignored, with the
//! reason; where changes are judged (`CI`) they fail instead.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod agent;
mod orders;
mod receipts;
mod solana_pay;
mod stock;

use libtest_mimic::{Arguments, Trial};
use serde_json::Value;
use tollgate_interop_tests::Shop;
use tollgate_interop_tests::installation::{Needs, is_judged};

fn main() {
    let arguments = Arguments::from_args();
    let trials = [
        agent::trials(),
        orders::trials(),
        receipts::trials(),
        solana_pay::trials(),
        stock::trials(),
    ];
    let trials = trials.into_iter().flatten().collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// A test that needs some clients.
fn trial<F>(name: &str, needs: Needs, test: fn() -> F) -> Trial
where
    F: Future<Output = ()> + Send + 'static,
{
    let missing = needs.program().err();
    let is_skipped = missing.is_some() && !is_judged();
    if let Some(reason) = missing.as_ref().filter(|_| is_skipped) {
        eprintln!("{name} is skipped: {reason}");
    }
    Trial::test(name, move || {
        if let Some(reason) = missing {
            return Err(reason.to_string().into());
        }
        tokio::runtime::Runtime::new()?.block_on(test());
        Ok(())
    })
    .with_ignored_flag(is_skipped)
}

/// A test of a rail that this verifier does not have yet.
fn waiting<F>(name: &str, needs: Needs, test: fn() -> F) -> Trial
where
    F: Future<Output = ()> + Send + 'static,
{
    trial(name, needs, test).with_ignored_flag(true)
}

/// The answer is the report, made for the customer.
fn assert_served(shop: &Shop, visit: &Value) {
    assert_eq!(visit["status"], 200, "{visit:#}");
    let body: Value = serde_json::from_str(visit["body"].as_str().unwrap()).unwrap();
    assert!(body["report"].as_str().unwrap().contains("lemonade"));
    assert_eq!(body["beneficiary"], shop.customer_address());
}
