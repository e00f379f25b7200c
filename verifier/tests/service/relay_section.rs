//! `[relay]` and `settlement`: what is read, and how mistakes are reported.

use std::path::Path;
use std::time::Duration;

use solana_keypair::Keypair;
use solana_signer::Signer;
use tollgate_verifier::config::{Config, ConfigError, RelayBounds, Settlement};

const EXAMPLE: &str = include_str!("../../examples/tollgate.toml");

fn key(number: u8) -> Keypair {
    Keypair::new_from_array([number; 32])
}

fn environment(name: &str) -> Option<String> {
    let pair = |number| Some(format!("{:?}", key(number).to_bytes()));
    match name {
        "SECRET" => Some("0123456789abcdef0123456789abcdef".to_owned()),
        "RELAY" => pair(1),
        "OPERATOR" => pair(2),
        "BROKEN" => Some("[1, 2, 3]".to_owned()),
        _ => None,
    }
}

fn parse(more: &str) -> Result<Config, ConfigError> {
    let valid = EXAMPLE.replace("key_file = \"secret.key\"", "key_env = \"SECRET\"");
    let folder = Path::new(".");
    Config::parse(
        &format!("{valid}\n{more}"),
        "tollgate.toml",
        folder,
        &environment,
    )
}

#[test]
fn without_the_section_there_is_no_relay_and_deposits_are_the_default() {
    let config = parse("").unwrap();
    assert!(config.relay.is_none());
    for route in &config.routes {
        assert_eq!(route.settlement, Settlement::Deposit);
    }
}

#[test]
fn one_key_is_both_unless_the_operator_has_its_own() {
    let relay = parse("[relay]\nkey_env = \"RELAY\"")
        .unwrap()
        .relay
        .unwrap();
    assert_eq!(relay.address(), key(1).pubkey());
    assert_eq!(relay.operator, relay.key);
    assert_eq!(relay.bounds, RelayBounds::default());
    let text = "[relay]\nkey_env = \"RELAY\"\noperator_key_env = \"OPERATOR\"\n\
        max_fee_lamports = 20000\nmax_lamports_per_request = 1\n\
        max_lamports_per_payer_hour = 2\nmax_lamports_per_hour = 3\n\
        min_balance_lamports = 4\nmax_in_flight = 5\nsettle_timeout_ms = 6000\n\
        recovery_interval_seconds = 7\ncompute_unit_price = 8";
    let relay = parse(text).unwrap().relay.unwrap();
    assert_eq!(relay.operator.expose().pubkey(), key(2).pubkey());
    let bounds = RelayBounds {
        max_fee: 20_000,
        per_request: 1,
        per_payer_hour: 2,
        per_hour: 3,
        min_balance: 4,
    };
    assert_eq!(relay.bounds, bounds);
    assert_eq!((relay.max_in_flight, relay.compute_unit_price), (5, 8));
    assert_eq!(relay.settle_timeout, Duration::from_secs(6));
    assert_eq!(relay.recovery_interval, Duration::from_secs(7));
}

#[test]
fn a_key_that_is_missing_or_broken_is_named_and_never_shown() {
    let cases = [
        ("[relay]", "relay.key_file"),
        ("[relay]\nkey_env = \"ABSENT\"", "relay.key_env"),
        ("[relay]\nkey_env = \"BROKEN\"", "relay.key_env"),
        (
            "[relay]\nkey_env = \"RELAY\"\noperator_key_env = \"BROKEN\"",
            "relay.operator_key_env",
        ),
        ("[relay]\nkey_env = \"RELAY\"\nkeys = 1", "relay.keys"),
    ];
    for (text, key) in cases {
        let error = parse(text).unwrap_err();
        assert_eq!(error.problems.len(), 1, "{error}");
        assert_eq!(error.problems[0].key, key, "{error}");
        assert!(!error.to_string().contains("[1, 2, 3]"));
    }
    let relay = parse("[relay]\nkey_env = \"RELAY\"")
        .unwrap()
        .relay
        .unwrap();
    let shown = format!("{relay:?}");
    assert!(shown.contains(&key(1).pubkey().to_string()));
    assert!(!shown.contains(&format!("{:?}", key(1).to_bytes())));
}

#[test]
fn a_route_says_where_a_transfer_goes_to() {
    let route = "[[routes]]\npath = \"/v1/call\"\nproduct = \"call\"\n";
    let config = parse(&format!("{route}settlement = \"vault\"")).unwrap();
    assert_eq!(config.routes.last().unwrap().settlement, Settlement::Vault);
    let error = parse(&format!("{route}settlement = \"purse\"")).unwrap_err();
    assert_eq!(error.problems[0].key, "routes[3].settlement");
    assert!(error.to_string().contains("deposit, vault"), "{error}");
}
