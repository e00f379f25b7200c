//! What stands on the chain that the servers read: recorded from a local chain on
//! which somebody really paid, and the callers that are made up from that payment.

use std::collections::BTreeMap;
use std::path::Path;

use anchor_lang::{AccountDeserialize, AccountSerialize};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tollgate_client::{Entitlement, PROGRAM_ID, Pubkey};

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

    /// The recorded entitlement, to make others after it.
    pub(crate) fn mold(&self) -> Mold {
        let recorded = &self.accounts[&self.entitlement];
        let bytes = STANDARD.decode(&recorded.data).expect("base64");
        let entitlement = AccountDeserialize::try_deserialize(&mut &bytes[..]);
        Mold {
            entitlement: entitlement.expect("an entitlement"),
            length: bytes.len(),
            owner: recorded.owner.clone(),
            lamports: recorded.lamports,
        }
    }
}

/// The recorded entitlement with another beneficiary.
#[derive(Clone, Debug)]
pub(crate) struct Mold {
    entitlement: Entitlement,
    length: usize,
    owner: String,
    lamports: u64,
}

impl Mold {
    /// Where the entitlement of the made-up caller `number` is, and its bump: the dear
    /// part.
    pub(crate) fn place(&self, number: u64) -> (Pubkey, u8) {
        let product = self.entitlement.product;
        let seeds: [&[u8]; 3] = [
            b"entitlement",
            product.as_ref(),
            &beneficiary(number).to_bytes(),
        ];
        Pubkey::find_program_address(&seeds, &PROGRAM_ID)
    }

    /// What is there.
    pub(crate) fn account(&self, number: u64, bump: u8) -> Recorded {
        let entitlement = Entitlement {
            beneficiary: beneficiary(number),
            bump,
            ..self.entitlement
        };
        let mut data = Vec::with_capacity(self.length);
        entitlement.try_serialize(&mut data).expect("it is written");
        data.resize(self.length, 0);
        Recorded {
            owner: self.owner.clone(),
            lamports: self.lamports,
            data: STANDARD.encode(data),
        }
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
