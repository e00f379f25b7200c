//! From text to a message whose signatures hold.

use super::ExactError;
use crate::encoding::base64_decode;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use solana_message::VersionedMessage;
use solana_transaction::versioned::VersionedTransaction;
use std::collections::HashSet;
use tollgate_client::Pubkey;
use tollgate_client::transaction::{self, MAX_TRANSACTION_BYTES};

/// Longest text of a transaction: base64 of the largest one.
const MAX_TRANSACTION_TEXT: usize = MAX_TRANSACTION_BYTES.div_ceil(3) * 4;
const SIGNATURE_BYTES: usize = 64;

/// A transaction and the bytes that its signatures are about.
pub(super) struct SignedMessage {
    pub(super) transaction: VersionedTransaction,
    bytes: Vec<u8>,
}

/// An instruction with its addresses.
pub(super) struct Instruction<'a> {
    pub(super) program: &'a Pubkey,
    pub(super) accounts: Vec<&'a Pubkey>,
    pub(super) data: &'a [u8],
}

impl SignedMessage {
    /// Reads base64 of exactly one legacy or version 0 transaction that has a slot for
    /// every signature.
    pub(super) fn decode(text: &str) -> Result<Self, ExactError> {
        if text.len() > MAX_TRANSACTION_TEXT {
            return Err(ExactError::Undecodable);
        }
        let bytes = base64_decode(text).ok_or(ExactError::Undecodable)?;
        let transaction = transaction::from_bytes(&bytes).ok_or(ExactError::Undecodable)?;
        let message = &transaction.message;
        let known = matches!(
            message,
            VersionedMessage::Legacy(_) | VersionedMessage::V0(_)
        );
        let slots = transaction.signatures.len();
        if !known
            || slots != usize::from(message.header().num_required_signatures)
            || slots > message.static_account_keys().len()
        {
            return Err(ExactError::Undecodable);
        }
        // A packet holds fewer than 128 signatures, so that their number is one byte.
        let signed = bytes.get(1 + slots * SIGNATURE_BYTES..);
        let bytes = signed.ok_or(ExactError::Undecodable)?.to_vec();
        Ok(Self { transaction, bytes })
    }

    /// The keys; the first ones sign.
    pub(super) fn keys(&self) -> &[Pubkey] {
        self.transaction.message.static_account_keys()
    }

    /// The keys that sign.
    pub(super) fn signers(&self) -> &[Pubkey] {
        let count = self.transaction.signatures.len();
        self.keys().get(..count).unwrap_or_default()
    }

    /// SHA-256 of the signed bytes.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }

    /// Verifies every signature but the first `skipped` ones, as strictly as a cluster
    /// does: canonical encodings, no keys of small order.
    pub(super) fn require_signatures(&self, skipped: usize) -> Result<(), ExactError> {
        let signatures = &self.transaction.signatures;
        for (key, signature) in self.signers().iter().zip(signatures).skip(skipped) {
            let signature = Signature::from_bytes(signature.as_array());
            VerifyingKey::from_bytes(key.as_array())
                .and_then(|key| key.verify_strict(&self.bytes, &signature))
                .map_err(|_| ExactError::SignatureInvalid)?;
        }
        Ok(())
    }

    /// Every account must be spelled out: what a table holds is not signed.
    pub(super) fn require_no_lookups(&self) -> Result<(), ExactError> {
        let lookups = self.transaction.message.address_table_lookups();
        if lookups.is_some_and(|lookups| !lookups.is_empty()) {
            return Err(ExactError::LookupTables);
        }
        Ok(())
    }

    /// The instructions of a message that a cluster could execute: its indices point
    /// at keys, its fee payer is writable and no program, no key is listed twice.
    pub(super) fn instructions(&self) -> Result<Vec<Instruction<'_>>, ExactError> {
        let keys = self.keys();
        let distinct: HashSet<&Pubkey> = keys.iter().collect();
        if self.transaction.sanitize().is_err() || distinct.len() != keys.len() {
            return Err(ExactError::Undecodable);
        }
        let key = |index: u8| keys.get(usize::from(index));
        let compiled = self.transaction.message.instructions().iter();
        compiled
            .map(|instruction| {
                Some(Instruction {
                    program: key(instruction.program_id_index)?,
                    accounts: instruction
                        .accounts
                        .iter()
                        .map(|index| key(*index))
                        .collect::<Option<_>>()?,
                    data: &instruction.data,
                })
            })
            .collect::<Option<_>>()
            .ok_or(ExactError::Undecodable)
    }
}
