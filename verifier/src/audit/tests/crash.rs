//! Crashes, full disks and full queues: what is left is a log, and it says so.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::super::log::NoRoom;
use super::*;
use crate::audit::AuditLog;
use crate::config::{AuditConfig, SyncPolicy, WhenFull};

/// Cut anywhere, the log is opened, goes on, and says what it found.
#[test]
fn a_torn_end_is_set_aside_and_recorded_wherever_it_is_cut() {
    let (folder, _) = written(3, None);
    let path = files::list(folder.path()).unwrap().pop().unwrap();
    let whole = fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        let copy = tempfile::tempdir().unwrap();
        for other in files::list(folder.path()).unwrap() {
            fs::copy(&other, copy.path().join(other.file_name().unwrap())).unwrap();
        }
        let cut_file = copy.path().join(path.file_name().unwrap());
        fs::write(&cut_file, &whole[..cut]).unwrap();
        let at_a_line = cut == 0 || whole[cut - 1] == b'\n';
        assert_eq!(is_tampering(&plainly(copy.path())), !at_a_line, "{cut}");
        let mut writer = open(copy.path(), None);
        writer.append(&[record(50)]).unwrap();
        writer.close().unwrap();
        let findings = plainly(copy.path()).unwrap();
        assert_eq!(findings.recoveries, u64::from(!at_a_line), "{cut}");
        assert_eq!(findings.lines_set_aside, 0, "{cut}");
        if !at_a_line {
            let start = whole[..cut].iter().rposition(|byte| *byte == b'\n');
            let torn = &whole[start.map_or(0, |start| start + 1)..cut];
            let kept = fs::read_dir(copy.path())
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .find(|path| path.to_string_lossy().contains("torn-"))
                .unwrap();
            assert_eq!(fs::read(kept).unwrap(), torn);
        }
    }
}

/// An edit while nobody writes does not pass for a crash.
#[test]
fn whole_lines_behind_a_change_are_counted_when_they_are_set_aside() {
    let (folder, head) = written(3, None);
    let path = files::list(folder.path()).unwrap().pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[10] ^= 1;
    fs::write(&path, &bytes).unwrap();
    drop(open(folder.path(), None));
    let findings = plainly(folder.path()).unwrap();
    assert!(findings.lines_set_aside > 0, "{findings:?}");
    assert!(is_tampering(&with_head(folder.path(), head)));
}

#[test]
fn one_process_writes_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), None);
    let second = Writer::open(folder.path().to_owned(), FILE_BYTES, None);
    assert!(matches!(second, Err(AuditError::Locked { .. })));
    drop(first);
    drop(open(folder.path(), None));
}

#[test]
fn what_could_not_be_written_can_be_written_later_without_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = open(folder.path(), None);
    let blocker = loop {
        let next = writer.head().sequence + 1;
        let blocker = folder.path().join(format!("audit-{next:020}.jsonl"));
        let _ = fs::create_dir(&blocker);
        if writer.append(&[record(next)]).is_err() {
            break blocker;
        }
        let _ = fs::remove_dir(&blocker);
    };
    let head = writer.head();
    assert!(writer.append(&[record(1)]).is_err());
    assert_eq!(writer.head(), head);
    fs::remove_dir(blocker).unwrap();
    writer.append(&[record(2)]).unwrap();
    assert_eq!(writer.head().sequence, head.sequence + 1);
    assert!(plainly(folder.path()).is_ok());
}

fn config(folder: &Path, when_full: WhenFull) -> AuditConfig {
    AuditConfig {
        queue: 4,
        when_full,
        max_file_bytes: FILE_BYTES,
        sync: SyncPolicy::Always,
        ..AuditConfig::new(folder.to_owned())
    }
}

/// Stands in the way of every file that could come next.
fn obstruct(folder: &Path) -> Vec<PathBuf> {
    let next = lines(folder).len() as u64 + 1;
    (next..next + 700)
        .map(|number| folder.join(format!("audit-{number:020}.jsonl")))
        .filter(|path| fs::create_dir(path).is_ok())
        .collect()
}

fn grant() -> Record {
    Record::of_decision(Kind::Grant, "granted")
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missing_from_a_log_that_drops_that_it_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), WhenFull::Drop);
    let (log, task) = AuditLog::start(&config, None).await.unwrap();
    let obstacles = obstruct(folder.path());
    let count = 1_500;
    for _ in 0..count {
        log.record(grant()).await.unwrap();
    }
    for obstacle in obstacles {
        fs::remove_dir(obstacle).unwrap();
    }
    task.close(Duration::from_secs(30)).await;
    let mut grants = 0;
    let findings = verify(folder.path(), &Expectations::default(), |record| {
        grants += u64::from(record.kind == Kind::Grant);
    })
    .unwrap();
    assert!(findings.dropped > 0);
    assert_eq!(grants + findings.dropped, count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_must_not_drop_refuses_and_loses_nothing_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), WhenFull::Block);
    let (log, task) = AuditLog::start(&config, None).await.unwrap();
    let obstacles = obstruct(folder.path());
    let mut taken = 0_u64;
    while log.record(grant()).await != Err(NoRoom) {
        taken += 1;
    }
    for obstacle in obstacles {
        fs::remove_dir(obstacle).unwrap();
    }
    task.close(Duration::from_secs(30)).await;
    assert_eq!(log.record(grant()).await, Err(NoRoom), "it is closed");
    let mut grants = 0;
    let findings = verify(folder.path(), &Expectations::default(), |record| {
        grants += u64::from(record.kind == Kind::Grant);
    })
    .unwrap();
    assert_eq!((grants, findings.dropped), (taken, 0));
}

const CHILD: &str = "TOLLGATE_AUDIT_TEST_CHILD";

/// Not a test: what the killed process does. It says each head once it is synced.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD) else {
        return;
    };
    let mut writer = open(Path::new(&folder), Some(notary(10)));
    for number in 0.. {
        let batch: Vec<_> = (0..=number % 7).map(|part| record(number + part)).collect();
        writer.append(&batch).unwrap();
        writer.sync().unwrap();
        println!("head {}", writer.head());
    }
}

/// Kill -9 at any moment: whatever was said to be on the disk is there, in a chain
/// that goes on.
#[test]
fn a_killed_process_leaves_a_log_that_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut noted = Vec::new();
    for round in 1..6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("audit::tests::crash::child_that_writes_until_it_is_killed")
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut heads = 0;
        let mut line = String::new();
        while heads < round * 9 && said.read_line(&mut line).unwrap() > 0 {
            if let Some(at) = line.find("head ") {
                noted.push(line[at + 5..].trim().parse::<Head>().unwrap());
                heads += 1;
            }
            line.clear();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = String::new();
        let _ = said.read_to_string(&mut rest);
        assert_eq!(heads, round * 9, "the child ended by itself: {rest}");
    }
    let mut writer = open(folder.path(), Some(notary(10)));
    writer.close().unwrap();
    let expectations = Expectations {
        heads: noted,
        keys: Some(keys()),
        ..Expectations::default()
    };
    let mut opened = 0;
    let findings = verify(folder.path(), &expectations, |record| {
        opened += u64::from(record.kind == Kind::Opened);
    })
    .unwrap();
    assert_eq!(opened, 6);
    assert!(findings.checkpoints > 5 && findings.lines_set_aside == 0);
}
