//! What an attacker with the files, a crash and a full disk can do to a log.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod crash;
mod tampering;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tollgate_client::Pubkey;
use tollgate_gate::receipt::{KeySet, ReceiptKey};
use zeroize::Zeroizing;

use super::verify::{Expectations, Findings, verify};
use super::writer::{Notary, Writer};
use super::{AuditError, Head, Kind, Record, files};

/// Small, so that a few records need several files.
const FILE_BYTES: u64 = 2_000;

fn notary(every: u64) -> Notary {
    Notary {
        key: Arc::new(ReceiptKey::from_seed(&Zeroizing::new([9; 32]))),
        issuer: "https://api.example.com".to_owned(),
        every,
    }
}

fn keys() -> KeySet {
    KeySet::new(notary(1).key.public(), &[])
}

fn open(folder: &Path, notary: Option<Notary>) -> Writer {
    Writer::open(folder.to_owned(), FILE_BYTES, notary)
        .unwrap()
        .0
}

fn record(number: u64) -> Record {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Record {
        beneficiary: Some(Pubkey::new_from_array(bytes)),
        slot: Some(number),
        ..Record::of_decision(Kind::Grant, "granted")
    }
}

/// A log of `count` records in several files, and its head.
fn written(count: u64, notary: Option<Notary>) -> (TempDir, Head) {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = open(folder.path(), notary);
    for number in 0..count {
        writer.append(&[record(number)]).unwrap();
    }
    writer.sync().unwrap();
    let head = writer.head();
    (folder, head)
}

fn plainly(folder: &Path) -> Result<Findings, AuditError> {
    verify(folder, &Expectations::default(), |_| {})
}

fn with_head(folder: &Path, head: Head) -> Result<Findings, AuditError> {
    let expectations = Expectations {
        heads: vec![head],
        ..Expectations::default()
    };
    verify(folder, &expectations, |_| {})
}

/// Every line of the log with the file that it stands in.
fn lines(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut lines = Vec::new();
    for path in files::list(folder).unwrap() {
        for line in fs::read_to_string(&path).unwrap().lines() {
            lines.push((path.clone(), line.to_owned()));
        }
    }
    lines
}

fn write_back(folder: &Path, lines: &[(PathBuf, String)]) {
    for path in files::list(folder).unwrap() {
        fs::remove_file(path).unwrap();
    }
    for (path, line) in lines {
        let mut file = File::options()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        writeln!(file, "{line}").unwrap();
    }
}

fn is_tampering(outcome: &Result<Findings, AuditError>) -> bool {
    outcome.as_ref().is_err_and(AuditError::is_tampering)
}
