//! One round of bookings.

use solana_signer::Signer;
use tollgate_client::chain::{MAX_ENTITLEMENTS_AT_ONCE, Submission, follow};
use tollgate_client::transaction::{self, ComputeBudget};
use tollgate_client::{
    Credits, DurationSeconds, Entitlement, EntitlementStatus, Merchant, Pubkey, UnixSeconds,
};
use tracing::warn;

use super::{Booker, BookingError, Round, SUBMIT};
use crate::chain::{Answer, Pool, RpcFailure, SimulationFailure};
use crate::credits::ledger::ChainView;
use crate::credits::store::StoreError;

/// Bookings in one transaction: as many as fit into 1,232 bytes.
const PER_TRANSACTION: usize = 14;

/// Compute units of one `consume`, with room: it takes 1,694 (benches).
const UNITS_EACH: u32 = 2_500;
/// Compute units of everything else.
const UNITS_BASE: u32 = 2_000;

/// What expires this soon is not booked any more. The program cannot tell the
/// generations of an account apart when it books: a transaction that arrived after
/// the account began anew would take from what was bought last.
const LIFE_OF_A_TRANSACTION: DurationSeconds = DurationSeconds(180);

/// One total to be booked.
#[derive(Clone, Copy, Debug)]
struct Due {
    entitlement: Pubkey,
    created_at: UnixSeconds,
    total: Credits,
    /// How much of it is new.
    credits: u64,
}

/// What became of one transaction.
enum Fate {
    Booked,
    /// Perhaps because of one of its bookings only; the others may be right.
    Refused(String),
}

impl Booker {
    /// Books what is due, at most as much as the limits allow.
    ///
    /// # Errors
    /// [`BookingError`] when it ended early.
    pub(crate) async fn round(&self) -> Result<Round, BookingError> {
        let mut place = self.place.lock().await;
        self.wake.reset();
        let mut round = Round::default();
        let mut left = self.limits.per_round;
        let mut checked = false;
        while left > 0 && self.store.lease().await? {
            let limit = left.min(MAX_ENTITLEMENTS_AT_ONCE);
            let page = self.store.unbooked(*place, limit).await?;
            left = left.saturating_sub(page.len().max(1));
            let whole = page.len() < limit;
            if !page.is_empty() {
                if !checked {
                    self.require_operator().await?;
                    checked = true;
                }
                self.book_page(&page, &mut round).await?;
            }
            // At the end of the list the next round begins at its start.
            *place = page.last().copied().filter(|_| !whole);
            if whole {
                break;
            }
        }
        Ok(round)
    }

    async fn require_operator(&self) -> Result<(), BookingError> {
        let merchant: Merchant = self
            .pool
            .decoded(&[self.merchant])
            .await?
            .pop()
            .flatten()
            .ok_or(BookingError::MerchantMissing(self.merchant))?;
        let actual = self.operator.pubkey();
        if merchant.operator == actual {
            return Ok(());
        }
        Err(BookingError::NotOperator {
            expected: merchant.operator,
            actual,
        })
    }

    async fn book_page(&self, page: &[Pubkey], round: &mut Round) -> Result<(), BookingError> {
        let due = self.due(page).await?;
        for group in due.chunks(PER_TRANSACTION) {
            if !self.store.lease().await? {
                return Ok(());
            }
            match self.send(group).await? {
                Fate::Booked => self.booked(group, round),
                Fate::Refused(_) if group.len() > 1 => {
                    for one in group {
                        match self.send(std::slice::from_ref(one)).await? {
                            Fate::Booked => self.booked(std::slice::from_ref(one), round),
                            Fate::Refused(reason) => self.refused(one, &reason, round),
                        }
                    }
                }
                Fate::Refused(reason) => {
                    for one in group {
                        self.refused(one, &reason, round);
                    }
                }
            }
        }
        // Learns what was booked, so that it leaves the list.
        let booked: Vec<Pubkey> = due.iter().map(|one| one.entitlement).collect();
        if !booked.is_empty() {
            self.due(&booked).await?;
        }
        Ok(())
    }

    /// Reads the accounts and finds out what of each can be booked now. What can
    /// never be booked any more leaves the list.
    async fn due(&self, page: &[Pubkey]) -> Result<Vec<Due>, BookingError> {
        let found = readings(&self.pool, page).await?;
        let mut due = Vec::new();
        for (address, answer) in page.iter().zip(&found) {
            let Some(answer) = answer else {
                // No server has it as its address promises: it stays counted.
                continue;
            };
            let entitlement = answer.entitlement.as_ref();
            let Some(entitlement) =
                entitlement.filter(|found| !self.is_over(found, answer.chain_time))
            else {
                // Closed or over: its credits are gone, and so is what would count them.
                self.store.give_up(*address).await?;
                continue;
            };
            let view = ChainView::of(entitlement, answer.slot);
            let ledger = match self.store.learn(*address, view).await {
                Ok(ledger) => ledger,
                // This server lags behind what a request has seen already.
                Err(StoreError::Outdated) => continue,
                Err(error) => return Err(error.into()),
            };
            let Some(total) = ledger.bookable() else {
                continue;
            };
            if ends_soon(entitlement, answer.chain_time) {
                continue;
            }
            due.push(Due {
                entitlement: *address,
                created_at: view.life.created_at,
                total,
                credits: total.0.saturating_sub(ledger.chain.booked.0),
            });
        }
        Ok(due)
    }

    /// Whether the credits of an entitlement are void: booking them would mean
    /// nothing, and could take from what is bought after it.
    fn is_over(&self, entitlement: &Entitlement, chain_time: UnixSeconds) -> bool {
        entitlement.merchant != self.merchant
            || !entitlement.metered
            || entitlement.status == EntitlementStatus::Revoked
            || chain_time >= entitlement.expires_at
    }

    async fn send(&self, group: &[Due]) -> Result<Fate, BookingError> {
        let operator = self.operator.pubkey();
        let addresses = self.pool.addresses();
        let count = u32::try_from(group.len()).unwrap_or(u32::MAX);
        let budget = ComputeBudget {
            units: UNITS_EACH.saturating_mul(count).saturating_add(UNITS_BASE),
            price: self.limits.compute_unit_price,
        };
        let mut instructions = budget.instructions();
        instructions.extend(group.iter().map(|one| {
            addresses.consume(
                operator,
                self.merchant,
                one.entitlement,
                one.total,
                one.created_at,
            )
        }));
        let blockhash = self.pool.latest_blockhash().await?;
        let signed = transaction::sign(&instructions, blockhash.hash, &self.operator, &[])?;
        self.tally.booking_transactions.add(1);
        let (error, program_error) = match self.pool.simulate(&signed, &blockhash).await {
            Err(SimulationFailure::Chain(failure)) => return Err(failure.into()),
            Err(SimulationFailure::Refused {
                error,
                program_error,
            }) => (error, program_error),
            Ok(()) => {
                let pool = self.pool.as_ref();
                match follow(pool, &signed, blockhash.last_valid_block_height, SUBMIT).await {
                    Submission::Landed { .. } => return Ok(Fate::Booked),
                    // It cannot land any more, or nobody knows; the next round begins
                    // with a reading.
                    Submission::Expired | Submission::Unknown => return Err(BookingError::Unknown),
                    Submission::Failed {
                        error,
                        program_error,
                        ..
                    } => (error, program_error),
                }
            }
        };
        // Alone, and not by the program: it is the operator's fault.
        if group.len() == 1 && program_error.is_none() {
            return Err(BookingError::Refused(error.to_string()));
        }
        Ok(Fate::Refused(error.to_string()))
    }

    fn booked(&self, group: &[Due], round: &mut Round) {
        let credits = group.iter().map(|one| one.credits).sum::<u64>();
        self.tally.booked.add(credits);
        round.entitlements += group.len();
        round.credits = round.credits.saturating_add(credits);
    }

    fn refused(&self, one: &Due, reason: &str, round: &mut Round) {
        self.tally.booking_failures.add(1);
        round.refused += 1;
        warn!(entitlement = %one.entitlement, total = %one.total, reason, "a booking was refused");
    }
}

/// What the chain has of each address; `None` for what no server has as its address
/// promises, which does not spoil the others.
///
/// # Errors
/// When the servers cannot be asked.
pub(in crate::credits) async fn readings(
    pool: &Pool,
    page: &[Pubkey],
) -> Result<Vec<Option<Answer>>, RpcFailure> {
    match pool.entitlements(page, |_, _| true).await {
        (answers, None | Some(RpcFailure::Account(_))) => Ok(answers),
        (_, Some(failure)) => Err(failure),
    }
}

fn ends_soon(entitlement: &Entitlement, chain_time: UnixSeconds) -> bool {
    chain_time
        .checked_add(LIFE_OF_A_TRANSACTION)
        .is_ok_and(|later| later >= entitlement.expires_at)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use solana_hash::Hash;
    use solana_keypair::Keypair;
    use tollgate_client::Addresses;

    #[test]
    fn a_full_group_is_one_transaction_and_one_more_would_not_be() {
        let operator = Keypair::new();
        let merchant = Pubkey::new_from_array([200; 32]);
        let sign = |count: usize| {
            let budget = ComputeBudget {
                units: u32::MAX,
                price: u64::MAX,
            };
            let mut instructions = budget.instructions();
            instructions.extend((0..count).map(|number| {
                let entitlement = Pubkey::new_from_array([u8::try_from(number).unwrap(); 32]);
                let (used, created_at) = (Credits(u64::MAX), UnixSeconds(i64::MAX));
                Addresses::default().consume(
                    operator.pubkey(),
                    merchant,
                    entitlement,
                    used,
                    created_at,
                )
            }));
            transaction::sign(&instructions, Hash::default(), &operator, &[])
        };
        assert!(sign(PER_TRANSACTION).is_ok());
        assert!(sign(PER_TRANSACTION + 2).is_err());
    }
}
