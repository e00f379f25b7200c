//! A journal of files.
//!
//! `open/INTENT.json` holds a payment whose fate is not known, `done/INTENT.json` one
//! whose fate is. A file is complete or absent: it is written beside, synced and
//! renamed. The name is the intent's address, because a server chooses the payment id
//! and could choose one that is in use elsewhere.

use super::{Entry, State, Store};
use crate::PayError;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::hash_map::Entry::Vacant;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tollgate_client::{Amount, Pubkey};

/// Most open payments that are looked through; more mean that something is wrong.
const MAX_OPEN: usize = 10_000;

/// A folder of payments, locked for one process while something is bought.
#[derive(Debug)]
pub(super) struct Folder {
    folder: PathBuf,
    lock: Mutex<Lock>,
    /// Files of `done` that were read before; they never change.
    done: Mutex<HashMap<PathBuf, Entry>>,
}

/// The lock on the folder, and how many purchases of this process share it.
#[derive(Debug, Default)]
struct Lock {
    purchases: usize,
    // Released with the file.
    file: Option<File>,
}

impl Folder {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            lock: Mutex::default(),
            done: Mutex::default(),
        }
    }

    fn acquire(&self) -> Result<File, PayError> {
        for part in ["open", "done"] {
            let part = self.folder.join(part);
            fs::create_dir_all(&part).map_err(at(&part))?;
        }
        let path = self.folder.join("lock");
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(PayError::JournalBusy),
            Err(TryLockError::Error(source)) => Err(at(&path)(source)),
        }
    }

    /// The payments in a part of the folder.
    fn files(&self, part: &str) -> Result<Vec<PathBuf>, PayError> {
        let folder = self.folder.join(part);
        let mut files = Vec::new();
        for file in fs::read_dir(&folder).map_err(at(&folder))? {
            let path = file.map_err(at(&folder))?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                files.push(path);
            }
        }
        Ok(files)
    }

    fn open_entries(&self) -> Result<Vec<Entry>, PayError> {
        let files = self.files("open")?;
        if files.len() > MAX_OPEN {
            let problem = io::Error::other("too many open payments");
            return Err(at(&self.folder)(problem));
        }
        files.iter().map(|path| read(path)).collect()
    }

    fn write(&self, part: &str, entry: &Entry) -> Result<(), PayError> {
        let path = self.path(part, entry)?;
        let beside = path.with_extension("new");
        let written = || -> io::Result<()> {
            let mut file = File::create(&beside)?;
            file.write_all(serde_json::to_string_pretty(entry)?.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            // The rename itself must survive a crash.
            File::open(self.folder.join(part))?.sync_all()
        };
        written().map_err(at(&path))
    }

    /// File of a payment. The address is parsed, so that no text leads elsewhere.
    fn path(&self, part: &str, entry: &Entry) -> Result<PathBuf, PayError> {
        let folder = self.folder.join(part);
        match entry.intent.parse::<Pubkey>() {
            Ok(intent) => Ok(folder.join(format!("{intent}.json"))),
            Err(_) => Err(at(&folder)(io::Error::other("malformed intent address"))),
        }
    }
}

impl Store for Folder {
    fn enter(&self) -> Result<(), PayError> {
        let mut lock = self.lock.lock();
        if lock.file.is_none() {
            lock.file = Some(self.acquire()?);
        }
        lock.purchases += 1;
        Ok(())
    }

    fn leave(&self) {
        let mut lock = self.lock.lock();
        lock.purchases = lock.purchases.saturating_sub(1);
        if lock.purchases == 0 {
            lock.file = None;
        }
    }

    fn unfinished(&self, payer: &Pubkey, product: &Pubkey) -> Result<Option<Entry>, PayError> {
        let entries = self.open_entries()?;
        Ok(entries
            .into_iter()
            .find(|entry| entry.is_for(payer, product)))
    }

    fn spent(&self, payer: &str, mint: &str) -> Result<Amount, PayError> {
        let mut done = self.done.lock();
        for path in self.files("done")? {
            if let Vacant(unread) = done.entry(path) {
                let mut entry = read(unread.key())?;
                entry.transaction.clear();
                unread.insert(entry);
            }
        }
        let mut spent = 0u64;
        for entry in done.values() {
            spent = spent.saturating_add(entry.spends(payer, mint).0);
        }
        for entry in self.open_entries()? {
            // Both files stand for a moment while an entry is finished.
            if !done.contains_key(&self.path("done", &entry)?) {
                spent = spent.saturating_add(entry.spends(payer, mint).0);
            }
        }
        Ok(Amount(spent))
    }

    fn begin(&self, entry: &Entry) -> Result<(), PayError> {
        self.write("open", entry)
    }

    fn finish(&self, mut entry: Entry, state: State) -> Result<(), PayError> {
        entry.state = state;
        self.write("done", &entry)?;
        let open = self.path("open", &entry)?;
        fs::remove_file(&open).map_err(at(&open))
    }
}

fn read(path: &Path) -> Result<Entry, PayError> {
    let text = fs::read_to_string(path).map_err(at(path))?;
    serde_json::from_str(&text).map_err(|error| at(path)(error.into()))
}

fn at(path: &Path) -> impl Fn(io::Error) -> PayError {
    let path = path.to_owned();
    move |source| PayError::Journal {
        path: path.clone(),
        source,
    }
}
