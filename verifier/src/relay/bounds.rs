//! How much the relay has set aside within the hour, for whom.
//!
//! Hours are counted from the first reservation of each; at the border of two hours
//! both shares can be had. Rent that comes back later is not deducted: the bounds are
//! on what is put down.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tollgate_client::Pubkey;

use super::RelayRefusal;
use crate::config::RelayBounds;

const HOUR: Duration = Duration::from_secs(3_600);

/// What this hour has cost. The table of payers is bounded by the hour's total: each
/// payer in it has had at least the fees of one transaction.
#[derive(Debug, Default)]
pub(super) struct Spending(Mutex<Option<Hour>>);

#[derive(Debug)]
struct Hour {
    began: Instant,
    total: u64,
    by_payer: HashMap<Pubkey, u64>,
}

impl Spending {
    /// Sets lamports aside, if all bounds allow it.
    pub(super) fn reserve(
        &self,
        bounds: &RelayBounds,
        payer: &Pubkey,
        lamports: u64,
    ) -> Result<(), RelayRefusal> {
        if lamports > bounds.per_request {
            return Err(RelayRefusal::RequestTooExpensive {
                needed: lamports,
                most: bounds.per_request,
            });
        }
        let now = Instant::now();
        let mut hour = self.lock();
        let hour = match &mut *hour {
            Some(hour) if now.saturating_duration_since(hour.began) < HOUR => hour,
            over => over.insert(Hour {
                began: now,
                total: 0,
                by_payer: HashMap::new(),
            }),
        };
        let retry_after = HOUR.saturating_sub(now.saturating_duration_since(hour.began));
        let total = hour.total.saturating_add(lamports);
        if total > bounds.per_hour {
            return Err(RelayRefusal::HourExhausted { retry_after });
        }
        let had = hour.by_payer.get(payer).copied().unwrap_or(0);
        let having = had.saturating_add(lamports);
        if having > bounds.per_payer_hour {
            return Err(RelayRefusal::PayerExhausted { retry_after });
        }
        hour.total = total;
        hour.by_payer.insert(*payer, having);
        Ok(())
    }

    /// Takes a reservation back.
    pub(super) fn give_back(&self, payer: &Pubkey, lamports: u64) {
        let mut hour = self.lock();
        let Some(hour) = hour.as_mut() else {
            return;
        };
        hour.total = hour.total.saturating_sub(lamports);
        if let Some(had) = hour.by_payer.get_mut(payer) {
            *had = had.saturating_sub(lamports);
            if *had == 0 {
                hour.by_payer.remove(payer);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Hour>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
