//! The WebSocket of the scripted chain: it confirms every subscription and tells the
//! slots. Nothing on this chain ever changes.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::script::{SLOT, clock, slot};

/// Serves whoever connects.
pub(super) fn start(listener: TcpListener) {
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
}

async fn serve(stream: TcpStream) -> Result<(), Error> {
    let (mut sender, mut receiver) = tokio_tungstenite::accept_async(stream).await?.split();
    let mut slots = tokio::time::interval(SLOT);
    loop {
        tokio::select! {
            request = receiver.next() => match request {
                Some(Ok(Message::Text(text))) => {
                    let request: Value = serde_json::from_str(&text).unwrap_or_default();
                    let id = &request["id"];
                    let answer = json!({ "jsonrpc": "2.0", "id": id, "result": id });
                    sender.send(Message::text(answer.to_string())).await?;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(()),
            },
            _ = slots.tick() => {
                let slot = slot();
                for (method, result) in [
                    ("slotNotification", json!({ "slot": slot, "parent": slot - 1, "root": slot - 32 })),
                    ("accountNotification", json!({ "context": { "slot": slot }, "value": clock() })),
                ] {
                    let notice = json!({
                        "jsonrpc": "2.0",
                        "method": method,
                        "params": { "result": result, "subscription": 1 },
                    });
                    sender.send(Message::text(notice.to_string())).await?;
                }
            }
        }
    }
}
