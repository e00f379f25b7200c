//! The store of several verifiers: one Redis server (7.0 or later).
//!
//! Every operation is one script, so that nothing comes between reading and
//! writing; replicas cannot oversell. A server that keeps no append-only
//! file, or may evict any key, is refused ([`crate::redis_client`]). What its end can
//! give away is what its `appendfsync` leaves unwritten: nothing with `always`; up to two seconds of
//! reservations with `everysec`, because a server whose disk is busy answers first.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, RedisResult, Script, cmd};
use tollgate_client::{Credits, Pubkey, UnixSeconds};

use super::ledger::{ChainView, Ledger, Life, Outdated, Reserved};
use super::owner::Owner;
use super::store::{CreditStore, Demand, LEASE, ReservationId, Settled, Settlement, StoreError};
use crate::redis_client::{NoAnswer, RedisClient};

/// The largest number that Lua holds exactly. Larger credits are cut to it, which
/// gives nobody more than was granted.
const MAX_NUMBER: u64 = (1 << 53) - 1;

/// The fields of a ledger, as in `ledger.lua`.
const FIELDS: [&str; 7] = [
    "created_at",
    "generation",
    "slot",
    "granted",
    "booked",
    "used",
    "reserved",
];

/// The store.
pub(crate) struct SharedStore {
    client: Arc<RedisClient>,
    scripts: Scripts,
    /// Begins every key. The braces keep all keys on one node of a cluster.
    prefix: String,
    /// This process, among those that share the server.
    holder: String,
    timeout: Duration,
    hold: Duration,
}

struct Scripts {
    reserve: Script,
    settle: Script,
    learn: Script,
    lease: Script,
}

impl SharedStore {
    /// The store of `owner` at a server. An answer that takes longer than `timeout`
    /// counts as none; a reservation that is open for longer than `hold` counts as
    /// used.
    pub(crate) fn new(
        client: Arc<RedisClient>,
        owner: &Owner,
        timeout: Duration,
        hold: Duration,
    ) -> Self {
        let script = |body: &str| Script::new(&[include_str!("scripts/ledger.lua"), body].concat());
        Self {
            client,
            scripts: Scripts {
                reserve: script(include_str!("scripts/reserve.lua")),
                settle: script(include_str!("scripts/settle.lua")),
                learn: script(include_str!("scripts/learn.lua")),
                lease: Script::new(include_str!("scripts/lease.lua")),
            },
            prefix: format!("{{tollgate:credits:1:{}}}", owner.name()),
            holder: ReservationId::random().to_string(),
            timeout,
            hold,
        }
    }

    /// One script or command.
    async fn ask<T: FromRedisValue>(
        &self,
        question: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        let asking = self.client.ask(self.timeout, question);
        asking.await.map_err(|failure| match failure {
            NoAnswer::Overloaded => StoreError::Overloaded,
            NoAnswer::Unavailable => StoreError::Unavailable,
        })
    }

    /// A call of a ledger script with the keys and arguments that all of them take.
    fn call<'a>(
        &self,
        script: &'a Script,
        entitlement: &Pubkey,
        view: &ChainView,
    ) -> redis::ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        call.key(self.ledger_key(entitlement))
            .key(format!("{}:open:{entitlement}", self.prefix))
            .key(self.unbooked_key())
            .arg(view.life.created_at.0)
            .arg(cut(view.life.generation))
            .arg(cut(view.slot))
            .arg(cut(view.granted.0))
            .arg(cut(view.booked.0))
            .arg(entitlement.to_string());
        call
    }

    fn ledger_key(&self, entitlement: &Pubkey) -> String {
        format!("{}:ledger:{entitlement}", self.prefix)
    }

    fn unbooked_key(&self) -> String {
        format!("{}:unbooked", self.prefix)
    }
}

fn cut(number: u64) -> u64 {
    number.min(MAX_NUMBER)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).map_or(MAX_NUMBER, cut)
}

/// The answer of `reserve.lua`.
fn reserved((outcome, remaining): (i64, u64)) -> Result<Reserved, StoreError> {
    let remaining = Credits(remaining);
    match outcome {
        1 => Ok(Reserved::Taken { remaining }),
        0 => Ok(Reserved::Short { remaining }),
        -1 => Err(StoreError::Outdated),
        _ => Err(StoreError::Damaged),
    }
}

/// The fields of a ledger, in the order of [`FIELDS`].
fn ledger(fields: &[i64]) -> Result<Ledger, StoreError> {
    let number = |value: i64| u64::try_from(value).map_err(|_| StoreError::Damaged);
    match *fields {
        [
            created_at,
            generation,
            slot,
            granted,
            booked,
            used,
            reserved,
        ] => Ok(Ledger {
            chain: ChainView {
                life: Life {
                    created_at: UnixSeconds(created_at),
                    generation: number(generation)?,
                },
                slot: number(slot)?,
                granted: Credits(number(granted)?),
                booked: Credits(number(booked)?),
            },
            used: Credits(number(used)?),
            reserved: Credits(number(reserved)?),
        }),
        _ => Err(StoreError::Damaged),
    }
}

impl CreditStore for SharedStore {
    fn reserve(&self, demand: Demand) -> BoxFuture<'_, Result<Reserved, StoreError>> {
        async move {
            let mut call = self.call(&self.scripts.reserve, &demand.entitlement, &demand.view);
            call.arg(cut(demand.cost.0))
                .arg(demand.id.to_string())
                .arg(milliseconds(self.hold));
            reserved(
                self.ask(async |server| call.invoke_async(server).await)
                    .await?,
            )
        }
        .boxed()
    }

    fn settle(&self, settled: Settled) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            let view = ChainView {
                life: settled.life,
                slot: 0,
                granted: Credits(0),
                booked: Credits(0),
            };
            let mut call = self.call(&self.scripts.settle, &settled.entitlement, &view);
            call.arg(cut(settled.cost.0))
                .arg(settled.id.to_string())
                .arg(match settled.settlement {
                    Settlement::Commit => "commit",
                    Settlement::Release => "release",
                });
            let _was_open: i64 = self
                .ask(async |server| call.invoke_async(server).await)
                .await?;
            Ok(())
        }
        .boxed()
    }

    fn learn(
        &self,
        entitlement: Pubkey,
        view: ChainView,
    ) -> BoxFuture<'_, Result<Ledger, StoreError>> {
        async move {
            let call = self.call(&self.scripts.learn, &entitlement, &view);
            let answer: Vec<i64> = self
                .ask(async |server| call.invoke_async(server).await)
                .await?;
            match answer.split_first() {
                Some((1, fields)) => ledger(fields),
                Some((-1, [])) => Err(StoreError::Outdated),
                _ => Err(StoreError::Damaged),
            }
        }
        .boxed()
    }

    fn look(
        &self,
        entitlement: Pubkey,
        view: ChainView,
    ) -> BoxFuture<'_, Result<Ledger, StoreError>> {
        async move {
            let mut get = cmd("HMGET");
            get.arg(self.ledger_key(&entitlement)).arg(&FIELDS);
            let found: Vec<Option<i64>> = self
                .ask(async |server| get.query_async(server).await)
                .await?;
            let Some(fields) = found.into_iter().collect::<Option<Vec<_>>>() else {
                return Ok(Ledger::new(view));
            };
            let mut known = ledger(&fields)?;
            known.learn(view).map_err(|Outdated| StoreError::Outdated)?;
            Ok(known)
        }
        .boxed()
    }

    fn unbooked(
        &self,
        after: Option<Pubkey>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Pubkey>, StoreError>> {
        async move {
            let start = after.map_or("-".to_owned(), |after| format!("({after}"));
            let mut range = cmd("ZRANGEBYLEX");
            range
                .arg(self.unbooked_key())
                .arg(start)
                .arg("+")
                .arg(("LIMIT", 0, limit));
            let names: Vec<String> = self
                .ask(async |server| range.query_async(server).await)
                .await?;
            names
                .iter()
                .map(|name| name.parse().map_err(|_| StoreError::Damaged))
                .collect()
        }
        .boxed()
    }

    fn give_up(&self, entitlement: Pubkey) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            let mut remove = cmd("ZREM");
            remove.arg(self.unbooked_key()).arg(entitlement.to_string());
            let _removed: i64 = self
                .ask(async |server| remove.query_async(server).await)
                .await?;
            Ok(())
        }
        .boxed()
    }

    fn lease(&self) -> BoxFuture<'_, Result<bool, StoreError>> {
        async move {
            let mut call = self.scripts.lease.prepare_invoke();
            call.key(format!("{}:lease", self.prefix))
                .arg(&self.holder)
                .arg(milliseconds(LEASE));
            let granted: i64 = self
                .ask(async |server| call.invoke_async(server).await)
                .await?;
            Ok(granted == 1)
        }
        .boxed()
    }
}
