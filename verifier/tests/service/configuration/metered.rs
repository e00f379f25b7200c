//! `[credits]`, and what a request of a route costs.

use std::path::Path;

use tollgate_gate::{Charge, Metering};
use tollgate_verifier::config::{Config, ConfigError, CreditStoreConfig};

use super::{parse, valid};
use crate::support;

/// The example with the section for metered products, as its comments show it.
fn metered(section: &str) -> Result<Config, ConfigError> {
    parse(&format!("{}\n[credits]\n{section}\n", valid()))
}

#[test]
fn credits_are_counted_in_one_place_and_their_secrets_are_not_shown() {
    assert!(parse(&valid()).unwrap().credits.is_none());
    let key: Vec<u8> = support::key("operator").to_keypair_bytes().to_vec();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("operator.json");
    std::fs::write(&file, format!("{key:?}")).unwrap();
    let operator = format!("operator_key_file = {:?}", file.to_str().unwrap());
    let config = metered(&format!("path = \"credits.redb\"\n{operator}")).unwrap();
    let credits = config.credits.unwrap();
    let local = matches!(&credits.store, CreditStoreConfig::Local(path) if path == Path::new("./credits.redb"));
    assert!(local, "{:?}", credits.store);
    let shown = format!("{credits:?}");
    assert!(shown.contains(&support::address("operator").to_string()));
    assert!(
        !shown.contains(&format!("{}, {}", key[0], key[1])),
        "{shown}"
    );
    let shared = metered("redis_url = \"redis://user:hidden@127.0.0.1:6379/2\"").unwrap();
    let shown = format!("{:?}", shared.credits.unwrap());
    assert!(!shown.contains("hidden"), "{shown}");

    let refused = |section: &str| {
        let error = metered(section).unwrap_err();
        let shown = error.to_string();
        assert!(!shown.contains("hidden"), "{shown}");
        let first = &error.problems[0];
        (first.kind.code(), first.key.clone())
    };
    let conflict = ("config_conflict", "credits.path".to_owned());
    assert_eq!(refused("store_timeout_ms = 5"), conflict);
    assert_eq!(
        refused("path = \"a\"\nredis_url = \"redis://127.0.0.1\""),
        conflict
    );
    let invalid = |key: &str| ("config_invalid_value", format!("credits.{key}"));
    assert_eq!(
        refused("redis_url = \"http://x:hidden@y\""),
        invalid("redis_url")
    );
    assert_eq!(
        refused("path = \"a\"\nbookings_per_round = 0"),
        invalid("bookings_per_round")
    );
    assert_eq!(
        refused("path = \"a\"\noperator_key_env = \"SECRET\"").0,
        "config_secret_unavailable"
    );
    assert_eq!(
        refused("path = \"a\"\nuses = 1"),
        ("config_unknown_key", "credits.uses".to_owned())
    );
}

#[test]
fn a_route_says_what_a_request_costs() {
    let priced = |text: &str| {
        let route = format!(
            "{}\n[[routes]]\npath = \"/m\"\nproduct = \"m\"\n{text}",
            valid()
        );
        parse(&route).map(|config| config.routes.last().unwrap().metering)
    };
    let metering = priced("credits = 3\ncharge = \"on_success\"").unwrap();
    assert_eq!((metering.cost.0, metering.charge), (3, Charge::OnSuccess));
    assert_eq!(priced("").unwrap(), Metering::ONE_CREDIT);
    for wrong in ["credits = 0", "charge = \"sometimes\"", "credits = \"3\""] {
        assert_eq!(priced(wrong).unwrap_err().problems.len(), 1, "{wrong}");
    }
}
