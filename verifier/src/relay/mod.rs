//! The relay: the only holder of the keys that pay fees and make quotes.
//!
//! It puts its name to strangers' transactions as fee payer, and to nothing else of
//! theirs: what it signs is examined again at that moment ([`guard`]), whoever has
//! examined it before. What it spends is bounded ([`bounds`]).

mod bounds;
mod guard;
mod refusal;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use tollgate_client::Pubkey;
use tollgate_client::transaction::{self, BuildError};

use self::bounds::Spending;
pub(crate) use self::refusal::RelayRefusal;
use crate::config::{RelayBounds, RelayConfig};

/// Lamports that keep an account of `bytes` alive, as the cluster takes them today.
pub(crate) fn rent_of(bytes: usize) -> u64 {
    /// What an account takes besides its data.
    const OVERHEAD: u64 = 128;
    /// Two years' rent of a byte.
    const LAMPORTS_PER_BYTE: u64 = 6_960;
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    bytes
        .saturating_add(OVERHEAD)
        .saturating_mul(LAMPORTS_PER_BYTE)
}

/// What the relay's key signs to make an alias, before the intent's address. It is no
/// message of a transaction: it is too short for the signers that its first byte counts.
const ALIAS_DOMAIN: &[u8] = b"tollgate alias 1:";
/// The balance is not known yet.
const UNKNOWN: u64 = u64::MAX;

/// The keys, and what they may spend.
pub(crate) struct Relay {
    key: Keypair,
    operator: Keypair,
    bounds: RelayBounds,
    spending: Spending,
    /// Lamports of the relay as last read.
    balance: AtomicU64,
}

impl Relay {
    /// With the keys and bounds of the configuration.
    pub(crate) fn new(config: &RelayConfig) -> Self {
        Self {
            key: config.key.expose(),
            operator: config.operator.expose(),
            bounds: config.bounds,
            spending: Spending::default(),
            balance: AtomicU64::new(UNKNOWN),
        }
    }

    /// Who pays fees and rent.
    pub(crate) fn address(&self) -> Pubkey {
        self.key.pubkey()
    }

    /// Who makes quotes, records payments and refunds: the merchant's operator.
    pub(crate) fn operator(&self) -> Pubkey {
        self.operator.pubkey()
    }

    /// Puts the relay's signature into the fee payer's place of a transaction that its
    /// other signers have signed. Signatures are deterministic (RFC 8032): the same
    /// transaction becomes the same bytes, in every process that has the key, and is
    /// known to the cluster by the same signature.
    ///
    /// # Errors
    /// [`RelayRefusal`]; then nothing was signed.
    pub(crate) fn co_sign(
        &self,
        transaction: &VersionedTransaction,
    ) -> Result<VersionedTransaction, RelayRefusal> {
        let fee = guard::require_harmless(transaction, &self.address())?;
        if fee > self.bounds.max_fee {
            return Err(RelayRefusal::FeeTooHigh {
                fee,
                most: self.bounds.max_fee,
            });
        }
        let mut signed = transaction.clone();
        let place = signed
            .signatures
            .first_mut()
            .ok_or(RelayRefusal::NotForRelay)?;
        *place = self.signature_of(transaction);
        if !signed.verify_with_results().into_iter().all(|valid| valid) {
            return Err(RelayRefusal::SignatureInvalid);
        }
        Ok(signed)
    }

    fn signature_of(&self, transaction: &VersionedTransaction) -> Signature {
        self.key.sign_message(&transaction.message.serialize())
    }

    /// Lamports that a transaction costs its fee payer, priority included, at most.
    pub(crate) fn fee_of(transaction: &VersionedTransaction) -> u64 {
        guard::fee_of(transaction)
    }

    /// Lamports that one transaction of this service's own costs at most, at a price in
    /// millionths of a lamport for each of `units`.
    pub(crate) fn own_fee(&self, units: u32, price: u64) -> u64 {
        let signatures = if self.operator() == self.address() {
            1
        } else {
            2
        };
        guard::LAMPORTS_PER_SIGNATURE * signatures + guard::priority(units, price)
    }

    /// The key on the curve that stands in for an intent's address: made from the relay's
    /// own key and the intent, so that every process with that key knows the address
    /// without remembering it, and nobody else can. It signs once, to give its token
    /// account to the intent; after that it has no right in it.
    pub(crate) fn alias(&self, intent: &Pubkey) -> Keypair {
        let signature = self
            .key
            .sign_message(&[ALIAS_DOMAIN, intent.as_ref()].concat());
        Keypair::new_from_array(Sha256::digest(signature).into())
    }

    /// A transaction of this service's own making, signed by its keys and `others`.
    ///
    /// # Errors
    /// [`BuildError`].
    pub(crate) fn sign(
        &self,
        instructions: &[Instruction],
        blockhash: Hash,
        others: &[&Keypair],
    ) -> Result<VersionedTransaction, BuildError> {
        let operator = self.operator.pubkey();
        let named = instructions
            .iter()
            .flat_map(|instruction| &instruction.accounts)
            .any(|account| account.is_signer && account.pubkey == operator);
        let operator: &[&Keypair] = if named { &[&self.operator] } else { &[] };
        let others = [operator, others].concat();
        transaction::sign(instructions, blockhash, &self.key, &others)
    }

    /// Sets lamports aside for a payer's request, before anything is signed for it.
    ///
    /// # Errors
    /// [`RelayRefusal`] when a bound would be exceeded.
    pub(crate) fn reserve(&self, payer: &Pubkey, lamports: u64) -> Result<(), RelayRefusal> {
        if !self.is_funded() {
            return Err(RelayRefusal::BalanceTooLow);
        }
        self.spending.reserve(&self.bounds, payer, lamports)
    }

    /// Takes back a reservation of which nothing was spent.
    pub(crate) fn give_back(&self, payer: &Pubkey, lamports: u64) {
        self.spending.give_back(payer, lamports);
    }

    /// Learns how many lamports the relay has.
    pub(crate) fn saw_balance(&self, lamports: u64) {
        self.balance
            .store(lamports.min(UNKNOWN - 1), Ordering::Relaxed);
    }

    /// Lamports as last read, if they were.
    pub(crate) fn balance(&self) -> Option<u64> {
        Some(self.balance.load(Ordering::Relaxed)).filter(|lamports| *lamports != UNKNOWN)
    }

    /// Whether there is enough for the rail to be offered. What is not known is not
    /// held against it: the reservations and the simulation before each transaction
    /// stand behind.
    pub(crate) fn is_funded(&self) -> bool {
        self.balance.load(Ordering::Relaxed) >= self.bounds.min_balance
    }
}

impl std::fmt::Debug for Relay {
    // The keys are not shown.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Relay")
            .field("address", &self.address())
            .field("operator", &self.operator())
            .finish_non_exhaustive()
    }
}
