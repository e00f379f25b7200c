//! The configuration of what is remembered elsewhere: used credits and used sign-ins.

use std::path::Path;

use tollgate_verifier::config::{Config, ConfigError, CreditStoreConfig, SignInStoreConfig};

use super::configuration::{parse, valid};
use super::support;

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

/// The code and the key of the first problem of the example with `sections`. Nothing
/// hidden is shown.
fn first_problem(sections: &str) -> (&'static str, String) {
    let error = parse(&format!("{}\n{sections}\n", valid())).unwrap_err();
    let shown = error.to_string();
    assert!(!shown.contains("hidden"), "{shown}");
    let first = &error.problems[0];
    (first.kind.code(), first.key.clone())
}

#[test]
fn one_redis_server_serves_both_stores() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let password = write("password", "hidden\n");
    let authority = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let ca = write("ca.pem", &authority.cert.pem());
    let server = format!(
        "[redis]\nurl = \"rediss://user@localhost:6380/1\"\npassword_file = {password:?}\nca_file = {ca:?}\n"
    );
    let text = format!(
        "{}\n{server}\n[sign_ins]\nstore = \"redis\"\nstore_timeout_ms = 70\n[credits]\nstore = \"redis\"\n",
        valid()
    );
    let config = parse(&text).unwrap();
    let SignInStoreConfig::Shared(server_of_sign_ins) = &config.sign_ins.store else {
        panic!("{:?}", config.sign_ins);
    };
    assert_eq!(config.sign_ins.store_timeout.as_millis(), 70);
    let credits = config.credits.as_ref().unwrap();
    let shared = CreditStoreConfig::Shared(server_of_sign_ins.clone());
    assert_eq!(credits.store, shared);
    assert!(server_of_sign_ins.password.is_some());
    let certificates = server_of_sign_ins.trusted_certificates.as_deref();
    assert_eq!(certificates.unwrap().len(), 1);
    assert!(!format!("{config:?}").contains("hidden"));

    let plain = parse(&valid()).unwrap();
    assert_eq!(plain.sign_ins.store, SignInStoreConfig::Memory);
    #[rustfmt::skip]
    let wrong = [
        ("[sign_ins]\nstore = \"redis\"", "config_invalid_value", "sign_ins.store"),
        ("[credits]\nstore = \"redis\"", "config_invalid_value", "credits.store"),
        ("[sign_ins]\nstore = \"disk\"", "config_invalid_value", "sign_ins.store"),
        ("[sign_ins]\nstores = \"redis\"", "config_unknown_key", "sign_ins.stores"),
        ("[redis]\npassword_env = \"NOBODY\"", "config_conflict", "redis.url"),
        ("[redis]\nurl = \"https://:hidden@y\"", "config_invalid_value", "redis.url"),
        // The client would take this for leave to believe any certificate.
        ("[redis]\nurl = \"rediss://:hidden@y/#insecure\"", "config_invalid_value", "redis.url"),
        ("[redis]\nurl = \"redis://y\"\nca_file = \"none.pem\"", "config_invalid_value", "redis.ca_file"),
        ("[redis]\nurl = \"redis://y\"\npassword_env = \"NOBODY\"", "config_secret_unavailable", "redis.password_env"),
        ("[redis]\nurl = \"redis://y\"\n[credits]\npath = \"a\"\nstore = \"redis\"", "config_conflict", "credits.path"),
    ];
    for (sections, code, key) in wrong {
        assert_eq!(
            first_problem(sections),
            (code, key.to_owned()),
            "{sections}"
        );
    }
    let useless = format!("[redis]\nurl = \"redis://y\"\nca_file = {ca:?}");
    let found = ("config_conflict", "redis.ca_file".to_owned());
    assert_eq!(first_problem(&useless), found);
}
