//! Versioned transactions that a cluster accepts.

use crate::Pubkey;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::Instruction;
use solana_message::{Hash, VersionedMessage, v0};
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;

/// Most bytes that a transaction may have on the wire (the packet size of the
/// protocol's version 0 transactions).
pub const MAX_TRANSACTION_BYTES: usize = 1232;
/// Compute units that a one-shot purchase asks for: about twice what it uses.
pub const PURCHASE_UNITS: u32 = 60_000;

/// Why a transaction could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Too many accounts or too much data for one message.
    #[error("the instructions do not fit into one message: {0}")]
    Message(String),
    /// A signer is missing or unable to sign.
    #[error("signing failed: {0}")]
    Signing(#[from] solana_signer::SignerError),
    /// Over [`MAX_TRANSACTION_BYTES`].
    #[error("the transaction has {0} bytes, a cluster takes {MAX_TRANSACTION_BYTES}")]
    TooLarge(usize),
}

impl BuildError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Message(_) => "transaction_message_invalid",
            Self::Signing(_) => "transaction_signing_failed",
            Self::TooLarge(_) => "transaction_too_large",
        }
    }
}

/// What a transaction asks of the scheduler; both in the ComputeBudget program's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComputeBudget {
    /// Compute units at most.
    pub units: u32,
    /// Price of a unit in millionths of a lamport; 0: no priority.
    pub price: u64,
}

impl ComputeBudget {
    /// The instructions that ask for it.
    pub fn instructions(&self) -> Vec<Instruction> {
        let mut instructions = vec![ComputeBudgetInstruction::set_compute_unit_limit(self.units)];
        if self.price > 0 {
            instructions.push(ComputeBudgetInstruction::set_compute_unit_price(self.price));
        }
        instructions
    }
}

/// A signed transaction, its fee paid by the first signer.
///
/// # Errors
/// [`BuildError`].
pub fn sign<S: Signer + ?Sized>(
    instructions: &[Instruction],
    blockhash: Hash,
    fee_payer: &S,
    others: &[&S],
) -> Result<VersionedTransaction, BuildError> {
    let message = message(instructions, blockhash, &fee_payer.pubkey())?;
    let mut signers: Vec<&S> = vec![fee_payer];
    signers.extend(
        others
            .iter()
            .copied()
            .filter(|other| other.pubkey() != fee_payer.pubkey()),
    );
    let transaction = VersionedTransaction::try_new(message, &signers)?;
    require_size(&transaction)?;
    Ok(transaction)
}

/// A transaction that others sign: every signature slot is empty.
///
/// # Errors
/// [`BuildError::Message`] and [`BuildError::TooLarge`].
pub fn unsigned(
    instructions: &[Instruction],
    blockhash: Hash,
    fee_payer: &Pubkey,
) -> Result<VersionedTransaction, BuildError> {
    let message = message(instructions, blockhash, fee_payer)?;
    let slots = usize::from(message.header().num_required_signatures);
    let transaction = VersionedTransaction {
        signatures: vec![Default::default(); slots],
        message,
    };
    require_size(&transaction)?;
    Ok(transaction)
}

/// The bytes on the wire.
///
/// # Errors
/// [`BuildError::TooLarge`].
pub fn to_bytes(transaction: &VersionedTransaction) -> Result<Vec<u8>, BuildError> {
    let bytes =
        bincode::serialize(transaction).map_err(|error| BuildError::Message(error.to_string()))?;
    if bytes.len() > MAX_TRANSACTION_BYTES {
        return Err(BuildError::TooLarge(bytes.len()));
    }
    Ok(bytes)
}

/// The transaction that `bytes` are. They must be the whole of it and its one
/// spelling: what is read is what [`to_bytes`] sends.
pub fn from_bytes(bytes: &[u8]) -> Option<VersionedTransaction> {
    if bytes.len() > MAX_TRANSACTION_BYTES {
        return None;
    }
    let transaction = bincode::deserialize(bytes).ok()?;
    (to_bytes(&transaction).ok()? == bytes).then_some(transaction)
}

fn require_size(transaction: &VersionedTransaction) -> Result<(), BuildError> {
    to_bytes(transaction).map(drop)
}

fn message(
    instructions: &[Instruction],
    blockhash: Hash,
    fee_payer: &Pubkey,
) -> Result<VersionedMessage, BuildError> {
    v0::Message::try_compile(fee_payer, instructions, &[], blockhash)
        .map(VersionedMessage::V0)
        .map_err(|error| BuildError::Message(error.to_string()))
}
