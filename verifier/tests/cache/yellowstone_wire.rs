//! The messages in the bytes of the published definitions: the vectors were encoded
//! with `yellowstone-grpc-proto` 14.0.1, all fields set, those that are not used here
//! as well.
use prost::Message;

use crate::geyser::wire::*;

const SUBSCRIPTION: &str = "0a380a0c656e7469746c656d656e7473122812076164647265\
    73731a056f776e657222070a05120301020322080a06081012020405220310ac0212070a05736c6f7473\
    3001";
const PING: &str = "4a020801";
const ACCOUNT: &str = "0a0c656e7469746c656d656e747312350a290a030707071009\
    1a03080808200128ffffffffffffffffff013204010203043887ad4b420405050505108088debe011801\
    200b5a080880e2cfaa061005";
const SLOT: &str = "0a0c656e7469746c656d656e74731a15088188debe01108088debe\
    0118062203776879280c5a080880e2cfaa061005";
const SERVER_PING: &str = "0a0c656e7469746c656d656e747332005a080880e2cfaa061005";
/// The answer to a ping, which is not listened to.
const PONG: &str = "0a0c656e7469746c656d656e74734a0208015a080880e2cfaa061005";

fn bytes(vector: &str) -> Vec<u8> {
    (0..vector.len())
        .step_by(2)
        .map(|place| u8::from_str_radix(&vector[place..place + 2], 16).unwrap())
        .collect()
}

fn update(vector: &str) -> Option<Update> {
    SubscribeUpdate::decode(bytes(vector).as_slice())
        .unwrap()
        .update
}

#[test]
fn what_is_sent_is_what_servers_read() {
    let memcmp = |offset, bytes: &[u8]| DataFilter {
        condition: Some(DataCondition::Memcmp(Memcmp {
            offset,
            bytes: Some(bytes.to_vec()),
        })),
    };
    let size = DataFilter {
        condition: Some(DataCondition::DataSize(300)),
    };
    let accounts = AccountsFilter {
        account: vec!["address".to_owned()],
        owner: vec!["owner".to_owned()],
        filters: vec![memcmp(0, &[1, 2, 3]), memcmp(16, &[4, 5]), size],
    };
    let subscription = SubscribeRequest {
        accounts: [("entitlements".to_owned(), accounts)].into(),
        slots: [("slots".to_owned(), SlotsFilter::default())].into(),
        commitment: Some(level::CONFIRMED),
        ping: None,
    };
    assert_eq!(subscription.encode_to_vec(), bytes(SUBSCRIPTION));
    let ping = SubscribeRequest {
        ping: Some(Ping { id: 1 }),
        ..SubscribeRequest::default()
    };
    assert_eq!(ping.encode_to_vec(), bytes(PING));
}

#[test]
fn what_servers_send_is_read() {
    let account = AccountUpdate {
        account: Some(AccountInfo {
            pubkey: vec![7; 3],
            lamports: 9,
            owner: vec![8; 3],
            data: vec![1, 2, 3, 4],
            write_version: 1_234_567,
        }),
        slot: 400_000_000,
        is_startup: true,
    };
    assert_eq!(update(ACCOUNT), Some(Update::Account(account)));
    let slot = SlotUpdate {
        slot: 400_000_001,
        status: SLOT_DEAD,
    };
    assert_eq!(update(SLOT), Some(Update::Slot(slot)));
    assert_eq!(update(SERVER_PING), Some(Update::Ping(ServerPing {})));
    assert_eq!(update(PONG), None);
}
