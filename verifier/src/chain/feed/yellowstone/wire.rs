//! The messages of Yellowstone's `geyser.Geyser/Subscribe` as far as they are used here.
//!
//! Names and numbers of the fields are those of the published `geyser.proto`
//! (`yellowstone-grpc-proto` 14.0.1), with whose bytes these messages are compared
//! (`tests/cache/yellowstone_wire.rs`). What is left out is skipped when it comes, as
//! protobuf has it.

use std::collections::HashMap;

/// The method's path.
pub(crate) const SUBSCRIBE: &str = "/geyser.Geyser/Subscribe";

/// Values of `CommitmentLevel`, which are those of `SlotStatus` as well.
pub(crate) mod level {
    pub(crate) const CONFIRMED: i32 = 1;
    pub(crate) const FINALIZED: i32 = 2;
}

/// `SlotStatus`: the slot will never be part of the chain.
pub(crate) const SLOT_DEAD: i32 = 6;

/// What a client says. One that only answers a ping leaves the subscription as it is.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SubscribeRequest {
    #[prost(map = "string, message", tag = "1")]
    pub(crate) accounts: HashMap<String, AccountsFilter>,
    #[prost(map = "string, message", tag = "2")]
    pub(crate) slots: HashMap<String, SlotsFilter>,
    #[prost(int32, optional, tag = "6")]
    pub(crate) commitment: Option<i32>,
    #[prost(message, optional, tag = "9")]
    pub(crate) ping: Option<Ping>,
}

/// `SubscribeRequestFilterAccounts`: all of its conditions hold; of the accounts, and
/// of the owners, one.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AccountsFilter {
    #[prost(string, repeated, tag = "2")]
    pub(crate) account: Vec<String>,
    #[prost(string, repeated, tag = "3")]
    pub(crate) owner: Vec<String>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) filters: Vec<DataFilter>,
}

/// `SubscribeRequestFilterAccountsFilter`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DataFilter {
    #[prost(oneof = "DataCondition", tags = "1, 2")]
    pub(crate) condition: Option<DataCondition>,
}

/// What an account's data must be like.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum DataCondition {
    #[prost(message, tag = "1")]
    Memcmp(Memcmp),
    #[prost(uint64, tag = "2")]
    DataSize(u64),
}

/// `SubscribeRequestFilterAccountsFilterMemcmp`, whose data is always given as bytes:
/// these at that place.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Memcmp {
    #[prost(uint64, tag = "1")]
    pub(crate) offset: u64,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(crate) bytes: Option<Vec<u8>>,
}

/// `SubscribeRequestFilterSlots`: without it, slots at every commitment are reported.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SlotsFilter {
    #[prost(bool, optional, tag = "1")]
    pub(crate) filter_by_commitment: Option<bool>,
}

/// `SubscribeRequestPing`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Ping {
    #[prost(int32, tag = "1")]
    pub(crate) id: i32,
}

/// What the server says.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SubscribeUpdate {
    #[prost(oneof = "Update", tags = "2, 3, 6")]
    pub(crate) update: Option<Update>,
}

/// Of the kinds of updates those that were asked for, and the server's ping.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Update {
    #[prost(message, tag = "2")]
    Account(AccountUpdate),
    #[prost(message, tag = "3")]
    Slot(SlotUpdate),
    #[prost(message, tag = "6")]
    Ping(ServerPing),
}

/// `SubscribeUpdatePing`: to be answered, or balancers of load take the connection for
/// a dead one.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ServerPing {}

/// `SubscribeUpdateAccount`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AccountUpdate {
    #[prost(message, optional, tag = "1")]
    pub(crate) account: Option<AccountInfo>,
    #[prost(uint64, tag = "2")]
    pub(crate) slot: u64,
    /// Part of what the node found when it started; no change.
    #[prost(bool, tag = "3")]
    pub(crate) is_startup: bool,
}

/// `SubscribeUpdateAccountInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AccountInfo {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) pubkey: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(crate) lamports: u64,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) owner: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) data: Vec<u8>,
    /// Of two states of one slot the one with the larger number holds.
    #[prost(uint64, tag = "7")]
    pub(crate) write_version: u64,
}

/// `SubscribeUpdateSlot`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SlotUpdate {
    #[prost(uint64, tag = "1")]
    pub(crate) slot: u64,
    #[prost(int32, tag = "3")]
    pub(crate) status: i32,
}
