//! The store of one verifier: a redb file.
//!
//! One thread owns the file. It takes whatever waits, applies it in order and
//! commits it as one transaction with one sync to the disk, so that many requests
//! share a sync and each is answered only after it. A crash of the process or of
//! the machine therefore gives no credit away, as long as the disk keeps what it
//! says it has written. Reservations in flight are kept in memory; in the file
//! they count as used, which is what becomes of them when the process dies.

mod record;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use redb::{Database, DatabaseError};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tollgate_client::Pubkey;

use self::writer::{Work, Writer};
use super::ledger::{ChainView, Ledger, Reserved};
use super::owner::Owner;
use super::store::{CreditStore, Demand, Settled, StoreError};

/// How many requests may wait for the file. At a millisecond per sync and
/// [`writer::BATCH`] requests per sync, the last of them waits for milliseconds.
const MAX_WAITING: usize = 4096;

/// Memory for pages of the file.
const PAGE_CACHE_BYTES: usize = 32 << 20;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// Another process has it, or another verifier of this process.
    #[error("{path} is used by another verifier; several need a shared store")]
    InUse { path: PathBuf },
    /// It counts the credits of another merchant or on another cluster.
    #[error("{path} counts the credits of another merchant or cluster")]
    OtherOwner { path: PathBuf },
    /// It cannot be created, read or repaired.
    #[error("{path}: {cause}")]
    Unusable { path: PathBuf, cause: String },
}

/// The store. Dropping it finishes what waits and closes the file.
pub(crate) struct LocalStore {
    /// `None` once it is being dropped.
    work: Option<mpsc::UnboundedSender<Work>>,
    waiting: Arc<Semaphore>,
    timeout: Duration,
    thread: Option<JoinHandle<()>>,
}

impl LocalStore {
    /// Opens or creates the file at `path`. An answer that takes longer than
    /// `timeout` counts as none.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(crate) fn open(path: &Path, owner: &Owner, timeout: Duration) -> Result<Self, OpenError> {
        let unusable = |cause: String| OpenError::Unusable {
            path: path.to_owned(),
            cause,
        };
        let database = Database::builder()
            .set_cache_size(PAGE_CACHE_BYTES)
            .create(path)
            .map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => OpenError::InUse {
                    path: path.to_owned(),
                },
                other => unusable(other.to_string()),
            })?;
        if !record::claim(&database, owner).map_err(|error| unusable(error.to_string()))? {
            return Err(OpenError::OtherOwner {
                path: path.to_owned(),
            });
        }
        let (work, waiting) = mpsc::unbounded_channel();
        let thread = std::thread::Builder::new()
            .name("tollgate-credits".to_owned())
            .spawn(move || Writer::new(database).run(waiting))
            .map_err(|error| unusable(error.to_string()))?;
        Ok(Self {
            work: Some(work),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            timeout,
            thread: Some(thread),
        })
    }

    /// Hands work to the thread and waits for its answer.
    async fn ask<T>(
        &self,
        work: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Work,
    ) -> Result<T, StoreError> {
        let _place = self
            .waiting
            .try_acquire()
            .map_err(|_| StoreError::Overloaded)?;
        let (reply, answer) = oneshot::channel();
        self.work
            .as_ref()
            .and_then(|sender| sender.send(work(reply)).ok())
            .ok_or(StoreError::Unavailable)?;
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(StoreError::Unavailable),
        }
    }
}

impl Drop for LocalStore {
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            // At most one more commit; afterwards the file can be opened again.
            let _ = thread.join();
        }
    }
}

impl CreditStore for LocalStore {
    fn reserve(&self, demand: Demand) -> BoxFuture<'_, Result<Reserved, StoreError>> {
        self.ask(move |reply| Work::Reserve(demand, reply)).boxed()
    }

    fn settle(&self, settled: Settled) -> BoxFuture<'_, Result<(), StoreError>> {
        self.ask(move |reply| Work::Settle(settled, reply)).boxed()
    }

    fn settle_at_once(&self, settled: Settled) -> bool {
        // Work is done in its order. Whoever is not there to hear that it failed
        // would not try again either: the credits then count as used.
        let (reply, _) = oneshot::channel();
        self.work
            .as_ref()
            .is_some_and(|sender| sender.send(Work::Settle(settled, reply)).is_ok())
    }

    fn learn(
        &self,
        entitlement: Pubkey,
        view: ChainView,
    ) -> BoxFuture<'_, Result<Ledger, StoreError>> {
        self.ask(move |reply| Work::Learn(entitlement, view, reply))
            .boxed()
    }

    fn look(
        &self,
        entitlement: Pubkey,
        view: ChainView,
    ) -> BoxFuture<'_, Result<Ledger, StoreError>> {
        self.ask(move |reply| Work::Look(entitlement, view, reply))
            .boxed()
    }

    fn unbooked(
        &self,
        after: Option<Pubkey>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Pubkey>, StoreError>> {
        self.ask(move |reply| Work::Unbooked(after, limit, reply))
            .boxed()
    }

    fn give_up(&self, entitlement: Pubkey) -> BoxFuture<'_, Result<(), StoreError>> {
        self.ask(move |reply| Work::GiveUp(entitlement, reply))
            .boxed()
    }

    fn lease(&self) -> BoxFuture<'_, Result<bool, StoreError>> {
        // The file has one user.
        async { Ok(true) }.boxed()
    }
}
