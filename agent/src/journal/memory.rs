//! A journal that ends with the process.

use super::{Entry, State, Store};
use crate::PayError;
use parking_lot::Mutex;
use std::collections::HashMap;
use tollgate_client::{Amount, Pubkey};

/// Payments of this process, by the intent's address. What never took anything is forgotten.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<String, Entry>>);

impl Store for Memory {
    fn unfinished(&self, payer: &Pubkey, product: &Pubkey) -> Result<Option<Entry>, PayError> {
        let entries = self.0.lock();
        let open = entries
            .values()
            .find(|entry| entry.state == State::Signed && entry.is_for(payer, product));
        Ok(open.cloned())
    }

    fn spent(&self, payer: &str, mint: &str) -> Result<Amount, PayError> {
        let entries = self.0.lock();
        let spent = entries.values().map(|entry| entry.spends(payer, mint).0);
        Ok(Amount(spent.fold(0, u64::saturating_add)))
    }

    fn begin(&self, entry: &Entry) -> Result<(), PayError> {
        let intent = entry.intent.clone();
        self.0.lock().insert(intent, entry.clone());
        Ok(())
    }

    fn finish(&self, mut entry: Entry, state: State) -> Result<(), PayError> {
        let mut entries = self.0.lock();
        if state == State::Landed {
            entry.state = state;
            // It can never be sent again; only what it cost is still asked for.
            entry.transaction.clear();
            entries.insert(entry.intent.clone(), entry);
        } else {
            entries.remove(&entry.intent);
        }
        Ok(())
    }
}
