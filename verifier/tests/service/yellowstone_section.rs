//! `[chain.yellowstone]`: read where this program can use it, refused by name where it
//! cannot.

use std::path::Path;

#[cfg(feature = "yellowstone")]
use tollgate_verifier::config::Push;
use tollgate_verifier::config::{Config, ConfigError};

const EXAMPLE: &str = include_str!("../../examples/tollgate.toml");
const TOKEN: &str = "token-that-nobody-may-see";

/// The example with this in its `[chain]`.
fn with(keys: &str, section: &str) -> Result<Config, ConfigError> {
    let text = EXAMPLE
        .replace("key_file = \"secret.key\"", "key_env = \"SECRET\"")
        .replace("[merchant]", &format!("{keys}\n{section}\n[merchant]"));
    Config::parse(&text, "tollgate.toml", Path::new("."), &|name| match name {
        "SECRET" => Some("0123456789abcdef0123456789abcdef".to_owned()),
        "TOKEN" => Some(TOKEN.to_owned()),
        "LINES" => Some(format!("{TOKEN}\n{TOKEN}")),
        "URL" => Some("https://grpc.test:10000/".to_owned()),
        _ => None,
    })
}

const SECTION: &str = "[chain.yellowstone]\nendpoint = \"https://grpc.test:10000\"";

#[cfg(not(feature = "yellowstone"))]
#[test]
fn without_the_feature_the_section_is_refused() {
    let error = with("", SECTION).unwrap_err();
    let [problem] = error.problems.as_slice() else {
        panic!("{error}");
    };
    assert_eq!(problem.key, "chain.yellowstone");
    assert!(problem.line.is_some());
    assert!(
        problem.message.contains("built without Yellowstone"),
        "{error}"
    );
}

#[cfg(feature = "yellowstone")]
#[test]
fn the_section_is_read_and_shows_nothing_secret() {
    let section = format!("{SECTION}\nx_token_env = \"TOKEN\"\nconnect_timeout_ms = 700");
    let config = with("", &section).unwrap();
    let Push::Yellowstone(server) = &config.chain.push else {
        panic!("{:?}", config.chain.push);
    };
    assert_eq!(server.endpoint.expose(), "https://grpc.test:10000");
    assert_eq!(server.token.as_ref().unwrap().expose(), TOKEN);
    assert_eq!(server.connect_timeout.as_millis(), 700);
    assert!(!format!("{config:?}").contains(TOKEN));
    assert!(config.chain.websocket_urls().is_empty());

    let section = "[chain.yellowstone]\nendpoint_env = \"URL\"";
    let config = with("", section).unwrap();
    assert!(matches!(config.chain.push, Push::Yellowstone(_)));
}

#[test]
fn mistakes_are_named() {
    let extended = |more: &str| format!("{SECTION}\n{more}");
    for (keys, section, key) in [
        ("push = false", SECTION.to_owned(), "chain.push"),
        (
            "websocket_url = \"wss://rpc.test\"",
            SECTION.to_owned(),
            "chain.yellowstone",
        ),
        (
            "",
            "[chain.yellowstone]".to_owned(),
            "chain.yellowstone.endpoint",
        ),
        (
            "",
            "[chain.yellowstone]\nendpoint = \"wss://grpc.test\"".to_owned(),
            "chain.yellowstone.endpoint",
        ),
        (
            "",
            extended(&format!("x_token = \"{TOKEN}\"")),
            "chain.yellowstone.x_token",
        ),
        (
            "",
            extended("x_token_env = \"LINES\""),
            "chain.yellowstone.x_token_env",
        ),
        (
            "",
            extended("x_token_env = \"NONE\""),
            "chain.yellowstone.x_token_env",
        ),
        (
            "",
            extended("ca_file = \"/nowhere/ca.pem\""),
            "chain.yellowstone.ca_file",
        ),
        (
            "",
            extended("connect_timeout_ms = 0"),
            "chain.yellowstone.connect_timeout_ms",
        ),
    ] {
        let error = with(keys, &section).unwrap_err();
        let named = error.problems.iter().any(|problem| problem.key == key);
        assert!(named, "{key}: {error}");
        assert!(!error.to_string().contains(TOKEN), "{error}");
    }
}

/// A watched configuration is put in force when the files change that the section names.
#[cfg(feature = "yellowstone")]
#[test]
fn what_its_files_hold_is_part_of_what_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let (token, authority) = (folder.path().join("token"), folder.path().join("ca.pem"));
    let section = format!("{SECTION}\nx_token_file = {token:?}\nca_file = {authority:?}");
    let certificate = || {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
        made.unwrap().cert.pem()
    };
    std::fs::write(&token, TOKEN).unwrap();
    std::fs::write(&authority, certificate()).unwrap();
    let first = with("", &section).unwrap();
    assert_eq!(with("", &section).unwrap().source, first.source);
    std::fs::write(&token, "another-token").unwrap();
    let second = with("", &section).unwrap();
    assert_ne!(second.source, first.source);
    std::fs::write(&authority, certificate()).unwrap();
    assert_ne!(with("", &section).unwrap().source, second.source);
}
