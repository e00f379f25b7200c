//! `[redis]` and `[sign_ins]`: what replicas share.

use tollgate_verifier::config::{CreditStoreConfig, SignInStoreConfig};

use super::{parse, valid};

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
