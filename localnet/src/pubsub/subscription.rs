//! What subscribers hear of which event.

use crate::{
    chain::{Chain, Changes, Event, LandedTransaction},
    rpc::{Rpc, encode, passes},
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use solana_account::{AccountSharedData, ReadableAccount};
use solana_account_decoder::UiAccountEncoding;
use solana_address::Address;
use solana_clock::Slot;
use solana_commitment_config::CommitmentLevel;
use solana_rpc_client_api::{
    filter::RpcFilterType,
    response::{
        ProcessedSignatureResult, ReceivedSignatureResult, Response, RpcKeyedAccount,
        RpcLogsResponse, RpcResponseContext, RpcSignatureResult,
    },
};
use solana_signature::Signature;

/// What a client wants to hear of.
pub(super) enum Subscription {
    Account {
        address: Address,
        level: CommitmentLevel,
        encoding: UiAccountEncoding,
    },
    Program {
        program: Address,
        filters: Vec<RpcFilterType>,
        level: CommitmentLevel,
        encoding: UiAccountEncoding,
    },
    Signature {
        signature: Signature,
        level: CommitmentLevel,
        received: bool,
    },
    Logs {
        mentions: Option<Address>,
        level: CommitmentLevel,
    },
    Slot,
    Root,
}

/// What to send to a subscriber, and whether that was the last.
#[derive(Default)]
pub(super) struct Outgoing {
    pub(super) messages: Vec<Box<RawValue>>,
    pub(super) last: bool,
}

impl Outgoing {
    fn push(&mut self, message: &impl Serialize) {
        match to_raw_value(message) {
            Ok(message) => self.messages.push(message),
            Err(error) => tracing::error!(%error, "a notification could not be serialized"),
        }
    }

    /// Adds a value with the slot it holds for. Notifications, unlike answers, do not carry the
    /// API version.
    fn push_at<T: Serialize>(&mut self, slot: Slot, value: T) {
        self.push(&Response {
            context: RpcResponseContext {
                slot,
                api_version: None,
            },
            value,
        });
    }
}

impl Subscription {
    /// What has to be sent at once: the result of a transaction that is already as final as the
    /// subscriber wants it.
    pub(super) fn at_start(&self, chain: &Chain) -> Outgoing {
        let mut outgoing = Outgoing::default();
        if let Self::Signature {
            signature, level, ..
        } = self
        {
            let view = chain.view(*level);
            if let Some(landed) = view.transaction(signature) {
                outgoing.push_at(view.slot(), processed(landed));
                outgoing.last = true;
            }
        }
        outgoing
    }

    pub(super) fn on_event(&self, event: &Event, rpc: &Rpc) -> Outgoing {
        let mut outgoing = Outgoing::default();
        match (self, event) {
            (Self::Slot, Event::Slot(slot)) => outgoing.push(slot),
            (Self::Root, Event::Root(slot)) => outgoing.push(slot),
            (_, Event::Changes(changes)) => self.on_changes(changes, rpc, &mut outgoing),
            _ => {}
        }
        outgoing
    }

    fn on_changes(&self, changes: &Changes, rpc: &Rpc, outgoing: &mut Outgoing) {
        match self {
            Self::Account {
                address,
                level,
                encoding,
            } if *level == changes.level => {
                let Some((_, account)) = changes.accounts.iter().find(|(key, _)| key == address)
                else {
                    return;
                };
                // A closed account is announced as an empty one of the system program.
                let gone = AccountSharedData::default();
                let account = account.as_ref().unwrap_or(&gone);
                let chain = rpc.chain();
                // A cluster's notifications ignore `dataSlice`.
                let shown = encode::encode(chain.view(*level), address, account, *encoding, None);
                outgoing.push_at(changes.slot, shown);
            }
            Self::Program {
                program,
                filters,
                level,
                encoding,
            } if *level == changes.level => {
                for (address, account) in &changes.accounts {
                    // Closed accounts belong to no program any more: as on a cluster, only a
                    // subscription to the account itself hears of its end.
                    let Some(account) = account
                        .as_ref()
                        .filter(|account| account.owner() == program && passes(filters, account))
                    else {
                        continue;
                    };
                    let chain = rpc.chain();
                    let shown =
                        encode::encode(chain.view(*level), address, account, *encoding, None);
                    if encode::is_unparsed_token(account, *encoding, &shown.data) {
                        continue;
                    }
                    outgoing.push_at(
                        changes.slot,
                        RpcKeyedAccount {
                            pubkey: address.to_string(),
                            account: shown,
                        },
                    );
                }
            }
            Self::Signature {
                signature,
                level,
                received,
            } => {
                let Some(landed) = changes
                    .transactions
                    .iter()
                    .find(|landed| landed.signature == *signature)
                else {
                    return;
                };
                if *received && changes.level == CommitmentLevel::Processed {
                    outgoing.push_at(
                        changes.slot,
                        RpcSignatureResult::ReceivedSignature(
                            ReceivedSignatureResult::ReceivedSignature,
                        ),
                    );
                }
                if *level == changes.level {
                    outgoing.push_at(changes.slot, processed(landed));
                    outgoing.last = true;
                }
            }
            Self::Logs { mentions, level } if *level == changes.level => {
                for landed in &changes.transactions {
                    if mentions.is_some_and(|address| !landed.account_keys.contains(&address)) {
                        continue;
                    }
                    outgoing.push_at(
                        changes.slot,
                        RpcLogsResponse {
                            signature: landed.signature.to_string(),
                            err: landed.status().clone().err().map(Into::into),
                            logs: landed.logs().to_vec(),
                        },
                    );
                }
            }
            _ => {}
        }
    }
}

fn processed(landed: &LandedTransaction) -> RpcSignatureResult {
    RpcSignatureResult::ProcessedSignature(ProcessedSignatureResult {
        err: landed.status().clone().err().map(Into::into),
    })
}
