//! Reading a log, and finding out whether it is the one that was written.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use tollgate_gate::receipt::{KeySet, verify_text};

use super::files::{self, Lines, at};
use super::writer::Statement;
use super::{AuditError, CHECKPOINT_TYPE, Head, Kind, Record};

/// What the log is checked against, beside itself.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    /// What the first record follows, where older files were taken away. Without
    /// it the log must begin with its first record.
    pub anchor: Option<Head>,
    /// Heads that were noted elsewhere; each must be in the log.
    pub heads: Vec<Head>,
    /// Checkpoints that were kept elsewhere; each must be in the log.
    pub checkpoints: Vec<String>,
    /// The keys that checkpoints must be signed with. Without them the log's own
    /// checkpoints are not verified.
    pub keys: Option<KeySet>,
}

/// A log that holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Its last record.
    pub head: Head,
    /// How many records were read.
    pub records: u64,
    /// How many files.
    pub files: u64,
    /// Checkpoints whose signature holds.
    pub checkpoints: u64,
    /// Decisions that found no room, as the log itself says.
    pub dropped: u64,
    /// Torn ends that were moved aside, as the log itself says.
    pub recoveries: u64,
    /// Whole lines among what was moved aside. A killed process leaves none; they are
    /// there after some power failures, and when somebody changed the log while
    /// nobody wrote.
    pub lines_set_aside: u64,
}

/// Reads the log at `path`, a folder or one file, and gives every record that holds
/// to `each`, in order.
///
/// # Errors
/// The first thing that is wrong; what was given to `each` before it holds.
pub fn verify(
    path: &Path,
    expectations: &Expectations,
    mut each: impl FnMut(&Record),
) -> Result<Findings, AuditError> {
    let paths = paths(path)?;
    let mut findings = Findings::default();
    let mut chain = Chain::new(expectations)?;
    for path in &paths {
        let file = File::open(path).map_err(at(path))?;
        let mut lines = Lines::new(BufReader::new(file));
        let mut number = 0;
        findings.files += 1;
        while let Some(line) = lines.next().map_err(at(path))? {
            number += 1;
            let (record, head) =
                line.whole()
                    .and_then(Record::read)
                    .ok_or_else(|| AuditError::Damaged {
                        path: path.clone(),
                        line: number,
                    })?;
            if !chain.follows(&record) {
                return Err(AuditError::Broken {
                    path: path.clone(),
                    line: number,
                });
            }
            chain.check_statement(&record, &mut findings)?;
            chain.advance(head);
            findings.count(&record);
            each(&record);
        }
    }
    findings.head = chain.finish(path)?;
    Ok(findings)
}

fn paths(path: &Path) -> Result<Vec<PathBuf>, AuditError> {
    let is_folder = std::fs::metadata(path).map_err(at(path))?.is_dir();
    let paths = if is_folder {
        files::list(path)?
    } else {
        vec![path.to_owned()]
    };
    if paths.is_empty() {
        return Err(AuditError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(paths)
}

impl Findings {
    fn count(&mut self, record: &Record) {
        self.records += 1;
        match record.kind {
            Kind::Dropped => self.dropped += record.count.unwrap_or(0),
            Kind::Recovered => {
                self.recoveries += 1;
                self.lines_set_aside += record.count.unwrap_or(0);
            }
            _ => {}
        }
    }
}

/// The chain as far as it was read, and the heads that are still looked for.
struct Chain<'a> {
    keys: Option<&'a KeySet>,
    head: Head,
    missing: BTreeSet<(u64, [u8; 32])>,
}

impl<'a> Chain<'a> {
    fn new(expectations: &'a Expectations) -> Result<Self, AuditError> {
        let mut missing: BTreeSet<_> = expectations.heads.iter().map(place).collect();
        for text in &expectations.checkpoints {
            let keys = expectations.keys.as_ref().ok_or_else(|| {
                AuditError::Checkpoint("no keys are given to verify it with".to_owned())
            })?;
            missing.insert(place(&stated(text, keys)?));
        }
        let head = expectations.anchor.unwrap_or_default();
        missing.remove(&place(&head));
        Ok(Self {
            keys: expectations.keys.as_ref(),
            head,
            missing,
        })
    }

    fn follows(&self, record: &Record) -> bool {
        record.previous == self.head.hash
            && Some(record.sequence) == self.head.sequence.checked_add(1)
    }

    /// A checkpoint states the head that it follows.
    fn check_statement(&self, record: &Record, findings: &mut Findings) -> Result<(), AuditError> {
        let (Some(text), Some(keys)) = (&record.statement, self.keys) else {
            return Ok(());
        };
        if stated(text, keys)? != self.head {
            return Err(AuditError::Checkpoint(
                "it states another head than the one it follows".to_owned(),
            ));
        }
        findings.checkpoints += 1;
        Ok(())
    }

    fn advance(&mut self, head: Head) {
        self.missing.remove(&place(&head));
        self.head = head;
    }

    fn finish(self, path: &Path) -> Result<Head, AuditError> {
        if let Some((sequence, hash)) = self.missing.first() {
            return Err(AuditError::HeadMissing(Head {
                sequence: *sequence,
                hash: super::Digest(*hash),
            }));
        }
        if self.head == Head::default() {
            return Err(AuditError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(self.head)
    }
}

fn place(head: &Head) -> (u64, [u8; 32]) {
    (head.sequence, head.hash.0)
}

/// The head that a checkpoint states.
fn stated(text: &str, keys: &KeySet) -> Result<Head, AuditError> {
    let verified = verify_text(text, keys, CHECKPOINT_TYPE)
        .map_err(|error| AuditError::Checkpoint(error.to_string()))?;
    let statement: Statement = serde_json::from_slice(&verified.payload)
        .map_err(|_| AuditError::Checkpoint("it states something else".to_owned()))?;
    Ok(Head {
        sequence: statement.sequence,
        hash: statement.hash,
    })
}
