//! The embedded chain and the real validator answer the same questions about the same history
//! with the same JSON, down to the texts of the errors.
//!
//! The conformance suite says what a client may rely on; this says that nothing else differs
//! either, except what [`ADMITTED`] admits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod difference;
mod questions;
mod scene;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use solana_keypair::Keypair;
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_rpc_client_api::{
    client_error::ErrorKind,
    request::{RpcError, RpcResponseErrorData},
};
use solana_signer::Signer;
use std::time::Duration;
use tokio::runtime::Runtime;
use tollgate_localnet::Localnet;
use tollgate_validator_tests::{Setup, Validator};

use difference::{ADMITTED, Admitted, differences};
use questions::{Question, questions};
use scene::Scene;

/// Members whose values belong to one chain or one moment.
const VOLATILE: &[&str] = &[
    "absoluteSlot",
    "apiVersion",
    "blockHeight",
    "blockTime",
    "blockhash",
    "epochCredits",
    "lastValidBlockHeight",
    "recentBlockhash",
    "signature",
    "signatures",
    "slot",
    "slotIndex",
    "transactionCount",
    "transactionIndex",
];

#[test]
fn both_chains_answer_alike() {
    let runtime = Runtime::new().unwrap();
    let validator = Validator::start(runtime.handle(), Setup::default()).unwrap();
    let real = runtime.block_on(interview(
        &validator.rpc_url(),
        validator.treasury().insecure_clone(),
    ));
    drop(validator);

    let (localnet, treasury) = runtime.block_on(async {
        let localnet = Localnet::builder()
            .slot_duration(Duration::from_millis(100))
            .start()
            .await
            .unwrap();
        let treasury = Keypair::new();
        localnet
            .airdrop(&treasury.pubkey(), 100_000_000_000_000)
            .unwrap();
        localnet.finalize();
        (localnet, treasury)
    });
    let embedded = runtime.block_on(interview(&localnet.rpc_url(), treasury));
    runtime.block_on(localnet.shutdown());

    let mut unused: Vec<&Admitted> = ADMITTED.iter().collect();
    let mut wrong = Vec::new();
    for (question, expected) in &real {
        for difference in differences(expected, &embedded[question]) {
            if ADMITTED
                .iter()
                .any(|known| known.covers(question, &difference.path))
            {
                unused.retain(|known| !known.covers(question, &difference.path));
            } else {
                wrong.push(format!("{question} {difference}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differences in {} answers:\n{}",
        wrong.len(),
        real.len(),
        wrong.join("\n")
    );
    assert!(unused.is_empty(), "these differ no longer: {unused:?}");
}

/// Makes the history and asks every question about it.
async fn interview(url: &str, treasury: Keypair) -> BTreeMap<&'static str, Value> {
    let rpc = RpcClient::new_with_timeout_and_commitment(
        url.to_owned(),
        Duration::from_secs(30),
        solana_commitment_config::CommitmentConfig::confirmed(),
    );
    let scene = Scene::play(&rpc, &treasury).await;
    let mut answers = BTreeMap::new();
    for Question {
        name,
        request,
        parameters,
    } in questions(&scene)
    {
        let answer = match rpc.send::<Value>(request, parameters).await {
            Ok(answer) => answer,
            Err(error) => match *error.kind {
                ErrorKind::RpcError(RpcError::RpcResponseError {
                    code,
                    message,
                    data,
                }) => {
                    let data = match data {
                        RpcResponseErrorData::SendTransactionPreflightFailure(result) => {
                            json!(result)
                        }
                        _ => Value::Null,
                    };
                    json!({ "code": code, "message": message, "data": data })
                }
                other => panic!("{name}: {other}"),
            },
        };
        let mut answer = answer;
        mask(&mut answer);
        scene.mask(&mut answer);
        assert!(answers.insert(name, answer).is_none(), "{name} twice");
    }
    answers
}

/// Replaces what belongs to one chain or one moment by its type.
fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if VOLATILE.contains(&name.as_str()) {
                    *member = kind(member);
                } else {
                    mask(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        // Another build of a program takes a few units more or less.
        Value::String(line) if line.ends_with(" compute units") => {
            if let Some((program, _)) = line.split_once(" consumed ") {
                *line = format!("{program} consumed some compute units");
            }
        }
        _ => {}
    }
}

/// The type of a value, and of what is in a list.
fn kind(value: &Value) -> Value {
    match value {
        Value::Null => json!(null),
        Value::Bool(_) => json!("a truth value"),
        Value::Number(_) => json!("a number"),
        Value::String(_) => json!("a text"),
        Value::Array(items) => items.iter().map(kind).collect(),
        Value::Object(_) => json!("an object"),
    }
}
