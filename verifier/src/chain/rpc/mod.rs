//! The RPC servers of the configuration, in their order of preference.
//!
//! A question goes to the first server that is not being left alone; to the next when
//! that fails, is behind, or takes a third of the deadline; and is given up at the
//! deadline. Nothing is waited for because a server asks for it.

mod breaker;
mod elements;
mod endpoint;
mod failure;
mod snapshot;
mod transport;
mod wire;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use solana_account::Account;
use tokio::time::{Instant, sleep_until};
use tollgate_client::accounts::{self, ProgramAccount};
use tollgate_client::chain::CLOCK;
use tollgate_client::{Addresses, Entitlement, Pubkey, UnixSeconds};
use tracing::warn;

use self::elements::Elements;
pub(crate) use self::endpoint::Endpoint;
pub(crate) use self::failure::RpcFailure;
#[cfg(feature = "bench")]
pub(crate) use self::snapshot::SnapshotReader;
pub(crate) use self::snapshot::filters;
#[cfg(feature = "yellowstone")]
pub(crate) use self::snapshot::marks;
pub(crate) use self::transport::{authorization, connector};
pub(crate) use self::wire::{AtSlot, KeyedAccount, WireAccount, chain_time, entitlement_of};
#[cfg(feature = "yellowstone")]
pub(crate) use self::wire::{entitlement_at, existing};
use super::cache::{Answer, Ask, ReadBatch};
use super::counters::EndpointSnapshot;
use super::question::ReadFailure;
use crate::config::Commitment;

/// How long a slot takes, to turn slots into time.
pub(crate) const SLOT_TIME: Duration = Duration::from_millis(400);

/// After this part of the deadline the next server is asked as well.
const HEDGE_PART: u32 = 3;

/// What the servers are asked for, and how patiently.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolLimits {
    pub(crate) addresses: Addresses,
    pub(crate) commitment: Commitment,
    pub(crate) deadline: Duration,
    /// How far behind the newest slot seen an answer may be.
    pub(crate) max_lag: Duration,
    /// After this time without a newer slot a smaller one is believed again.
    pub(crate) slot_memory: Duration,
}

/// All servers.
pub(crate) struct Pool {
    endpoints: Vec<Arc<Endpoint>>,
    limits: PoolLimits,
    newest: Mutex<Newest>,
}

#[derive(Clone, Copy)]
struct Newest {
    slot: u64,
    seen: Instant,
}

/// Accounts as of a slot.
type Reading = (u64, Vec<Option<Account>>);

/// What came of asking one server.
type Attempt<'a> = (&'a Arc<Endpoint>, Result<Reading, RpcFailure>);

impl Pool {
    /// The servers in their order of preference.
    pub(crate) fn new(endpoints: Vec<Endpoint>, limits: PoolLimits) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Arc::new).collect(),
            limits,
            newest: Mutex::new(Newest {
                slot: 0,
                seen: Instant::now(),
            }),
        }
    }

    pub(crate) fn addresses(&self) -> Addresses {
        self.limits.addresses
    }

    pub(crate) fn endpoints(&self) -> Vec<EndpointSnapshot> {
        self.endpoints
            .iter()
            .map(|endpoint| endpoint.snapshot())
            .collect()
    }

    /// Every server has to prove again which cluster it serves.
    pub(crate) fn unpin(&self) {
        for endpoint in &self.endpoints {
            endpoint.unpin();
        }
    }

    /// A slot at the configured commitment was seen.
    pub(crate) fn saw_slot(&self, slot: u64) {
        let now = Instant::now();
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten = now.saturating_duration_since(newest.seen) >= self.limits.slot_memory;
        if slot > newest.slot || forgotten {
            *newest = Newest { slot, seen: now };
        }
    }

    /// The newest slot seen, unless that was too long ago to mean anything.
    fn newest(&self) -> u64 {
        let newest = *self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.seen.elapsed() >= self.limits.slot_memory {
            return 0;
        }
        newest.slot
    }

    /// The oldest slot that an answer may be of.
    fn floor(&self) -> u64 {
        let lag = self.limits.max_lag.as_millis() / SLOT_TIME.as_millis().max(1);
        let lag = u64::try_from(lag).unwrap_or(u64::MAX).max(1);
        self.newest().saturating_sub(lag)
    }

    /// Accounts of the program at their addresses, decoded and checked; `None` for
    /// those that do not exist. A server with an account that is not what its address
    /// promises is passed over for the next.
    ///
    /// # Errors
    /// The last server's failure.
    pub(crate) async fn decoded<T: ProgramAccount + Send>(
        &self,
        addresses: &[Pubkey],
    ) -> Result<Vec<Option<T>>, RpcFailure> {
        let mut decoded = Vec::new();
        let of = self.limits.addresses;
        self.ask(addresses, self.limits.commitment, |(slot, found)| {
            self.saw_slot(slot);
            decoded = addresses
                .iter()
                .zip(found)
                .map(|(address, account)| {
                    account
                        .map(|account| accounts::decode(&of, address, &account))
                        .transpose()
                })
                .collect::<Result<_, _>>()?;
            Ok(())
        })
        .await?;
        Ok(decoded)
    }

    /// Chain time and its slot at the configured commitment.
    pub(crate) async fn clock(&self) -> Result<(u64, UnixSeconds), RpcFailure> {
        let mut clock = (0, UnixSeconds(0));
        self.ask(&[CLOCK], self.limits.commitment, |(slot, mut found)| {
            clock = (slot, chain_time(found.pop().flatten())?);
            Ok(())
        })
        .await?;
        Ok(clock)
    }

    /// Entitlements as the finalized chain has them, with its slot and time. The outer
    /// `None` stands for accounts that are not what their address promises.
    pub(crate) async fn finalized(
        &self,
        asks: &[Ask],
    ) -> Result<(u64, UnixSeconds, Vec<Option<Option<Entitlement>>>), RpcFailure> {
        let addresses = self.with_clock(asks);
        let of = self.limits.addresses;
        let mut answer = (0, UnixSeconds(0), Vec::new());
        self.ask_from(&addresses, Commitment::Finalized, 0, |(slot, mut found)| {
            let time = chain_time(found.pop().flatten())?;
            let entitlements = addresses
                .iter()
                .zip(found)
                .map(|(address, account)| match account {
                    None => Some(None),
                    Some(account) => accounts::decode(&of, address, &account).ok().map(Some),
                })
                .collect();
            answer = (slot, time, entitlements);
            Ok(())
        })
        .await?;
        Ok(answer)
    }

    fn with_clock(&self, asks: &[Ask]) -> Vec<Pubkey> {
        asks.iter()
            .map(|ask| &ask.key)
            .map(|key| {
                self.limits
                    .addresses
                    .entitlement(&key.product, &key.beneficiary)
            })
            .chain([CLOCK])
            .collect()
    }

    /// The servers to ask, those first that are not being left alone. When all are, they
    /// are asked all the same: an answer late is worth more than none, and the number
    /// of calls in flight is bounded elsewhere.
    fn in_order(&self) -> Vec<&Arc<Endpoint>> {
        let admitted: Vec<_> = self
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.admits())
            .collect();
        if admitted.is_empty() {
            return self.endpoints.iter().collect();
        }
        admitted
    }

    async fn ask(
        &self,
        addresses: &[Pubkey],
        commitment: Commitment,
        judge: impl FnMut(Reading) -> Result<(), RpcFailure> + Send,
    ) -> Result<(), RpcFailure> {
        self.ask_from(addresses, commitment, self.floor(), judge)
            .await
    }

    /// Asks one server after another until `judge` is satisfied.
    async fn ask_from(
        &self,
        addresses: &[Pubkey],
        commitment: Commitment,
        floor: u64,
        mut judge: impl FnMut(Reading) -> Result<(), RpcFailure> + Send,
    ) -> Result<(), RpcFailure> {
        let started = Instant::now();
        let deadline = started + self.limits.deadline;
        let patience = self.limits.deadline / HEDGE_PART;
        let mut hedge = started + patience;
        let mut others = self.in_order().into_iter();
        let mut running: FuturesUnordered<BoxFuture<'_, Attempt<'_>>> = FuturesUnordered::new();
        let mut open: Vec<&Arc<Endpoint>> = Vec::new();
        let mut worst = None;
        loop {
            let due = running.is_empty() || Instant::now() >= hedge;
            if due && let Some(next) = others.next() {
                hedge = Instant::now() + patience;
                next.begins();
                open.push(next);
                running.push(Box::pin(async move {
                    (next, next.accounts(addresses, commitment, floor).await)
                }));
            } else if due && !running.is_empty() {
                // Nobody else to ask.
                hedge = deadline;
            }
            if running.is_empty() {
                return Err(worst.unwrap_or(RpcFailure::NoServer));
            }
            tokio::select! {
                biased;
                Some((endpoint, result)) = running.next() => {
                    open.retain(|other| !Arc::ptr_eq(other, endpoint));
                    let failure = result.and_then(&mut judge).err();
                    endpoint.note(failure.as_ref());
                    let Some(failure) = failure else {
                        // Whoever was overtaken had its chance.
                        for slow in open {
                            slow.note(Some(&RpcFailure::Timeout));
                        }
                        return Ok(());
                    };
                    warn!(
                        endpoint = endpoint.shown(),
                        code = failure.code(),
                        %failure,
                        "an RPC server gave no usable answer"
                    );
                    worst = Some(worse(worst, failure));
                    // The next one at once.
                    hedge = Instant::now();
                }
                () = sleep_until(hedge.min(deadline)) => {
                    if Instant::now() >= deadline {
                        for slow in open {
                            slow.note(Some(&RpcFailure::Timeout));
                        }
                        return Err(worse(worst, RpcFailure::Timeout));
                    }
                }
            }
        }
    }
}

/// Which of two failures is reported. Another cluster is reported only when every
/// server serves another: one that is merely down may be the right one.
fn worse(known: Option<RpcFailure>, new: RpcFailure) -> RpcFailure {
    match known {
        Some(known) if matches!(new, RpcFailure::WrongCluster { .. }) => known,
        Some(known @ RpcFailure::Behind) => known,
        _ => new,
    }
}

impl ReadBatch for Pool {
    async fn read(&self, asks: &[Ask]) -> Vec<Result<Answer, ReadFailure>> {
        let addresses = self.with_clock(asks);
        let of = self.limits.addresses;
        let mut answers: Vec<Option<Answer>> = vec![None; asks.len()];
        let outcome = self
            .ask(&addresses, self.limits.commitment, |(slot, mut found)| {
                let chain_time = chain_time(found.pop().flatten())?;
                self.saw_slot(slot);
                let late = self.newest().saturating_sub(slot);
                let behind = SLOT_TIME.saturating_mul(u32::try_from(late).unwrap_or(u32::MAX));
                let mut missing = None;
                let places = answers.iter_mut().zip(asks);
                for ((place, ask), (address, account)) in places.zip(addresses.iter().zip(found)) {
                    let decoded = account
                        .map(|account| accounts::decode::<Entitlement>(&of, address, &account))
                        .transpose();
                    let entitlement = match decoded {
                        Ok(entitlement) => entitlement,
                        Err(error) => {
                            missing = Some(RpcFailure::Account(error));
                            continue;
                        }
                    };
                    let settled = place.is_some_and(|known| is_settled(&known, ask));
                    if !settled {
                        *place = Some(Answer {
                            entitlement,
                            slot,
                            chain_time,
                            behind,
                        });
                    }
                    if !place.is_some_and(|known| is_settled(&known, ask)) {
                        missing = missing.or(Some(RpcFailure::Behind));
                    }
                }
                missing.map_or(Ok(()), Err)
            })
            .await;
        let failure = match outcome {
            Ok(()) => ReadFailure::Chain("read_abandoned"),
            Err(RpcFailure::Behind) => ReadFailure::Lagging,
            Err(failure) => ReadFailure::Chain(failure.code()),
        };
        answers
            .into_iter()
            .map(|answer| answer.ok_or(failure))
            .collect()
    }
}

/// Whether an answer is one to this question: "no access" must be of the slot that
/// the caller names, or later.
fn is_settled(answer: &Answer, ask: &Ask) -> bool {
    let grants = answer
        .entitlement
        .is_some_and(|entitlement| entitlement.is_usable(answer.chain_time));
    grants || answer.slot >= ask.claim
}
