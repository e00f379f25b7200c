//! A JSON-RPC server that answers with recorded accounts after a fixed time, and
//! counts what it is asked.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::script::{Script, slot};

/// Entitlements in one piece of the answer to a search.
const PIECE: usize = 256;

#[derive(Clone)]
struct Server {
    script: Arc<Script>,
    delay: Duration,
}

/// Serves the recording, and at `/calls` how often each method was called.
pub(super) fn start(listener: TcpListener, script: Arc<Script>, delay_ms: u64) {
    let router = Router::new()
        .route("/", post(answer))
        .route("/calls", get(calls))
        .with_state(Server {
            script,
            delay: Duration::from_millis(delay_ms),
        });
    tokio::spawn(async move { axum::serve(listener, router).await });
}

async fn calls(State(server): State<Server>) -> Json<Value> {
    Json(server.script.calls())
}

async fn answer(State(server): State<Server>, Json(request): Json<Value>) -> Response {
    let Server { script, delay } = server;
    let method = request["method"].as_str().unwrap_or_default();
    script.called(method);
    tokio::time::sleep(delay).await;
    let id = &request["id"];
    let context = json!({ "slot": slot(), "apiVersion": "4.2.2" });
    let result = match method {
        "getGenesisHash" => json!(script.genesis_hash),
        "getVersion" => json!({ "solana-core": "4.2.2", "feature-set": 1 }),
        "getSlot" => json!(slot()),
        "getMultipleAccounts" => {
            let addresses = request["params"][0].as_array().into_iter().flatten();
            let accounts: Vec<_> = addresses
                .map(|address| script.account(address.as_str().unwrap_or_default()))
                .collect();
            json!({ "context": context, "value": accounts })
        }
        "getProgramAccounts" => return found(&script, id, &context),
        _ => {
            return Json(json!({
                "jsonrpc": "2.0",
                "id": id,
                "error": { "code": -32601, "message": "Method not found" },
            }))
            .into_response();
        }
    };
    Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response()
}

/// All entitlements, in pieces that are made as they are sent.
fn found(script: &Arc<Script>, id: &Value, context: &Value) -> Response {
    let head =
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"context\":{context},\"value\":[");
    let script = Arc::clone(script);
    let pieces = (0..).step_by(PIECE).map_while(move |first| {
        let piece = script.entitlements(first, PIECE)?;
        Some(if first == 0 {
            piece
        } else {
            format!(",{piece}")
        })
    });
    let whole = [head].into_iter().chain(pieces).chain(["]}}".to_owned()]);
    Body::from_stream(stream::iter(whole.map(Ok::<_, Infallible>))).into_response()
}
