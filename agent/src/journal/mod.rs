//! What was signed, remembered before it is sent: whoever dies, gives up or is
//! cancelled between the two knows afterwards what must not be paid again.

mod entry;
mod folder;
mod memory;
mod turns;

pub use entry::{Entry, State};

use crate::{PayError, SpendingPolicy};
use folder::Folder;
use memory::Memory;
use parking_lot::Mutex;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tollgate_client::{Amount, Pubkey};
pub(crate) use turns::Turn;
use turns::Turns;

/// The memory of payments. Clones share it; whoever pays with one key should pay
/// with one journal.
///
/// Tasks that share a journal pay once for what they want at the same moment: each
/// (key, product) has one purchase at a time, and who waited for it finds it paid.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Box<dyn Store>,
    turns: Turns,
    /// Held from adding up what was spent until the next payment is counted.
    spending: Mutex<()>,
}

/// Where entries are kept. Every call may block on a disk.
trait Store: std::fmt::Debug + Send + Sync {
    /// Keeps other processes out until the matching [`Store::leave`]. Calls nest.
    fn enter(&self) -> Result<(), PayError> {
        Ok(())
    }

    fn leave(&self) {}

    /// The payment of `payer` for `product` whose fate is not known, if there is one.
    fn unfinished(&self, payer: &Pubkey, product: &Pubkey) -> Result<Option<Entry>, PayError>;

    /// What payments of `payer` in `mint` took, or may still take.
    fn spent(&self, payer: &str, mint: &str) -> Result<Amount, PayError>;

    /// Once this returns, the entry is remembered.
    fn begin(&self, entry: &Entry) -> Result<(), PayError>;

    fn finish(&self, entry: Entry, state: State) -> Result<(), PayError>;
}

impl Journal {
    /// A journal of files in `folder`, which is created when the first payment is due.
    /// It survives crashes. One process uses it at a time: another that has to pay at
    /// that moment gets [`PayError::JournalBusy`], and so does another `Journal` of the
    /// same folder: clone one.
    pub fn folder(folder: impl Into<PathBuf>) -> Self {
        Self::of(Folder::new(folder.into()))
    }

    /// A journal that ends with the process.
    ///
    /// **What is lost.** A process that ends between signing a payment and learning its
    /// fate (a minute and a half at most) forgets it. The next one sees the payment on
    /// chain if it has landed and pays nothing; if it is still on its way, it is paid
    /// again. A total of [`SpendingPolicy`] begins anew as well. Where either matters,
    /// use [`Journal::folder`].
    pub fn in_memory() -> Self {
        Self::of(Memory::default())
    }

    fn of(store: impl Store + 'static) -> Self {
        Self(Arc::new(Shared {
            store: Box::new(store),
            turns: Turns::default(),
            spending: Mutex::default(),
        }))
    }

    /// Waits until no other task buys `product` for `payer`.
    pub(crate) async fn turn(&self, payer: Pubkey, product: Pubkey) -> Turn {
        self.0.turns.take((payer, product)).await
    }

    /// Opens the books for the purchase whose turn it is.
    ///
    /// # Errors
    /// [`PayError::Journal`], [`PayError::JournalBusy`].
    pub(crate) async fn open(&self, turn: &Turn) -> Result<Books, PayError> {
        let (shared, turn) = (Arc::clone(&self.0), turn.clone());
        blocking(move || {
            shared.store.enter()?;
            Ok(Books(Arc::new(Visit {
                shared,
                _turn: turn,
            })))
        })
        .await
    }
}

/// The journal, open for one purchase.
///
/// What was begun here is brought to its end also when the task is cancelled, and the
/// next purchase of the same product waits for it: an entry that appeared behind its
/// back would be a payment that it does not know of.
#[derive(Clone, Debug)]
pub(crate) struct Books(Arc<Visit>);

#[derive(Debug)]
struct Visit {
    shared: Arc<Shared>,
    _turn: Turn,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.shared.store.leave();
    }
}

impl Books {
    /// The payment of `payer` for `product` whose fate is not known, if there is one.
    ///
    /// # Errors
    /// [`PayError::Journal`]; what cannot be read is an error, because it may be that
    /// payment.
    pub(crate) async fn unfinished(
        &self,
        payer: Pubkey,
        product: Pubkey,
    ) -> Result<Option<Entry>, PayError> {
        self.with(move |shared| shared.store.unfinished(&payer, &product))
            .await
    }

    /// Records a signed payment, unless it would exceed the total that `policy` allows.
    /// Once this returns, a crash cannot forget it (but see [`Journal::in_memory`]).
    ///
    /// # Errors
    /// [`PayError::OverTotal`], [`PayError::Journal`]: then nothing may be sent.
    pub(crate) async fn begin(
        &self,
        entry: Entry,
        policy: SpendingPolicy,
        price: Amount,
        decimals: u8,
    ) -> Result<(), PayError> {
        self.with(move |shared| {
            // Purchases of several products must not all find the same room.
            let _spending = shared.spending.lock();
            if policy.total.is_some() {
                let spent = shared.store.spent(&entry.payer, &entry.mint)?;
                policy.check_total(price, spent, decimals)?;
            }
            shared.store.begin(&entry)
        })
        .await
    }

    /// Records the fate of a payment.
    ///
    /// # Errors
    /// [`PayError::Journal`]: then it stays open and is looked up again next time.
    pub(crate) async fn finish(&self, entry: Entry, state: State) -> Result<(), PayError> {
        self.with(move |shared| shared.store.finish(entry, state))
            .await
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, PayError> + Send + 'static,
    ) -> Result<T, PayError> {
        let visit = Arc::clone(&self.0);
        blocking(move || work(&visit.shared)).await
    }
}

/// Disks may take their time; the tasks of the runtime must not.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PayError> + Send + 'static,
) -> Result<T, PayError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(lost) => Err(PayError::Journal {
            path: PathBuf::new(),
            source: io::Error::other(lost),
        }),
    }
}

#[cfg(test)]
mod tests;
