//! Puts records behind one another, in files.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tollgate_gate::receipt::{ReceiptKey, sign_text};

use super::files::{self, Torn, at};
use super::{AuditError, CHECKPOINT_TYPE, Head, Kind, Record};

/// What a checkpoint states, in canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Statement {
    /// The hash of the record at the head.
    pub(super) hash: super::Digest,
    /// Unix seconds.
    pub(super) iat: i64,
    /// The service.
    pub(super) iss: String,
    /// The number of the record at the head.
    pub(super) sequence: u64,
}

/// Who signs checkpoints, and how often.
#[derive(Clone, Debug)]
pub(crate) struct Notary {
    pub(crate) key: Arc<ReceiptKey>,
    pub(crate) issuer: String,
    /// Records from one checkpoint to the next.
    pub(crate) every: u64,
}

/// The one who writes.
pub(super) struct Writer {
    folder: PathBuf,
    max_file_bytes: u64,
    notary: Option<Notary>,
    head: Head,
    file: Option<(PathBuf, File, u64)>,
    since_checkpoint: u64,
    /// Ends with the writer.
    _lock: File,
}

impl Writer {
    /// Finds the end of the log and writes that a process goes on there.
    pub(super) fn open(
        folder: PathBuf,
        max_file_bytes: u64,
        notary: Option<Notary>,
    ) -> Result<(Self, Vec<Torn>), AuditError> {
        let lock = files::lock(&folder)?;
        let end = files::find_end(&folder)?;
        let mut writer = Self {
            folder,
            max_file_bytes,
            notary,
            head: end.head,
            file: end.file,
            since_checkpoint: 0,
            _lock: lock,
        };
        let mut records: Vec<Record> = end.torn.iter().map(recovered).collect();
        records.push(Record::now(Kind::Opened));
        writer.append(&records)?;
        writer.sync()?;
        Ok((writer, end.torn))
    }

    /// Writes records, in whole batches: after an error nothing of them is in the log,
    /// and the call may be repeated.
    pub(super) fn append(&mut self, records: &[Record]) -> Result<(), AuditError> {
        let mut lines = Vec::new();
        let mut head = self.head;
        let mut since = self.since_checkpoint;
        for record in records {
            head = record.clone().append(head, &mut lines);
            since = match record.kind {
                Kind::Checkpoint => 0,
                _ => since + 1,
            };
            if let Some(notary) = self.notary.as_ref().filter(|notary| since >= notary.every) {
                head = checkpoint(notary, head).append(head, &mut lines);
                since = 0;
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        let count = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        if let Some((_, file, size)) = &self.file
            && size.saturating_add(count) > self.max_file_bytes
        {
            // Never lose what a later file builds on.
            let synced = file.sync_all();
            synced.map_err(at(&self.folder))?;
            self.file = None;
        }
        let (path, file, size) = match &mut self.file {
            Some(open) => open,
            none => {
                let first = self.head.sequence.saturating_add(1);
                let (path, file) = files::create(&self.folder, first)?;
                none.insert((path, file, 0))
            }
        };
        if let Err(error) = file.write_all(&lines) {
            // A part of it may have been written.
            let _ = file.set_len(*size);
            return Err(at(path)(error));
        }
        *size += count;
        self.head = head;
        self.since_checkpoint = since;
        Ok(())
    }

    /// Forces what was written to the disk.
    pub(super) fn sync(&self) -> Result<(), AuditError> {
        match &self.file {
            Some((path, file, _)) => file.sync_data().map_err(at(path)),
            None => Ok(()),
        }
    }

    pub(super) fn head(&self) -> Head {
        self.head
    }

    /// The last words of a process: a checkpoint, so that nothing before it can be
    /// cut off unnoticed, and that it closed.
    pub(super) fn close(&mut self) -> Result<(), AuditError> {
        let mut records = Vec::new();
        if let Some(notary) = self.notary.as_ref().filter(|_| self.since_checkpoint > 0) {
            records.push(checkpoint(notary, self.head));
        }
        records.push(Record::now(Kind::Closed));
        self.append(&records)?;
        self.sync()
    }
}

fn recovered(torn: &Torn) -> Record {
    Record {
        bytes: Some(torn.bytes),
        digest: Some(torn.digest),
        count: Some(torn.lines),
        ..Record::now(Kind::Recovered)
    }
}

fn checkpoint(notary: &Notary, head: Head) -> Record {
    let record = Record::now(Kind::Checkpoint);
    let statement = Statement {
        hash: head.hash,
        iat: record.time.div_euclid(1_000),
        iss: notary.issuer.clone(),
        sequence: head.sequence,
    };
    // Strings and integers serialise.
    let payload = serde_json::to_vec(&statement).unwrap_or_default();
    let key_id = notary.key.public().key_id();
    Record {
        statement: Some(sign_text(
            &notary.key,
            &key_id,
            Some(CHECKPOINT_TYPE),
            &payload,
        )),
        ..record
    }
}
