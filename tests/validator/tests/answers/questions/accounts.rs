//! Accounts and tokens.

use serde_json::json;
use solana_signer::Signer;
use tollgate_localnet::test_keypair;

use super::Ask;
use crate::scene::Scene;

pub fn accounts(scene: &Scene, ask: Ask<'_>) {
    let payer = scene.payer.pubkey().to_string();
    let mint = scene.mint.to_string();
    let nobody = test_keypair("answers nobody").pubkey().to_string();
    let token_program = spl_token_interface::id().to_string();
    let with = |encoding: &str| json!({ "commitment": "confirmed", "encoding": encoding });
    ask("balance", "getBalance", json!([payer, with("base64")]));
    ask("balance of nobody", "getBalance", json!([nobody]));
    ask(
        "balance at an unknown commitment",
        "getBalance",
        json!([payer, { "commitment": "certain" }]),
    );
    ask("balance of no address", "getBalance", json!(["x"]));
    ask("balance without address", "getBalance", json!([]));
    for (name, encoding) in [
        ("wallet in base58", "base58"),
        ("wallet in base64", "base64"),
        ("wallet in base64+zstd", "base64+zstd"),
        ("wallet parsed", "jsonParsed"),
        ("wallet in nothing", "base32"),
    ] {
        ask(name, "getAccountInfo", json!([payer, with(encoding)]));
    }
    for (name, encoding) in [
        ("mint in binary", "binary"),
        ("mint in base58", "base58"),
        ("mint in base64", "base64"),
        ("mint in base64+zstd", "base64+zstd"),
        ("mint parsed", "jsonParsed"),
    ] {
        ask(name, "getAccountInfo", json!([mint, with(encoding)]));
    }
    ask(
        "mint without encoding",
        "getAccountInfo",
        json!([mint, { "commitment": "confirmed" }]),
    );
    ask(
        "token account in base58",
        "getAccountInfo",
        json!([scene.source.to_string(), with("base58")]),
    );
    ask(
        "token account parsed",
        "getAccountInfo",
        json!([scene.source.to_string(), with("jsonParsed")]),
    );
    ask(
        "token account sliced",
        "getAccountInfo",
        json!([
            scene.source.to_string(),
            { "encoding": "base64", "commitment": "confirmed", "dataSlice": { "offset": 64, "length": 8 } }
        ]),
    );
    ask("nobody", "getAccountInfo", json!([nobody, with("base64")]));
    for (name, sysvar) in [
        ("rent sysvar", "SysvarRent111111111111111111111111111111111"),
        (
            "epoch schedule sysvar",
            "SysvarEpochSchedu1e111111111111111111111111",
        ),
    ] {
        ask(name, "getAccountInfo", json!([sysvar, with("jsonParsed")]));
    }
    ask(
        "several accounts",
        "getMultipleAccounts",
        json!([[mint, nobody, payer], with("jsonParsed")]),
    );
    ask(
        "several accounts by default",
        "getMultipleAccounts",
        json!([[mint, nobody, payer]]),
    );
    ask("no accounts", "getMultipleAccounts", json!([[]]));
    ask(
        "too many accounts",
        "getMultipleAccounts",
        json!([vec![payer.clone(); 101]]),
    );
    let filters = json!([{ "dataSize": 165 }, { "memcmp": { "offset": 0, "bytes": mint } }, { "memcmp": { "offset": 32, "bytes": payer } }]);
    ask(
        "program's accounts",
        "getProgramAccounts",
        json!([token_program, { "encoding": "base64", "commitment": "confirmed", "filters": filters }]),
    );
    ask(
        "program's accounts parsed with context",
        "getProgramAccounts",
        json!([token_program, { "encoding": "jsonParsed", "commitment": "confirmed", "filters": filters, "withContext": true }]),
    );
    ask(
        "program's accounts sliced",
        "getProgramAccounts",
        json!([token_program, { "encoding": "base64", "commitment": "confirmed", "filters": filters, "dataSlice": { "offset": 0, "length": 4 } }]),
    );
    ask(
        "too many filters",
        "getProgramAccounts",
        json!([token_program, { "filters": vec![json!({ "dataSize": 1 }); 5] }]),
    );
    ask(
        "filter that is none",
        "getProgramAccounts",
        json!([token_program, { "filters": [{ "memcmp": { "offset": 0, "bytes": "0OIl" } }] }]),
    );
}

pub fn tokens(scene: &Scene, ask: Ask<'_>) {
    let confirmed = json!({ "commitment": "confirmed" });
    let parsed = json!({ "commitment": "confirmed", "encoding": "jsonParsed" });
    let owner = scene.owner.pubkey().to_string();
    let source = scene.source.to_string();
    let mint = scene.mint.to_string();
    let nobody = test_keypair("answers nobody").pubkey().to_string();
    let program = spl_token_interface::id().to_string();
    ask(
        "token balance",
        "getTokenAccountBalance",
        json!([source, confirmed]),
    );
    ask(
        "token balance of the receiver",
        "getTokenAccountBalance",
        json!([scene.destination.to_string(), confirmed]),
    );
    ask(
        "token balance of a wallet",
        "getTokenAccountBalance",
        json!([owner, confirmed]),
    );
    ask(
        "token balance of nobody",
        "getTokenAccountBalance",
        json!([nobody, confirmed]),
    );
    ask(
        "token balance of a mint",
        "getTokenAccountBalance",
        json!([mint, confirmed]),
    );
    ask("supply", "getTokenSupply", json!([mint, confirmed]));
    ask("supply of nobody", "getTokenSupply", json!([nobody]));
    ask(
        "supply of an account",
        "getTokenSupply",
        json!([source, confirmed]),
    );
    ask(
        "tokens of a mint",
        "getTokenAccountsByOwner",
        json!([owner, { "mint": mint }, parsed]),
    );
    ask(
        "tokens of a program",
        "getTokenAccountsByOwner",
        json!([owner, { "programId": program }, { "commitment": "confirmed", "encoding": "base64" }]),
    );
    ask(
        "tokens of a mint that is none",
        "getTokenAccountsByOwner",
        json!([owner, { "mint": nobody }, parsed]),
    );
    ask(
        "tokens of a program that is none",
        "getTokenAccountsByOwner",
        json!([owner, { "programId": nobody }, parsed]),
    );
    ask(
        "tokens without filter",
        "getTokenAccountsByOwner",
        json!([owner, {}, parsed]),
    );
}
