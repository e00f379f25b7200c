//! Sending and simulating.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use solana_message::Message;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::Transaction;
use tollgate_localnet::test_keypair;

use super::Ask;
use crate::scene::Scene;

pub fn transactions(scene: &Scene, ask: Ask<'_>) {
    let good = encode(&scene.unsent);
    let mut forged = scene.unsent.clone();
    forged.signatures[0] = Signature::from([5; 64]);
    let mut unsigned = scene.unsent.clone();
    unsigned.signatures.clear();
    let mut unknown = scene.unsent.clone();
    unknown.message.recent_blockhash = solana_hash::Hash::new_from_array([3; 32]);
    unknown.sign(&[&scene.payer], unknown.message.recent_blockhash);
    let poor = test_keypair("answers nobody");
    let mut penniless = Transaction::new_unsigned(Message::new(
        &[solana_system_interface::instruction::transfer(
            &poor.pubkey(),
            &scene.payer.pubkey(),
            1,
        )],
        Some(&poor.pubkey()),
    ));
    penniless.sign(&[&poor], scene.unsent.message.recent_blockhash);
    let mut greedy = Transaction::new_unsigned(Message::new(
        &[solana_system_interface::instruction::transfer(
            &scene.payer.pubkey(),
            &scene.owner.pubkey(),
            90_000_000_000,
        )],
        Some(&scene.payer.pubkey()),
    ));
    greedy.sign(&[&scene.payer], scene.unsent.message.recent_blockhash);

    let base64 = json!({ "encoding": "base64", "preflightCommitment": "confirmed" });
    for (name, data) in [
        ("send a forged signature", encode(&forged)),
        ("send no signature", encode(&unsigned)),
        ("send an unknown blockhash", encode(&unknown)),
        ("send without money", encode(&penniless)),
        ("send too much money", encode(&greedy)),
        ("send nothing", String::new()),
        ("send no base64", "?".to_owned()),
        ("send half a transaction", "AAAA".to_owned()),
        ("send too much", "A".repeat(1_648)),
    ] {
        ask(name, "sendTransaction", json!([data, base64]));
    }
    ask("send no base58", "sendTransaction", json!(["0"]));
    ask(
        "send in an unsupported encoding",
        "sendTransaction",
        json!([good, { "encoding": "jsonParsed" }]),
    );
    ask("send without a transaction", "sendTransaction", json!([]));

    let simulated = |extra: Value| {
        let mut config = json!({ "encoding": "base64", "commitment": "confirmed" });
        for (name, value) in extra.as_object().unwrap() {
            config[name] = value.clone();
        }
        config
    };
    ask(
        "simulate",
        "simulateTransaction",
        json!([good, simulated(json!({}))]),
    );
    ask(
        "simulate with verification",
        "simulateTransaction",
        json!([encode(&forged), simulated(json!({ "sigVerify": true }))]),
    );
    ask(
        "simulate without verification",
        "simulateTransaction",
        json!([encode(&forged), simulated(json!({}))]),
    );
    ask(
        "simulate with an unknown blockhash",
        "simulateTransaction",
        json!([encode(&unknown), simulated(json!({}))]),
    );
    ask(
        "simulate with another blockhash",
        "simulateTransaction",
        json!([
            encode(&unknown),
            simulated(json!({ "replaceRecentBlockhash": true }))
        ]),
    );
    ask(
        "simulate with a contradiction",
        "simulateTransaction",
        json!([
            good,
            simulated(json!({ "sigVerify": true, "replaceRecentBlockhash": true }))
        ]),
    );
    ask(
        "simulate with inner instructions",
        "simulateTransaction",
        json!([good, simulated(json!({ "innerInstructions": true }))]),
    );
    ask(
        "simulate with accounts",
        "simulateTransaction",
        json!([
            good,
            simulated(
                json!({ "accounts": { "encoding": "base64", "addresses": [scene.payer.pubkey().to_string()] } })
            )
        ]),
    );
    ask(
        "simulate with too many accounts",
        "simulateTransaction",
        json!([
            good,
            simulated(
                json!({ "accounts": { "addresses": vec![scene.payer.pubkey().to_string(); 9] } })
            )
        ]),
    );
    ask(
        "simulate with accounts in base58",
        "simulateTransaction",
        json!([
            good,
            simulated(json!({ "accounts": { "encoding": "base58", "addresses": [] } }))
        ]),
    );
    ask(
        "simulate too much money",
        "simulateTransaction",
        json!([encode(&greedy), simulated(json!({}))]),
    );
    ask(
        "simulate without money",
        "simulateTransaction",
        json!([encode(&penniless), simulated(json!({}))]),
    );
    let message = STANDARD.encode(scene.unsent.message.serialize());
    ask(
        "fee",
        "getFeeForMessage",
        json!([message, { "commitment": "confirmed" }]),
    );
    ask(
        "fee of an unknown blockhash",
        "getFeeForMessage",
        json!([STANDARD.encode(unknown.message.serialize()), { "commitment": "confirmed" }]),
    );
    ask("fee of nothing", "getFeeForMessage", json!(["AAAA"]));
}

/// A transaction as clients send it.
fn encode(transaction: &Transaction) -> String {
    let mut bytes = Vec::new();
    bytes.push(u8::try_from(transaction.signatures.len()).unwrap());
    for signature in &transaction.signatures {
        bytes.extend_from_slice(signature.as_ref());
    }
    bytes.extend(transaction.message.serialize());
    STANDARD.encode(bytes)
}
