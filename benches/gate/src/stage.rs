//! What stands on the chain that the servers read: recorded from a local chain on
//! which somebody really paid, and the callers that are made up from that payment.

use std::collections::BTreeMap;
use std::path::Path;

use anchor_lang::AccountSerialize;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tollgate_client::{Addresses, Entitlement, PROGRAM_ID, Pubkey};

/// A recording, as `paid-chain` of tests/e2e writes it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Stage {
    /// The chain's genesis hash.
    pub(crate) genesis_hash: String,
    /// The product that was paid for.
    pub(crate) product: String,
    /// The entitlement that the payment made.
    pub(crate) entitlement: String,
    /// The seed of the wallet that paid: a test key without value.
    pub(crate) wallet_seed: [u8; 32],
    /// Address → account, as of the recording.
    pub(crate) accounts: BTreeMap<String, Recorded>,
}

/// One recorded account.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Recorded {
    /// The program that owns it.
    pub(crate) owner: String,
    /// Its lamports.
    pub(crate) lamports: u64,
    /// Its bytes, base64.
    pub(crate) data: String,
}

impl Stage {
    /// Reads the recording.
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("the recording is readable");
        serde_json::from_str(&text).expect("the recording has its form")
    }

    /// The product's address.
    pub(crate) fn product(&self) -> Pubkey {
        self.product.parse().expect("an address")
    }

    /// The account of the made-up caller `number`: the recorded entitlement with
    /// another beneficiary, at the address that belongs to it.
    pub(crate) fn made_up(&self, number: u64) -> (Pubkey, Recorded) {
        let recorded = &self.accounts[&self.entitlement];
        let bytes = STANDARD.decode(&recorded.data).expect("base64");
        let mut entitlement =
            <Entitlement as anchor_lang::AccountDeserialize>::try_deserialize(&mut &bytes[..])
                .expect("an entitlement");
        entitlement.beneficiary = beneficiary(number);
        let (address, bump) = Pubkey::find_program_address(
            &[
                b"entitlement",
                entitlement.product.as_ref(),
                entitlement.beneficiary.as_ref(),
            ],
            &PROGRAM_ID,
        );
        entitlement.bump = bump;
        let mut data = Vec::with_capacity(bytes.len());
        entitlement.try_serialize(&mut data).expect("it is written");
        data.resize(bytes.len(), 0);
        let made_up = Recorded {
            data: STANDARD.encode(data),
            ..recorded.clone()
        };
        debug_assert_eq!(
            address,
            Addresses::default().entitlement(&self.product(), &entitlement.beneficiary)
        );
        (address, made_up)
    }
}

/// The key of the made-up caller `number`.
pub(crate) fn beneficiary(number: u64) -> Pubkey {
    let mut bytes = *b"a made-up caller of the benchmark";
    bytes[25..33].copy_from_slice(&number.to_le_bytes());
    let mut key = [0; 32];
    key.copy_from_slice(&bytes[1..]);
    Pubkey::new_from_array(key)
}
