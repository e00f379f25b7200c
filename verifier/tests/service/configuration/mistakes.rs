//! Every mistake is answered with its code, line, key and what was expected.

use super::{parse, valid};

/// One mistake: what to replace by what, and the code, key and part of the
/// message that must come out.
struct Mistake {
    replace: &'static str,
    by: &'static str,
    code: &'static str,
    key: &'static str,
    says: &'static str,
}

const fn mistake(
    replace: &'static str,
    by: &'static str,
    code: &'static str,
    key: &'static str,
    says: &'static str,
) -> Mistake {
    Mistake {
        replace,
        by,
        code,
        key,
        says,
    }
}

#[rustfmt::skip]
const MISTAKES: &[Mistake] = &[
    mistake("[server]", "[server", "config_syntax", "", "expected TOML"),
    mistake("public_url = \"https://api.example.com\"", "", "config_missing_key", "server.public_url", "a URL"),
    mistake("\"127.0.0.1:8402\"", "8402", "config_wrong_type", "server.listen", "found a TOML integer"),
    mistake("\"127.0.0.1:8402\"", "\"localhost\"", "config_invalid_value", "server.listen", "found \"localhost\""),
    mistake("\"https://api.example.com\"", "\"api.example.com\"", "config_invalid_value", "server.public_url", "http:// or https://"),
    mistake("\"https://api.example.com\"", "\"https://api.example.com/v1\"", "config_invalid_value", "server.public_url", "without path"),
    mistake("\"https://api.example.com\"", "\"http://api.example.com\"", "config_invalid_value", "server.public_url", "only for localhost"),
    mistake("# max_connections = 1024", "max_conections = 1024", "config_unknown_key", "server.max_conections", "max_connections"),
    mistake("# max_connections = 1024", "max_connections = 0", "config_invalid_value", "server.max_connections", "from 1 to"),
    mistake("# max_connections = 1024", "max_connections = -1", "config_invalid_value", "server.max_connections", "found -1"),
    mistake("# max_connections = 1024", "max_connections = 99999999999999999999999", "config_invalid_value", "server.max_connections", "from 1 to"),
    mistake("# allowed_origins = [\"*\"]", "allowed_origins = [\"shop.test\"]", "config_invalid_value", "server.allowed_origins[0]", "origin"),
    mistake("# allowed_origins = [\"*\"]", "allowed_origins = [7]", "config_wrong_type", "server.allowed_origins[0]", "string"),
    mistake("rpc_url = \"https://api.devnet.solana.com\"", "", "config_missing_key", "chain.rpc_url", "rpc_url_env"),
    mistake("rpc_url = \"https://api.devnet.solana.com\"", "rpc_url = \"x\"\nrpc_url_env = \"RPC\"", "config_conflict", "chain.rpc_url", "only one"),
    mistake("rpc_url = \"https://api.devnet.solana.com\"", "rpc_url_env = \"BAD_RPC\"", "config_invalid_value", "chain.rpc_url_env", "http:// or https://"),
    mistake("rpc_url = \"https://api.devnet.solana.com\"", "rpc_url_env = \"UNSET\"", "config_secret_unavailable", "chain.rpc_url_env", "UNSET to be set"),
    mistake("# push = true", "second_opinion_above = 5", "config_conflict", "chain.second_opinion_above", "another host or port"),
    mistake("# rpc_urls = []", "rpc_urls = [\"https://API.devnet.solana.com/other-key\"]\nsecond_opinion_above = 5", "config_conflict", "chain.second_opinion_above", "another host or port"),
    mistake("# push = true", "second_opinion_above = -5", "config_invalid_value", "chain.second_opinion_above", "an integer from 0"),
    mistake("rpc_url = \"https://api.devnet.solana.com\"", "rpc_url_env = \"RPC\"\nrpc_url_file = \"x\"", "config_conflict", "chain.rpc_url_env", "only one"),
    mistake("\"46CVxfJUXZPzBpiEffE9ZtDe5dWgbJK3aKRV85pj9SHr\"", "\"46CV\"", "config_invalid_value", "chain.program_id", "base58"),
    mistake("program_id = \"46CVxfJUXZPzBpiEffE9ZtDe5dWgbJK3aKRV85pj9SHr\"", "", "config_missing_key", "chain.program_id", "program"),
    mistake("\"EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG\"", "\"devnet\"", "config_invalid_value", "chain.genesis_hash", "genesis hash"),
    mistake("# commitment = \"confirmed\"", "commitment = \"processed\"", "config_invalid_value", "chain.commitment", "\"confirmed\" or \"finalized\""),
    mistake("# ready_within_ms = 60000", "ready_within_ms = 100", "config_conflict", "chain.ready_within_ms", "refresh_interval_ms"),
    mistake("owner = \"9aE476sH92Vz7DMPyq5WLPkrKWivxeuTKEFKd2sZZcde\"", "", "config_conflict", "merchant.owner", "exactly one"),
    mistake("name = \"Example Data\"", "name = \"\"", "config_invalid_value", "merchant.name", "1 to 64"),
    mistake("# products = []", "products = [\"a-slug-that-is-longer-than-32-bytes\"]", "config_invalid_value", "merchant.products[0]", "1 to 32"),
    mistake("key_env = \"SECRET\"", "", "config_missing_key", "secrets.key_file", "key_env"),
    mistake("key_env = \"SECRET\"", "key_env = \"SHORT_SECRET\"", "config_secret_unavailable", "secrets.key_env", "32 to 4096 bytes"),
    mistake("key_env = \"SECRET\"", "key_env = 7", "config_wrong_type", "secrets.key_env", "environment variable"),
    mistake("key_env = \"SECRET\"", "key_file = \"no-such-file\"", "config_secret_unavailable", "secrets.key_file", "no-such-file"),
    mistake("key_env = \"SECRET\"", "key_env = \"SECRET\"\nkey = \"0123456789abcdef0123456789abcdef\"", "config_unknown_key", "secrets.key", "key_env"),
    mistake("key_env = \"SECRET\"", "key_env = \"SECRET\"\n[[secrets.previous]]\nnot_after = \"2026-12-01T00:00:00Z\"", "config_missing_key", "secrets.previous[0].key_file", "key_env"),
    mistake("key_env = \"SECRET\"", "key_env = \"SECRET\"\n[[secrets.previous]]\nkey_env = \"SECRET\"\nnot_after = \"soon\"", "config_invalid_value", "secrets.previous[0].not_after", "2026-12-01T00:00:00Z"),
    mistake("# forward_cookies = false", "[receipts]", "config_missing_key", "receipts.signing_key_file", "signing_key_env"),
    mistake("# forward_cookies = false", "[receipts]\nsigning_key_env = \"SECRET\"", "config_secret_unavailable", "receipts.signing_key_env", "64 hexadecimal digits"),
    mistake("# forward_cookies = false", "[receipts]\nsigning_key = \"0707\"", "config_unknown_key", "receipts.signing_key", "signing_key_env"),
    mistake("# forward_cookies = false", "[receipts]\nprevious_public_keys = [\"x\"]", "config_invalid_value", "receipts.previous_public_keys[0]", "base58"),
    mistake("# forward_cookies = false", "[audit]", "config_missing_key", "audit.folder", "folder"),
    mistake("# forward_cookies = false", "[audit]\nfolder = \"\"", "config_invalid_value", "audit.folder", "folder"),
    mistake("# forward_cookies = false", "[audit]\nkinds = [\"gossip\"]", "config_invalid_value", "audit.kinds[0]", "refusal"),
    mistake("# forward_cookies = false", "[audit]\nwhen_full = \"wait\"", "config_invalid_value", "audit.when_full", "\"block\" or \"drop\""),
    mistake("# forward_cookies = false", "[audit]\nsync = \"never\"\nsync_interval_ms = 5", "config_conflict", "audit.sync_interval_ms", "interval"),
    mistake("url = \"http://127.0.0.1:3000\"", "", "config_missing_key", "upstream.url", "URL"),
    mistake("\"http://127.0.0.1:3000\"", "\"unix:/run/app\"", "config_invalid_value", "upstream.url", "http:// or https://"),
    mistake("# protocol = \"http1\"", "protocol = \"h2c\"", "config_invalid_value", "upstream.protocol", "\"http1\" or \"http2\""),
    mistake("# forward_cookies = false", "[reload]\nwatch_interval_ms = 0", "config_invalid_value", "reload.watch_interval_ms", "from 100 to"),
    mistake("# forward_cookies = false", "forward_cookies = \"no\"", "config_wrong_type", "upstream.forward_cookies", "true or false"),
    mistake("# forward_cookies = false", "ca_file = \"no-such.pem\"", "config_invalid_value", "upstream.ca_file", "certificates in PEM"),
    mistake("# forward_cookies = false", "[forward_auth]\nstyle = \"apache\"", "config_invalid_value", "forward_auth.style", "found \"apache\""),
    mistake("# forward_cookies = false", "[forward_auth]\nstyle = \"nginx\"\ntrusted = [\"lan\"]", "config_invalid_value", "forward_auth.trusted[0]", "an address or a range"),
    mistake("product = \"reports-day\"", "product = \"reports-day\"\nupgrade = \"h2c\"", "config_invalid_value", "routes[2].upgrade", "found \"h2c\""),
    mistake("methods = [\"GET\", \"POST\"]", "methods = [\"POST\"]\nupgrade = \"websocket\"", "config_invalid_value", "routes[2].upgrade", "expected GET"),
    mistake("path = \"/v1/reports/*\"", "path = \"v1/reports/*\"", "config_invalid_value", "routes[2].path", "starts with /"),
    mistake("path = \"/v1/reports/*\"", "", "config_missing_key", "routes[2].path", "path"),
    mistake("methods = [\"GET\", \"POST\"]", "methods = [\"GET\", \"CONNECT\"]", "config_invalid_value", "routes[2].methods[1]", "found \"CONNECT\""),
    mistake("methods = [\"GET\", \"POST\"]", "methods = []", "config_invalid_value", "routes[2].methods", "at least one"),
    mistake("methods = [\"GET\", \"POST\"]", "methods = \"GET\"", "config_wrong_type", "routes[2].methods", "array"),
    mistake("product = \"reports-day\"", "", "config_conflict", "routes[2].product", "exactly one"),
    mistake("product = \"reports-day\"", "product = \"reports-day\"\nfree = true", "config_conflict", "routes[2].product", "exactly one"),
    mistake("product = \"reports-day\"", "product = \"reports-day\"\nprice = 7", "config_unknown_key", "routes[2].price", "product"),
    mistake("path = \"/v1/reports/*\"", "path = \"/v1/pay/*\"", "config_invalid_value", "routes[2].path", "answers itself"),
    mistake("path = \"/v1/reports/*\"", "path = \"/v1//reports\"", "config_invalid_value", "routes[2].path", "empty or dot segments"),
    mistake("path = \"/v1/reports/*\"", "path = \"/v1/quote/{any}\"", "config_invalid_value", "routes", "answer the same requests"),
    mistake("product = \"reports-day\"", "product = \"Reports\"", "config_invalid_value", "routes[2].product", "a-z"),
    mistake("mime_type = \"application/json\"", "mime_type = \"json\"", "config_invalid_value", "routes[1].title", "type/subtype"),
    mistake("[upstream]", "[upstreams]", "config_unknown_key", "upstreams", "upstream"),
];

#[test]
fn every_mistake_is_named() {
    for mistake in MISTAKES {
        let valid = valid();
        assert!(valid.contains(mistake.replace), "{}", mistake.replace);
        let text = valid.replacen(mistake.replace, mistake.by, 1);
        let error = parse(&text).expect_err(mistake.by);
        let found = error
            .problems
            .iter()
            .find(|problem| problem.kind.code() == mistake.code && problem.key == mistake.key)
            .unwrap_or_else(|| {
                panic!(
                    "{}: wanted {} at {}, got\n{error}",
                    mistake.by, mistake.code, mistake.key
                )
            });
        assert!(found.message.contains(mistake.says), "{found}");
        // A conflict of several routes has no one line.
        let Some(line) = found.line else {
            assert_eq!(found.key, "routes");
            continue;
        };
        assert!(
            found
                .to_string()
                .starts_with(&format!("tollgate.toml:{line}: ")),
            "{found}"
        );
        // Where the mistake is one value, the line named is its line. (A route as
        // a whole is named by its first line.)
        let of_the_route = found.message.contains("answers itself")
            || found.message.contains("segments")
            || found.message.contains("type/subtype")
            || found.message.contains("expected GET");
        if !mistake.by.is_empty() && found.kind.code() == "config_invalid_value" && !of_the_route {
            let shown = text.lines().nth(line - 1).unwrap();
            let wrong = mistake.by.lines().any(|line| shown.contains(line));
            assert!(wrong, "{found}: {shown}");
        }
        assert!(
            !error.to_string().contains("key-in-the-path"),
            "a secret is shown: {error}"
        );
    }
}

#[test]
fn all_problems_are_reported_at_once_in_order() {
    let text = valid()
        .replace("listen = \"127.0.0.1:8402\"", "listn = \"127.0.0.1:8402\"")
        .replace("name = \"Example Data\"", "name = 7")
        .replace("\"http://127.0.0.1:3000\"", "\"\"");
    let error = parse(&text).unwrap_err();
    let keys: Vec<&str> = error
        .problems
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(keys, ["server.listn", "merchant.name", "upstream.url"]);
    assert_eq!(error.code(), "config_unknown_key");
}
