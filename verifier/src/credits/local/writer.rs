//! The thread that owns the file.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Bound;

use redb::{Database, ReadableTable, Table, WriteTransaction};
use tokio::sync::{mpsc, oneshot};
use tollgate_client::{Credits, Pubkey};
use tracing::error;

use super::record::{BYTES, LEDGERS, UNBOOKED, decode, encode};
use crate::credits::ledger::{ChainView, Ledger, Life, Outdated, Reserved};
use crate::credits::store::{Demand, ReservationId, Settled, Settlement, StoreError};

/// The most pieces of work in one transaction.
pub(super) const BATCH: usize = 512;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// One piece of work; see [`crate::credits::store::CreditStore`].
pub(super) enum Work {
    Reserve(Demand, Reply<Reserved>),
    Settle(Settled, Reply<()>),
    Learn(Pubkey, ChainView, Reply<Ledger>),
    Look(Pubkey, ChainView, Reply<Ledger>),
    Unbooked(Option<Pubkey>, usize, Reply<Vec<Pubkey>>),
    GiveUp(Pubkey, Reply<()>),
}

/// An answer that is sent once its transaction is on the disk.
type Answer = Box<dyn FnOnce(bool) + Send>;

/// A reservation in flight.
#[derive(Clone, Copy)]
struct Open {
    entitlement: Pubkey,
    life: Life,
    cost: Credits,
}

/// The file and what is only in memory.
pub(super) struct Writer {
    database: Database,
    open: HashMap<ReservationId, Open>,
    /// The sums of `open` by entitlement, with the life they belong to.
    reserved: HashMap<Pubkey, (Life, Credits)>,
}

impl Writer {
    pub(super) fn new(database: Database) -> Self {
        Self {
            database,
            open: HashMap::new(),
            reserved: HashMap::new(),
        }
    }

    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, mut waiting: mpsc::UnboundedReceiver<Work>) {
        while let Some(first) = waiting.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Ok(next) = waiting.try_recv()
            {
                batch.push(next);
            }
            self.commit(batch);
        }
    }

    /// Applies a batch as one transaction, and answers when it is durable. What
    /// failed has changed nothing, here as in the file.
    fn commit(&mut self, batch: Vec<Work>) {
        let mut answers = Vec::with_capacity(batch.len());
        let done = self.try_commit(batch, &mut answers);
        if let Err(error) = &done {
            error!(%error, "writing used credits failed");
        }
        for answer in answers {
            answer(done.is_ok());
        }
    }

    fn try_commit(
        &mut self,
        batch: Vec<Work>,
        answers: &mut Vec<Answer>,
    ) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        let changes = {
            let mut draft = Draft::new(self, &transaction)?;
            for work in batch {
                draft.apply(work, answers)?;
            }
            draft.changes
        };
        if changes.durable {
            transaction.commit()?;
        } else {
            transaction.abort()?;
        }
        for (entitlement, ledger) in changes.ledgers {
            let held = (ledger.chain.life, ledger.reserved);
            if ledger.reserved == Credits(0) {
                self.reserved.remove(&entitlement);
            } else {
                self.reserved.insert(entitlement, held);
            }
        }
        for (id, open) in changes.opened {
            match open {
                Some(open) => drop(self.open.insert(id, open)),
                None => drop(self.open.remove(&id)),
            }
        }
        Ok(())
    }
}

/// A batch in the making: what it changes, on top of what there is.
struct Draft<'a> {
    writer: &'a Writer,
    table: Table<'a, &'static [u8; 32], &'static [u8; BYTES]>,
    unbooked: Table<'a, &'static [u8; 32], ()>,
    changes: Changes,
}

/// What a batch changes in memory once it is on the disk.
#[derive(Default)]
struct Changes {
    ledgers: HashMap<Pubkey, Ledger>,
    /// Reservations that were opened, or ended (`None`).
    opened: HashMap<ReservationId, Option<Open>>,
    /// Whether the file has to be written at all.
    durable: bool,
}

impl<'a> Draft<'a> {
    fn new(writer: &'a Writer, transaction: &'a WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            writer,
            table: transaction.open_table(LEDGERS)?,
            unbooked: transaction.open_table(UNBOOKED)?,
            changes: Changes::default(),
        })
    }

    fn apply(&mut self, work: Work, answers: &mut Vec<Answer>) -> Result<(), redb::Error> {
        match work {
            Work::Reserve(demand, reply) => {
                let answer = self.reserve(&demand);
                answers.push(later(reply, &answer));
                answer.map(drop)
            }
            Work::Settle(settled, reply) => {
                let answer = self.settle(&settled).map(Ok);
                answers.push(later(reply, &answer));
                answer.map(drop)
            }
            Work::Learn(entitlement, view, reply) => {
                let answer = self.learn(entitlement, view);
                answers.push(later(reply, &answer));
                answer.map(drop)
            }
            Work::Look(entitlement, view, reply) => {
                let answer = self.look(entitlement, view);
                answers.push(later(reply, &answer));
                answer.map(drop)
            }
            Work::Unbooked(after, limit, reply) => {
                let answer = self.list(after, limit).map(Ok);
                answers.push(later(reply, &answer));
                answer.map(drop)
            }
            Work::GiveUp(entitlement, reply) => {
                let answer = self.set_unbooked(&entitlement, false).map(Ok);
                answers.push(later(reply, &answer));
                answer.map(drop)
            }
        }
    }

    fn reserve(&mut self, demand: &Demand) -> Result<Result<Reserved, StoreError>, redb::Error> {
        let mut ledger = self.ledger(demand.entitlement, demand.view)?;
        if ledger.learn(demand.view) == Err(Outdated) {
            return Ok(Err(StoreError::Outdated));
        }
        if self.is_open(&demand.id) {
            let remaining = ledger.remaining();
            return Ok(Ok(Reserved::Taken { remaining }));
        }
        let reserved = ledger.reserve(demand.cost);
        if let Reserved::Taken { .. } = reserved {
            let open = Open {
                entitlement: demand.entitlement,
                life: ledger.chain.life,
                cost: demand.cost,
            };
            self.changes.opened.insert(demand.id, Some(open));
            self.set_unbooked(&demand.entitlement, true)?;
        }
        self.put(demand.entitlement, ledger)?;
        Ok(Ok(reserved))
    }

    fn settle(&mut self, settled: &Settled) -> Result<(), redb::Error> {
        let open = match self.changes.opened.get(&settled.id) {
            Some(changed) => *changed,
            None => self.writer.open.get(&settled.id).copied(),
        };
        let Some(open) = open else {
            return Ok(());
        };
        self.changes.opened.insert(settled.id, None);
        let Some(mut ledger) = self.known(open.entitlement)? else {
            return Ok(());
        };
        if ledger.chain.life != open.life {
            return Ok(());
        }
        match settled.settlement {
            Settlement::Commit => ledger.commit(open.cost),
            Settlement::Release => ledger.release(open.cost),
        }
        self.put(open.entitlement, ledger)
    }

    fn learn(
        &mut self,
        entitlement: Pubkey,
        view: ChainView,
    ) -> Result<Result<Ledger, StoreError>, redb::Error> {
        let mut ledger = self.ledger(entitlement, view)?;
        if ledger.learn(view) == Err(Outdated) {
            return Ok(Err(StoreError::Outdated));
        }
        self.put(entitlement, ledger)?;
        let open = ledger.bookable().is_some() || ledger.reserved > Credits(0);
        self.set_unbooked(&entitlement, open)?;
        Ok(Ok(ledger))
    }

    fn look(
        &mut self,
        entitlement: Pubkey,
        view: ChainView,
    ) -> Result<Result<Ledger, StoreError>, redb::Error> {
        let mut ledger = self.ledger(entitlement, view)?;
        let learnt = ledger.learn(view).map_err(|Outdated| StoreError::Outdated);
        Ok(learnt.map(|()| ledger))
    }

    fn list(&self, after: Option<Pubkey>, limit: usize) -> Result<Vec<Pubkey>, redb::Error> {
        let after = after.map(|after| after.to_bytes());
        let start = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut found = Vec::new();
        for entry in self
            .unbooked
            .range::<&[u8; 32]>((start, Bound::Unbounded))?
        {
            if found.len() == limit {
                break;
            }
            found.push(Pubkey::new_from_array(*entry?.0.value()));
        }
        Ok(found)
    }

    fn is_open(&self, id: &ReservationId) -> bool {
        match self.changes.opened.get(id) {
            Some(changed) => changed.is_some(),
            None => self.writer.open.contains_key(id),
        }
    }

    /// The ledger of an entitlement, a new one if there is none.
    fn ledger(&mut self, entitlement: Pubkey, view: ChainView) -> Result<Ledger, redb::Error> {
        let known = self.known(entitlement)?;
        Ok(known.unwrap_or_else(|| Ledger::new(view)))
    }

    fn known(&mut self, entitlement: Pubkey) -> Result<Option<Ledger>, redb::Error> {
        let place = match self.changes.ledgers.entry(entitlement) {
            Entry::Occupied(ledger) => return Ok(Some(*ledger.get())),
            Entry::Vacant(place) => place,
        };
        let Some(mut ledger) = self
            .table
            .get(entitlement.as_array())?
            .map(|bytes| decode(bytes.value()))
        else {
            return Ok(None);
        };
        if let Some((life, reserved)) = self.writer.reserved.get(&entitlement)
            && *life == ledger.chain.life
        {
            ledger.used = ledger.used.remaining_after(*reserved);
            ledger.reserved = *reserved;
        }
        Ok(Some(*place.insert(ledger)))
    }

    fn put(&mut self, entitlement: Pubkey, ledger: Ledger) -> Result<(), redb::Error> {
        let bytes = encode(&ledger);
        let before = self.table.insert(entitlement.as_array(), &bytes)?;
        self.changes.durable |= before.is_none_or(|before| *before.value() != bytes);
        self.changes.ledgers.insert(entitlement, ledger);
        Ok(())
    }

    fn set_unbooked(&mut self, entitlement: &Pubkey, unbooked: bool) -> Result<(), redb::Error> {
        let key = entitlement.as_array();
        let was = if unbooked {
            self.unbooked.insert(key, ())?.is_some()
        } else {
            self.unbooked.remove(key)?.is_some()
        };
        self.changes.durable |= was != unbooked;
        Ok(())
    }
}

/// The answer for `reply`, to be sent when it is known whether the batch is on
/// the disk. Whoever does not wait any longer is no reason to fail.
fn later<T: Clone + Send + 'static>(
    reply: Reply<T>,
    answer: &Result<Result<T, StoreError>, redb::Error>,
) -> Answer {
    let answer = match answer {
        Ok(answer) => answer.clone(),
        Err(_) => Err(StoreError::Unavailable),
    };
    Box::new(move |durable| {
        let answer = if durable {
            answer
        } else {
            Err(StoreError::Unavailable)
        };
        let _ = reply.send(answer);
    })
}
