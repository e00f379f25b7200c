//! The configuration file: the example is valid and says what the defaults are;
//! secrets come from where they may; mistakes are named.

mod metered;
mod mistakes;
mod stores;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tollgate_verifier::config::{
    AllowedOrigins, AuditConfig, Commitment, Config, ConfigError, MerchantId, RouteAccess,
    SignInsConfig,
};

const EXAMPLE: &str = include_str!("../../../examples/tollgate.toml");
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

/// A seed for tests, in hexadecimal.
const RECEIPT_SEED: &str = "0707070707070707070707070707070707070707070707070707070707070707";

fn environment(name: &str) -> Option<String> {
    match name {
        "SECRET" => Some(SECRET.to_owned()),
        "OLD_SECRET" => Some(SECRET.to_uppercase()),
        "RECEIPTS" => Some(RECEIPT_SEED.to_owned()),
        "SHORT_SECRET" => Some("too short".to_owned()),
        "RPC" => Some("https://rpc.test/key-in-the-path".to_owned()),
        "BAD_RPC" => Some("key-in-the-path".to_owned()),
        _ => None,
    }
}

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, "tollgate.toml", Path::new("."), &environment)
}

/// The example with its secret in the environment of this test.
fn valid() -> String {
    EXAMPLE.replace("key_file = \"secret.key\"", "key_env = \"SECRET\"")
}

#[test]
fn the_example_is_valid() {
    let config = parse(&valid()).expect("the example must be valid");
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8402");
    assert_eq!(
        config.server.public_url.to_string(),
        "https://api.example.com"
    );
    assert_eq!(config.server.allowed_origins, AllowedOrigins::Any);
    assert_eq!(config.chain.commitment, Commitment::Confirmed);
    assert!(matches!(config.merchant.merchant, MerchantId::Owner(_)));
    assert_eq!(config.secrets.current.expose(), SECRET.as_bytes());
    assert_eq!(config.routes.len(), 3);
    assert_eq!(config.routes[0].access, RouteAccess::Free);
    assert_eq!(
        config.routes[1].access,
        RouteAccess::Product("quotes-month".to_owned())
    );
    assert_eq!(config.routes[2].methods.len(), 2);
    assert!(config.routes[2].line > config.routes[1].line);
}

/// The comments of the example promise that a commented key shows its default.
#[test]
fn the_examples_defaults_are_the_defaults() {
    let default = parse(&valid()).unwrap();
    let mut text = String::new();
    for line in valid().lines() {
        match line.strip_prefix("# ") {
            Some(rest)
                if rest.split_once(" = ").is_some_and(|(key, _)| {
                    !key.contains(' ') && !key.starts_with("previous_key")
                }) =>
            {
                text.push_str(rest);
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    assert!(text.contains("\nmax_staleness_ms = 2000"));
    let written_out = parse(&text).unwrap();
    assert_eq!(format!("{default:?}"), format!("{written_out:?}"));
}

/// The optional sections of the example, without their comments, are valid and show
/// their defaults.
#[test]
fn the_examples_optional_sections_are_valid() {
    let mut shown = false;
    let text: Vec<String> = valid()
        .lines()
        .map(|line| {
            let inside = line.strip_prefix("#     ");
            if let Some(header) = inside.or(Some(line)).filter(|line| line.starts_with('[')) {
                shown = [
                    "[[secrets.previous]]",
                    "[receipts]",
                    "[audit]",
                    "[sign_ins]",
                ]
                .contains(&header);
            }
            inside.filter(|_| shown).unwrap_or(line).to_owned()
        })
        .collect();
    let text = text
        .join("\n")
        .replace(
            "signing_key_file = \"receipts.json\"",
            "signing_key_env = \"RECEIPTS\"",
        )
        .replace(
            "key_file = \"secret.2026-10.key\"",
            "key_env = \"OLD_SECRET\"",
        );
    let config = parse(&text).unwrap();
    let receipts = config.receipts.as_ref().unwrap();
    assert_eq!(receipts.reuse, Duration::from_secs(60));
    let audit = config.audit.as_ref().unwrap();
    assert_eq!(*audit, AuditConfig::new(Path::new("./audit").to_owned()));
    assert_eq!(config.sign_ins, SignInsConfig::default());
    let not_after = config.secrets.previous[0].not_after.unwrap();
    assert_eq!(not_after.0, 1_796_083_200);
    assert!(!format!("{config:?}").contains(RECEIPT_SEED));
    assert!(!format!("{config:?}").contains(&SECRET[8..24]));
}

#[test]
fn secrets_come_from_files_beside_the_configuration() {
    let folder = tempfile();
    std::fs::write(folder.join("secret.key"), format!("{SECRET}\n")).unwrap();
    std::fs::write(folder.join("tollgate.toml"), EXAMPLE).unwrap();
    let config = Config::load(&folder.join("tollgate.toml")).unwrap();
    assert_eq!(config.secrets.current.expose(), SECRET.as_bytes());
    assert!(!format!("{config:?}").contains(SECRET));
    std::fs::remove_dir_all(folder).unwrap();
}

fn tempfile() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tollgate-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn an_rpc_url_with_a_key_is_not_shown() {
    let text = valid().replace(
        "rpc_url = \"https://api.devnet.solana.com\"",
        "rpc_url_env = \"RPC\"",
    );
    let config = parse(&text).unwrap();
    assert!(config.chain.rpc_url.expose().contains("key-in-the-path"));
    assert!(!format!("{config:?}").contains("key-in-the-path"));
}

#[test]
fn limits_are_read() {
    let text = valid()
        .replace("# max_staleness_ms = 2000", "max_staleness_ms = 250")
        .replace("# commitment = \"confirmed\"", "commitment = \"finalized\"")
        .replace(
            "# allowed_origins = [\"*\"]",
            "allowed_origins = [\"https://shop.test\"]",
        );
    let config = parse(&text).unwrap();
    assert_eq!(config.chain.max_staleness, Duration::from_millis(250));
    assert_eq!(config.chain.commitment, Commitment::Finalized);
    assert!(matches!(config.server.allowed_origins, AllowedOrigins::List(list) if list.len() == 1));
}

#[test]
fn a_gate_inside_another_service_needs_neither_listener_nor_upstream() {
    let text = valid()
        .replace("listen = \"127.0.0.1:8402\"", "")
        .replace("[upstream]\n", "")
        .replace("url = \"http://127.0.0.1:3000\"\n", "");
    let config = parse(&text).unwrap();
    assert!(config.upstream.is_none());
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8402");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let error = Config::load(Path::new("no-such-folder/tollgate.toml")).unwrap_err();
    assert_eq!(error.code(), "config_unreadable");
    assert!(
        error
            .to_string()
            .starts_with("no-such-folder/tollgate.toml: ")
    );
}
