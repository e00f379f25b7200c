//! What is sent and heard on the feed's WebSocket (Solana's pubsub protocol).

use serde::Deserialize;
use serde_json::{Value, json};
use tollgate_client::chain::CLOCK;

use super::{FeedEnd, Heard, Subject};
use crate::chain::rpc::{AtSlot, KeyedAccount, WireAccount, chain_time, entitlement_of, filters};

/// The subscriptions of a feed; their requests have these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// The merchant's entitlements.
    Entitlements = 1,
    /// The Clock sysvar: it changes with every slot, so that its notices say which
    /// slots are complete at the configured commitment, and their time.
    Clock = 2,
    /// The slots that the node works on: the heartbeat.
    Slots = 3,
}

impl Topic {
    pub(super) const ALL: [Self; 3] = [Self::Entitlements, Self::Clock, Self::Slots];

    /// The request that subscribes to it.
    pub(super) fn request(self, subject: &Subject) -> String {
        let commitment = subject.commitment.as_str();
        let options = json!({ "encoding": "base64", "commitment": commitment });
        let (method, params) = match self {
            Self::Entitlements => {
                let mut options = options;
                if let Some(options) = options.as_object_mut() {
                    options.insert("filters".to_owned(), filters(&subject.merchant));
                }
                (
                    "programSubscribe",
                    json!([subject.addresses.program_id.to_string(), options]),
                )
            }
            Self::Clock => ("accountSubscribe", json!([CLOCK.to_string(), options])),
            Self::Slots => ("slotSubscribe", json!([])),
        };
        let id = self as u8;
        json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
    }
}

#[derive(Deserialize)]
struct Message {
    method: Option<String>,
    params: Option<Params>,
    id: Option<u64>,
    result: Option<Value>,
}

#[derive(Deserialize)]
struct Params {
    result: Value,
}

#[derive(Deserialize)]
struct SlotInfo {
    slot: u64,
}

/// What a message says.
///
/// # Errors
/// [`FeedEnd::Untrusted`] for everything that a server of this protocol and program
/// does not send: a change that cannot be read may be the end of a grant, so that the
/// feed cannot be relied upon any more.
pub(super) fn read(text: &[u8], subject: &Subject) -> Result<Heard, FeedEnd> {
    let message: Message =
        serde_json::from_slice(text).map_err(|_| FeedEnd::Untrusted("not JSON-RPC"))?;
    let (Some(method), Some(params)) = (message.method, message.params) else {
        return match (message.id, message.result) {
            (Some(_), Some(_)) => Ok(Heard::Subscribed),
            (Some(_), None) => Err(FeedEnd::Refused),
            (None, _) => Ok(Heard::Nothing),
        };
    };
    match method.as_str() {
        "programNotification" => {
            let found: AtSlot<KeyedAccount> = typed(params.result)?;
            // The end of an account, should a server report it: the program ends only
            // what grants nothing any more.
            if matches!(found.value.account.account(), Ok(None)) {
                return Ok(Heard::Nothing);
            }
            let entitlement = entitlement_of(&found.value, &subject.addresses, &subject.merchant)
                .map_err(|failure| FeedEnd::Untrusted(failure.code()))?;
            Ok(Heard::Changed(Box::new(entitlement), found.context.slot))
        }
        "accountNotification" => {
            let found: AtSlot<WireAccount> = typed(params.result)?;
            let time = found
                .value
                .account()
                .and_then(chain_time)
                .map_err(|failure| FeedEnd::Untrusted(failure.code()))?;
            Ok(Heard::Complete(found.context.slot, time))
        }
        "slotNotification" => Ok(Heard::Slot(typed::<SlotInfo>(params.result)?.slot)),
        _ => Ok(Heard::Nothing),
    }
}

fn typed<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, FeedEnd> {
    serde_json::from_value(value).map_err(|_| FeedEnd::Untrusted("a notice of another shape"))
}
