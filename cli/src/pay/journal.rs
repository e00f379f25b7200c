//! What was signed, written before it is sent: a process that dies between the
//! two knows afterwards what it may not pay again.
//!
//! `open/ID.json` holds a payment whose fate is not known, `done/ID.json` one
//! whose fate is. A file is complete or absent: it is written beside, synced and
//! renamed.

use super::PayError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use solana_transaction::versioned::VersionedTransaction;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tollgate_client::{PaymentId, Pubkey, transaction};

/// Most open payments that are looked through; more mean that something is wrong.
const MAX_OPEN: usize = 10_000;

/// What is known of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Signed; it may have been sent.
    Signed,
    /// It succeeded.
    Landed,
    /// It is on chain and failed.
    Failed,
    /// It never landed and never can.
    Expired,
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What is known of it.
    pub state: State,
    /// What was asked for.
    pub url: String,
    /// The payment id, base58.
    pub payment_id: String,
    /// The key that pays, base58.
    pub payer: String,
    /// The product account, base58.
    pub product: String,
    /// The payment intent's account, base58: it stands if the payment landed, also
    /// when no server remembers the transaction.
    pub intent: String,
    /// Price in atomic units.
    pub amount: String,
    /// Mint, base58.
    pub mint: String,
    /// The transaction's signature.
    pub signature: String,
    /// The signed transaction, base64.
    pub transaction: String,
    /// The last block height at which it can land.
    pub last_valid_block_height: u64,
}

impl Entry {
    /// The signed transaction, if the file holds one.
    pub fn decode(&self) -> Option<VersionedTransaction> {
        transaction::from_bytes(&STANDARD.decode(&self.transaction).ok()?)
    }

    /// The file form of signed bytes.
    pub fn encode(bytes: &[u8]) -> String {
        STANDARD.encode(bytes)
    }
}

/// A folder of payments, locked for one process.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    // Released with the file.
    _lock: File,
}

impl Journal {
    /// Opens or creates the journal in `folder`.
    ///
    /// # Errors
    /// [`PayError::Journal`], [`PayError::JournalBusy`].
    pub fn open(folder: &Path) -> Result<Self, PayError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| PayError::Journal { path, source }
        };
        for part in ["open", "done"] {
            let part = folder.join(part);
            fs::create_dir_all(&part).map_err(at(&part))?;
        }
        let path = folder.join("lock");
        let lock = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(PayError::JournalBusy),
            Err(TryLockError::Error(source)) => Err(at(&path)(source)),
        }
    }

    /// The payment of `payer` for `product` whose fate is not known, if there is one.
    ///
    /// # Errors
    /// [`PayError::Journal`]; a file that cannot be read is an error, because it
    /// may be that payment.
    pub fn unfinished(&self, payer: &Pubkey, product: &Pubkey) -> Result<Option<Entry>, PayError> {
        let folder = self.folder.join("open");
        let at = |source| PayError::Journal {
            path: folder.clone(),
            source,
        };
        for (count, file) in fs::read_dir(&folder).map_err(at)?.enumerate() {
            if count >= MAX_OPEN {
                return Err(at(io::Error::other("too many open payments")));
            }
            let path = file.map_err(at)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let at = |source| PayError::Journal {
                path: path.clone(),
                source,
            };
            let text = fs::read_to_string(&path).map_err(at)?;
            let entry: Entry = serde_json::from_str(&text)
                .map_err(|error| at(io::Error::other(error.to_string())))?;
            if entry.payer == payer.to_string() && entry.product == product.to_string() {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Records a signed payment. Once this returns, a crash cannot forget it.
    ///
    /// # Errors
    /// [`PayError::Journal`]: then nothing may be sent.
    pub fn begin(&self, entry: &Entry) -> Result<(), PayError> {
        self.write("open", entry)
    }

    /// Records the fate of a payment.
    ///
    /// # Errors
    /// [`PayError::Journal`]: then it stays open and is looked up again next time.
    pub fn finish(&self, mut entry: Entry, state: State) -> Result<(), PayError> {
        entry.state = state;
        self.write("done", &entry)?;
        let open = self.path("open", &entry.payment_id)?;
        fs::remove_file(&open).map_err(|source| PayError::Journal { path: open, source })
    }

    fn write(&self, part: &str, entry: &Entry) -> Result<(), PayError> {
        let path = self.path(part, &entry.payment_id)?;
        let beside = path.with_extension("new");
        let written = || -> io::Result<()> {
            let mut file = File::create(&beside)?;
            file.write_all(serde_json::to_string_pretty(entry)?.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            // The rename itself must survive a crash.
            File::open(self.folder.join(part))?.sync_all()
        };
        written().map_err(|source| PayError::Journal {
            path: path.clone(),
            source,
        })
    }

    /// File of a payment. The id is parsed, so that no text leads elsewhere.
    fn path(&self, part: &str, payment_id: &str) -> Result<PathBuf, PayError> {
        let folder = self.folder.join(part);
        match payment_id.parse::<PaymentId>() {
            Ok(id) => Ok(folder.join(format!("{id}.json"))),
            Err(_) => Err(PayError::Journal {
                path: folder,
                source: io::Error::other("malformed payment id"),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entry(id: u8, product: Pubkey) -> Entry {
        Entry {
            state: State::Signed,
            url: "https://api.example/report".into(),
            payment_id: PaymentId([id; 32]).to_string(),
            payer: Pubkey::new_from_array([7; 32]).to_string(),
            product: product.to_string(),
            intent: Pubkey::new_from_array([9; 32]).to_string(),
            amount: "10000".into(),
            mint: Pubkey::default().to_string(),
            signature: "signature".into(),
            transaction: String::new(),
            last_valid_block_height: 1,
        }
    }

    #[test]
    fn an_open_payment_is_found_until_its_fate_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let (payer, product) = (
            Pubkey::new_from_array([7; 32]),
            Pubkey::new_from_array([8; 32]),
        );
        let journal = Journal::open(folder.path()).unwrap();
        journal.begin(&entry(1, product)).unwrap();
        drop(journal);

        // As after a crash: another process opens the same folder.
        let journal = Journal::open(folder.path()).unwrap();
        let found = journal.unfinished(&payer, &product).unwrap().unwrap();
        assert_eq!(found, entry(1, product));
        assert_eq!(
            journal.unfinished(&payer, &Pubkey::default()).unwrap(),
            None
        );
        journal.finish(found, State::Expired).unwrap();
        assert_eq!(journal.unfinished(&payer, &product).unwrap(), None);
    }

    #[test]
    fn two_processes_cannot_pay_from_one_journal() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Journal::open(folder.path()).unwrap();
        assert_eq!(
            Journal::open(folder.path()).unwrap_err().code(),
            "journal_busy"
        );
    }

    #[test]
    fn a_damaged_file_stops_payments() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        fs::write(folder.path().join("open/damaged.json"), "{").unwrap();
        let error = journal
            .unfinished(&Pubkey::default(), &Pubkey::default())
            .unwrap_err();
        assert_eq!(error.code(), "journal_unusable");
    }
}
