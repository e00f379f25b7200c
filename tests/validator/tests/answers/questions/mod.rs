//! The questions: every method that clients of this project use, well asked and badly asked.

mod accounts;
mod history;
mod transactions;

use serde_json::{Value, json};
use solana_rpc_client_api::request::RpcRequest;

use crate::scene::Scene;

/// One request.
pub struct Question {
    pub name: &'static str,
    pub request: RpcRequest,
    pub parameters: Value,
}

/// Every question about the scene.
pub fn questions(scene: &Scene) -> Vec<Question> {
    let mut all = Vec::new();
    let mut ask = |name: &'static str, method: &'static str, parameters: Value| {
        all.push(Question {
            name,
            request: RpcRequest::Custom { method },
            parameters,
        });
    };
    node(&mut ask);
    accounts::accounts(scene, &mut ask);
    accounts::tokens(scene, &mut ask);
    history::history(scene, &mut ask);
    transactions::transactions(scene, &mut ask);
    all
}

/// Takes a question: its name, the method and the parameters.
type Ask<'a> = &'a mut dyn FnMut(&'static str, &'static str, Value);

fn node(ask: Ask<'_>) {
    let confirmed = json!({ "commitment": "confirmed" });
    ask("health", "getHealth", Value::Null);
    ask("version", "getVersion", json!([]));
    ask("epoch", "getEpochInfo", json!([confirmed]));
    ask("epoch schedule", "getEpochSchedule", json!([]));
    ask("latest blockhash", "getLatestBlockhash", json!([confirmed]));
    ask(
        "blockhash that is none",
        "isBlockhashValid",
        json!(["1", confirmed]),
    );
    ask(
        "unknown blockhash",
        "isBlockhashValid",
        json!([scene_hash(), confirmed]),
    );
    ask("rent", "getMinimumBalanceForRentExemption", json!([100]));
    ask(
        "rent without size",
        "getMinimumBalanceForRentExemption",
        json!([]),
    );
    ask(
        "rent of a negative size",
        "getMinimumBalanceForRentExemption",
        json!([-1]),
    );
    ask("slot with a text", "getSlot", json!(["confirmed"]));
    ask(
        "time of a future slot",
        "getBlockTime",
        json!([1_000_000_000_u64]),
    );
    ask(
        "fees of nothing",
        "getRecentPrioritizationFees",
        json!([["x"]]),
    );
    ask("unknown method", "getNothing", json!([]));
    ask(
        "airdrop to no address",
        "requestAirdrop",
        json!(["x", 1_000_000]),
    );
    ask("airdrop without amount", "requestAirdrop", json!(["x"]));
}

/// A hash that no block has.
fn scene_hash() -> String {
    solana_hash::Hash::new_from_array([3; 32]).to_string()
}
