//! Transactions that landed in a block, and the bounded memory of them.

use solana_address::Address;
use solana_clock::{Slot, UnixTimestamp};
use solana_hash::Hash;
use solana_signature::Signature;
use solana_transaction_error::TransactionResult;
use solana_transaction_status::VersionedTransactionWithStatusMeta;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::blocks::MAX_BLOCKHASH_AGE;

/// A transaction in a block: executed, or failed after its fee was charged.
#[derive(Debug)]
pub(crate) struct LandedTransaction {
    pub(crate) signature: Signature,
    pub(crate) slot: Slot,
    pub(crate) block_time: UnixTimestamp,
    /// Position in the block.
    pub(crate) index: u32,
    /// All accounts it names, those from lookup tables included.
    pub(crate) account_keys: Vec<Address>,
    /// Its memos in the form of `getSignaturesForAddress`.
    pub(crate) memo: Option<String>,
    pub(crate) transaction: VersionedTransactionWithStatusMeta,
}

impl LandedTransaction {
    /// How the execution ended.
    pub(crate) fn status(&self) -> &TransactionResult<()> {
        &self.transaction.meta.status
    }

    /// The log lines of the execution.
    pub(crate) fn logs(&self) -> &[String] {
        self.transaction.meta.log_messages.as_deref().unwrap_or(&[])
    }
}

/// The landed transactions that can still be asked for, and the messages that may not land
/// again.
#[derive(Debug)]
pub(crate) struct History {
    capacity: usize,
    by_signature: HashMap<Signature, Arc<LandedTransaction>>,
    in_order: VecDeque<Arc<LandedTransaction>>,
    /// Hash of each message that landed while its blockhash may still be recent. Kept apart
    /// from the transactions: however small their number is set, none may land twice.
    messages: HashMap<Hash, Slot>,
    messages_in_order: VecDeque<(Slot, Hash)>,
}

impl History {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            by_signature: HashMap::new(),
            in_order: VecDeque::new(),
            messages: HashMap::new(),
            messages_in_order: VecDeque::new(),
        }
    }

    /// Remembers a transaction and forgets the oldest beyond the capacity.
    pub(crate) fn add(&mut self, message: Hash, landed: Arc<LandedTransaction>) {
        self.messages.insert(message, landed.slot);
        self.messages_in_order.push_back((landed.slot, message));
        self.by_signature
            .insert(landed.signature, Arc::clone(&landed));
        self.in_order.push_back(landed);
        while self.in_order.len() > self.capacity {
            if let Some(oldest) = self.in_order.pop_front() {
                self.by_signature.remove(&oldest.signature);
            }
        }
    }

    /// Forgets the messages whose blockhash has expired by `slot`.
    pub(crate) fn forget_expired_messages(&mut self, slot: Slot) {
        let oldest = slot.saturating_sub(MAX_BLOCKHASH_AGE.saturating_add(1));
        while let Some((landed, message)) = self.messages_in_order.front() {
            if *landed >= oldest {
                break;
            }
            self.messages.remove(message);
            self.messages_in_order.pop_front();
        }
    }

    /// Whether the message has landed by the end of `slot`.
    pub(crate) fn has_landed(&self, message: &Hash, slot: Slot) -> bool {
        self.messages
            .get(message)
            .is_some_and(|landed| *landed <= slot)
    }

    /// The transaction with this first signature.
    pub(crate) fn get(&self, signature: &Signature) -> Option<&Arc<LandedTransaction>> {
        self.by_signature.get(signature)
    }

    /// All remembered transactions, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Arc<LandedTransaction>> {
        self.in_order.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_transaction::versioned::VersionedTransaction;
    use solana_transaction_status::TransactionStatusMeta;

    fn landed(number: u8, slot: Slot) -> Arc<LandedTransaction> {
        Arc::new(LandedTransaction {
            signature: Signature::from([number; 64]),
            slot,
            block_time: 0,
            index: 0,
            account_keys: Vec::new(),
            memo: None,
            transaction: VersionedTransactionWithStatusMeta {
                transaction: VersionedTransaction::default(),
                meta: TransactionStatusMeta::default(),
            },
        })
    }

    #[test]
    fn a_message_may_not_land_again_even_when_its_transaction_is_forgotten() {
        let mut history = History::new(2);
        for number in 1..=3 {
            history.add(Hash::new_from_array([number; 32]), landed(number, 10));
        }
        assert!(history.get(&Signature::from([1; 64])).is_none());
        assert!(history.get(&Signature::from([3; 64])).is_some());
        let first = Hash::new_from_array([1; 32]);
        assert!(history.has_landed(&first, 10));
        assert!(!history.has_landed(&first, 9));
        history.forget_expired_messages(10 + MAX_BLOCKHASH_AGE);
        assert!(history.has_landed(&first, 10));
        history.forget_expired_messages(10 + MAX_BLOCKHASH_AGE + 2);
        assert!(!history.has_landed(&first, 10));
    }
}
