#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use solana_hash::Hash;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_message::{VersionedMessage, v0};
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use tollgate_client::Pubkey;
use tollgate_client::transaction::ComputeBudget;
use tollgate_gate::exact::{MEMO_PROGRAM, TOKEN_PROGRAM};

use super::{Relay, RelayRefusal, rent_of};
use crate::config::{OperatorKey, RelayBounds, RelayConfig};

fn relay_with(bounds: RelayBounds) -> Relay {
    let mut config = RelayConfig::new(OperatorKey::new(Keypair::new_from_array([1; 32])));
    config.bounds = bounds;
    Relay::new(&config)
}

fn relay() -> Relay {
    relay_with(RelayBounds::default())
}

fn payer() -> Keypair {
    Keypair::new_from_array([2; 32])
}

fn key(number: u8) -> Pubkey {
    Pubkey::new_from_array([number; 32])
}

fn transfer() -> Instruction {
    let mut data = vec![12];
    data.extend(1_u64.to_le_bytes());
    data.push(6);
    Instruction {
        program_id: TOKEN_PROGRAM,
        accounts: vec![
            AccountMeta::new(key(10), false),
            AccountMeta::new_readonly(key(11), false),
            AccountMeta::new(key(12), false),
            AccountMeta::new_readonly(payer().pubkey(), true),
        ],
        data,
    }
}

/// A stock payment with something behind it, signed by its payer.
fn payment(fee_payer: Pubkey, price: u64, more: Option<Instruction>) -> VersionedTransaction {
    let mut instructions = ComputeBudget {
        units: 20_000,
        price,
    }
    .instructions();
    instructions.push(transfer());
    instructions.extend(more);
    let message =
        v0::Message::try_compile(&fee_payer, &instructions, &[], Hash::default()).unwrap();
    let message = VersionedMessage::V0(message);
    let slots = usize::from(message.header().num_required_signatures);
    let mut signatures = vec![Default::default(); slots];
    let payer = payer();
    let keys = message.static_account_keys();
    if let Some(place) = keys.iter().position(|key| *key == payer.pubkey()) {
        signatures[place] = payer.sign_message(&message.serialize());
    }
    VersionedTransaction {
        signatures,
        message,
    }
}

#[test]
fn a_stock_payment_is_co_signed_the_same_way_each_time() {
    let transaction = payment(relay().address(), 1, None);
    let signed = relay().co_sign(&transaction).unwrap();
    assert!(signed.verify_with_results().into_iter().all(|valid| valid));
    assert_eq!(signed.message, transaction.message);
    assert_eq!(relay().co_sign(&transaction).unwrap(), signed);
}

#[test]
fn what_names_the_relay_is_not_signed_whoever_let_it_through() {
    let relay = relay();
    let address = relay.address();
    // As a signer, writable, or only to read: with the relay's signature on the
    // transaction all of them are signed by it.
    for account in [
        AccountMeta::new(address, true),
        AccountMeta::new(address, false),
        AccountMeta::new_readonly(address, true),
        AccountMeta::new_readonly(address, false),
    ] {
        for program in [TOKEN_PROGRAM, MEMO_PROGRAM] {
            let more = Instruction {
                program_id: program,
                accounts: vec![account.clone()],
                data: vec![3, 1, 0, 0, 0, 0, 0, 0, 0],
            };
            let transaction = payment(address, 1, Some(more));
            let refused = relay.co_sign(&transaction);
            assert_eq!(refused, Err(RelayRefusal::NamesRelay), "{account:?}");
        }
    }
    // The System program would take lamports from whom it names; any program may call
    // another with the signatures that it was given.
    let lamports = solana_instruction_of_system(&payer().pubkey());
    let refused = relay.co_sign(&payment(address, 1, Some(lamports)));
    assert_eq!(refused, Err(RelayRefusal::ForeignProgram));
    let unknown = Instruction::new_with_bytes(key(77), &[], Vec::new());
    let refused = relay.co_sign(&payment(address, 1, Some(unknown)));
    assert_eq!(refused, Err(RelayRefusal::ForeignProgram));
}

/// A transfer of lamports by the System program.
fn solana_instruction_of_system(from: &Pubkey) -> Instruction {
    let mut data = 2_u32.to_le_bytes().to_vec();
    data.extend(1_u64.to_le_bytes());
    Instruction {
        program_id: Pubkey::new_from_array([0; 32]),
        accounts: vec![
            AccountMeta::new(*from, true),
            AccountMeta::new(key(9), false),
        ],
        data,
    }
}

#[test]
fn another_fee_payer_a_missing_signature_and_an_expensive_fee_are_refused() {
    let relay = relay();
    let address = relay.address();
    let foreign = payment(payer().pubkey(), 1, None);
    assert_eq!(relay.co_sign(&foreign), Err(RelayRefusal::NotForRelay));
    let mut unsigned = payment(address, 1, None);
    unsigned.signatures[1] = Default::default();
    assert_eq!(
        relay.co_sign(&unsigned),
        Err(RelayRefusal::SignatureInvalid)
    );
    // 20,000 units at 2,000,000 millionths are 40,000 lamports beside two signatures.
    assert!(relay.co_sign(&payment(address, 2_000_000, None)).is_ok());
    assert_eq!(
        relay.co_sign(&payment(address, 2_000_001, None)),
        Err(RelayRefusal::FeeTooHigh {
            fee: 50_001,
            most: 50_000
        })
    );
    // The last of several prices is the one that counts for a cluster, if it allows
    // several at all; whatever is dearer counts here.
    let again = ComputeBudget {
        units: 1_400_000,
        price: 5_000_000,
    }
    .instructions()
    .remove(1);
    let refused = relay.co_sign(&payment(address, 1, Some(again)));
    assert!(matches!(refused, Err(RelayRefusal::FeeTooHigh { .. })));
}

#[tokio::test(start_paused = true)]
async fn spending_is_bounded_by_request_by_payer_and_by_hour() {
    let relay = relay_with(RelayBounds {
        max_fee: 10_000,
        per_request: 100,
        per_payer_hour: 150,
        per_hour: 300,
        min_balance: 1_000,
    });
    assert!(matches!(
        relay.reserve(&key(1), 101),
        Err(RelayRefusal::RequestTooExpensive { .. })
    ));
    relay.reserve(&key(1), 100).unwrap();
    assert!(matches!(
        relay.reserve(&key(1), 51),
        Err(RelayRefusal::PayerExhausted { .. })
    ));
    // What was not spent can be had again.
    relay.give_back(&key(1), 60);
    relay.reserve(&key(1), 100).unwrap();
    relay.reserve(&key(2), 100).unwrap();
    assert!(matches!(
        relay.reserve(&key(3), 61),
        Err(RelayRefusal::HourExhausted { .. })
    ));
    relay.reserve(&key(3), 60).unwrap();
    tokio::time::advance(Duration::from_secs(3_600)).await;
    relay.reserve(&key(3), 100).unwrap();
    // Below the least balance nothing is spent at all.
    relay.saw_balance(999);
    assert!(!relay.is_funded());
    assert_eq!(relay.reserve(&key(4), 1), Err(RelayRefusal::BalanceTooLow));
    relay.saw_balance(1_000);
    relay.reserve(&key(4), 1).unwrap();
}

#[test]
fn rent_is_what_the_cluster_takes() {
    // A token account's, published everywhere.
    assert_eq!(rent_of(165), 2_039_280);
}
