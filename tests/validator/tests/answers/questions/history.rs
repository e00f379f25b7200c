//! Signatures and transactions of the past.

use serde_json::json;
use solana_signature::Signature;
use solana_signer::Signer;
use tollgate_localnet::test_keypair;

use super::Ask;
use crate::scene::Scene;

pub fn history(scene: &Scene, ask: Ask<'_>) {
    let payer = scene.payer.pubkey().to_string();
    let nobody = test_keypair("answers nobody").pubkey().to_string();
    let unknown = Signature::default().to_string();
    ask(
        "statuses",
        "getSignatureStatuses",
        json!([[
            scene.transferred.to_string(),
            unknown,
            scene.failed.to_string()
        ]]),
    );
    ask(
        "statuses with history",
        "getSignatureStatuses",
        json!([[scene.failed.to_string()], { "searchTransactionHistory": true }]),
    );
    ask(
        "status of no signature",
        "getSignatureStatuses",
        json!([["x"]]),
    );
    ask(
        "too many statuses",
        "getSignatureStatuses",
        json!([vec![unknown.clone(); 257]]),
    );
    ask(
        "signatures of an address",
        "getSignaturesForAddress",
        json!([payer]),
    );
    ask(
        "signatures of nobody",
        "getSignaturesForAddress",
        json!([nobody]),
    );
    ask(
        "signatures before an unknown one",
        "getSignaturesForAddress",
        json!([payer, { "before": unknown }]),
    );
    ask(
        "signatures until an unknown one",
        "getSignaturesForAddress",
        json!([payer, { "until": unknown }]),
    );
    ask(
        "too many signatures",
        "getSignaturesForAddress",
        json!([payer, { "limit": 1001 }]),
    );
    ask(
        "no signatures",
        "getSignaturesForAddress",
        json!([payer, { "limit": 0 }]),
    );
    ask(
        "unknown transaction",
        "getTransaction",
        json!([unknown, { "encoding": "json" }]),
    );
    ask(
        "transaction at processed",
        "getTransaction",
        json!([unknown, { "commitment": "processed" }]),
    );
    for (name, signature, encoding) in [
        ("transfer in json", scene.transferred, "json"),
        ("transfer parsed", scene.transferred, "jsonParsed"),
        ("token transfer in json", scene.tokens_moved, "json"),
        ("token transfer parsed", scene.tokens_moved, "jsonParsed"),
        ("account creation in json", scene.account_created, "json"),
        (
            "account creation parsed",
            scene.account_created,
            "jsonParsed",
        ),
        ("failed transfer in json", scene.failed, "json"),
        ("versioned transfer in json", scene.versioned, "json"),
        ("versioned transfer parsed", scene.versioned, "jsonParsed"),
    ] {
        ask(
            name,
            "getTransaction",
            json!([
                signature.to_string(),
                { "encoding": encoding, "commitment": "confirmed", "maxSupportedTransactionVersion": 0 }
            ]),
        );
    }
    ask(
        "transfer for a reader of legacy transactions",
        "getTransaction",
        json!([scene.transferred.to_string(), { "encoding": "json" }]),
    );
    ask(
        "versioned transfer for a reader of legacy transactions",
        "getTransaction",
        json!([scene.versioned.to_string(), { "encoding": "json" }]),
    );
}
