//! The facts of a verified payment.

use solana_message::Hash;
use solana_transaction::versioned::VersionedTransaction;
use tollgate_client::{Amount, Pubkey};

/// A transaction that pays exactly what was asked for and is signed by everybody but
/// a managed fee payer. Made only by [`super::verify`]; that the transaction is alive
/// and would succeed is not said here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactPayment {
    pub(super) transaction: VersionedTransaction,
    pub(super) message_hash: [u8; 32],
    pub(super) fee_payer: Pubkey,
    pub(super) transfer: Transfer,
    pub(super) compute_unit_limit: u32,
    pub(super) compute_unit_price: u64,
    pub(super) memo: Option<Vec<u8>>,
}

/// What the transfer instruction says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transfer {
    pub(super) token_program: Pubkey,
    pub(super) source: Pubkey,
    pub(super) mint: Pubkey,
    pub(super) destination: Pubkey,
    pub(super) authority: Pubkey,
    pub(super) amount: Amount,
}

impl ExactPayment {
    /// The transaction as the client signed it; a managed fee payer's slot, the first,
    /// holds whatever the client put there.
    pub fn transaction(&self) -> &VersionedTransaction {
        &self.transaction
    }

    /// The transaction itself.
    pub fn into_transaction(self) -> VersionedTransaction {
        self.transaction
    }

    /// Who pays: the authority of the transfer, whose signature over the message was
    /// verified.
    pub fn payer(&self) -> &Pubkey {
        &self.transfer.authority
    }

    /// The token account that is paid from. It is the payer's, or one that the payer
    /// may spend from.
    pub fn source(&self) -> &Pubkey {
        &self.transfer.source
    }

    /// The token account that is paid into: the associated one of `pay_to`.
    pub fn destination(&self) -> &Pubkey {
        &self.transfer.destination
    }

    /// What is paid with.
    pub fn mint(&self) -> &Pubkey {
        &self.transfer.mint
    }

    /// Token or Token-2022.
    pub fn token_program(&self) -> &Pubkey {
        &self.transfer.token_program
    }

    /// The exact amount, in the mint's smallest unit.
    pub fn amount(&self) -> Amount {
        self.transfer.amount
    }

    /// The first key of the message, which pays the fee.
    pub fn fee_payer(&self) -> &Pubkey {
        &self.fee_payer
    }

    /// What the memo says, if there is exactly one; it is signed like the rest. Equal
    /// to the requirement's, if that names one.
    pub fn memo(&self) -> Option<&[u8]> {
        self.memo.as_deref()
    }

    /// SHA-256 of the message: the name of this payment whoever signs as fee payer.
    /// Two transactions with the same hash can only land once.
    pub fn message_hash(&self) -> &[u8; 32] {
        &self.message_hash
    }

    /// The blockhash (or nonce) that limits the transaction's life.
    pub fn recent_blockhash(&self) -> &Hash {
        self.transaction.message.recent_blockhash()
    }

    /// Compute units at most.
    pub fn compute_unit_limit(&self) -> u32 {
        self.compute_unit_limit
    }

    /// Price of a compute unit, in millionths of a lamport.
    pub fn compute_unit_price(&self) -> u64 {
        self.compute_unit_price
    }

    /// What the priority costs the fee payer, in lamports, rounded up; signatures cost
    /// extra. Limit times price has at most 96 bits, so that it saturates only where
    /// no policy bounds the price.
    pub fn priority_fee(&self) -> u64 {
        const MILLIONTHS: u128 = 1_000_000;
        let millionths = u128::from(self.compute_unit_limit) * u128::from(self.compute_unit_price);
        u64::try_from(millionths.div_ceil(MILLIONTHS)).unwrap_or(u64::MAX)
    }

    /// How many signatures the message asks for, the fee payer's among them.
    pub fn signatures(&self) -> usize {
        self.transaction.signatures.len()
    }
}
