//! The log as requests see it: a bounded queue, and one task that writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::{self, Receiver, Sender, error::TrySendError};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tracing::{error, info, warn};

use super::writer::{Notary, Writer};
use super::{AuditError, Kind, Record};
use crate::config::{AuditConfig, SyncPolicy, WhenFull};

/// How long a request waits for room in the queue before it is refused.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// The most records that are written at once.
const BATCH: usize = 512;
/// How long to wait before writing again what could not be written.
const RETRY: Duration = Duration::from_millis(250);
/// How often the writer wakes up with nothing to write, to count what was dropped.
const IDLE: Duration = Duration::from_secs(1);

/// There was no room for a record, and it must not be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

enum Message {
    Record(Box<Record>),
    Close,
}

/// The way to the writer.
#[derive(Debug)]
pub(crate) struct AuditLog {
    queue: Sender<Message>,
    when_full: WhenFull,
    kinds: Vec<Kind>,
    dropped: Arc<AtomicU64>,
}

/// The writer's task. Ends with its owner; [`AuditTask::close`] lets it finish.
#[derive(Debug)]
pub(crate) struct AuditTask {
    queue: Sender<Message>,
    task: JoinHandle<()>,
}

impl AuditLog {
    /// Opens the log and starts its writer.
    pub(crate) async fn start(
        config: &AuditConfig,
        notary: Option<Notary>,
    ) -> Result<(Self, AuditTask), AuditError> {
        let folder = config.folder.clone();
        let max_file_bytes = config.max_file_bytes;
        let opened = blocking(move || Writer::open(folder, max_file_bytes, notary)).await;
        let (writer, torn) = opened.unwrap_or_else(|| Err(interrupted(config)))?;
        for torn in torn {
            warn!(
                bytes = torn.bytes,
                lines = torn.lines,
                "the end of the audit log was torn"
            );
        }
        info!(head = %writer.head(), "the audit log goes on");
        let (queue, receiver) = mpsc::channel(config.queue);
        let dropped = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(write(writer, receiver, config.sync, Arc::clone(&dropped)));
        let log = Self {
            queue: queue.clone(),
            when_full: config.when_full,
            kinds: config.kinds.clone(),
            dropped,
        };
        Ok((log, AuditTask { queue, task }))
    }

    /// Whether records of this kind are wanted.
    pub(crate) fn wants(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Queues a record, or counts that it was left out, if that takes no waiting.
    ///
    /// # Errors
    /// The record, when there is no room for it and it must not be left out.
    pub(crate) fn record_at_once(&self, record: Record) -> Result<(), Box<Record>> {
        let (TrySendError::Full(message) | TrySendError::Closed(message)) =
            match self.queue.try_send(Message::Record(Box::new(record))) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
        match (self.when_full, message) {
            (WhenFull::Block, Message::Record(record)) => Err(record),
            (WhenFull::Drop, _) | (WhenFull::Block, Message::Close) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Queues a record, and waits for room where none may be missing.
    ///
    /// # Errors
    /// [`NoRoom`]: the decision must not take effect.
    pub(crate) async fn record(&self, record: Record) -> Result<(), NoRoom> {
        let Err(record) = self.record_at_once(record) else {
            return Ok(());
        };
        match timeout(MAX_WAIT, self.queue.send(Message::Record(record))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(NoRoom),
        }
    }
}

impl AuditTask {
    /// Writes what is queued, at most for `deadline`, and that the process ended.
    pub(crate) async fn close(mut self, deadline: Duration) {
        let closing = async {
            // Behind everything that is queued.
            let _ = self.queue.send(Message::Close).await;
            let _ = (&mut self.task).await;
        };
        if timeout(deadline, closing).await.is_err() {
            error!("the audit log could not be closed in time");
        }
    }
}

impl Drop for AuditTask {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn write(
    mut writer: Writer,
    mut queue: Receiver<Message>,
    sync: SyncPolicy,
    dropped: Arc<AtomicU64>,
) {
    let pause = match sync {
        SyncPolicy::Interval(interval) => interval.min(IDLE),
        SyncPolicy::Always | SyncPolicy::Never => IDLE,
    };
    let mut unsynced_since: Option<Instant> = None;
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let received = timeout(pause, queue.recv_many(&mut batch, BATCH)).await;
        let ended = received == Ok(0);
        let closing = batch
            .iter()
            .any(|message| matches!(message, Message::Close));
        let mut records: Vec<Record> = batch
            .drain(..)
            .filter_map(|message| match message {
                Message::Record(record) => Some(*record),
                Message::Close => None,
            })
            .collect();
        let missing = dropped.swap(0, Ordering::Relaxed);
        if missing > 0 {
            warn!(missing, "decisions were not recorded: the queue was full");
            records.push(Record {
                count: Some(missing),
                ..Record::now(Kind::Dropped)
            });
        }
        if !records.is_empty() {
            unsynced_since = unsynced_since.or(Some(Instant::now()));
        }
        let due = unsynced_since.is_some_and(|since| match sync {
            SyncPolicy::Always => true,
            SyncPolicy::Interval(interval) => since.elapsed() >= interval,
            SyncPolicy::Never => false,
        });
        if due {
            unsynced_since = None;
        }
        let Some(back) = store(writer, records, due).await else {
            error!("the writer of the audit log is gone");
            return;
        };
        writer = back;
        if closing || ended {
            let closed = blocking(move || writer.close()).await;
            if let Some(Err(error)) = closed {
                error!(%error, "the audit log could not be closed");
            }
            return;
        }
    }
}

/// Writes a batch, however often it takes: a full disk must not lose records, and
/// the queue fills meanwhile as it was configured to.
async fn store(mut writer: Writer, records: Vec<Record>, sync: bool) -> Option<Writer> {
    if records.is_empty() && !sync {
        return Some(writer);
    }
    let mut records = records;
    loop {
        let (back, outcome, kept) = blocking(move || {
            let mut outcome = writer.append(&records);
            if outcome.is_ok() {
                records.clear();
                if sync {
                    outcome = writer.sync();
                }
            }
            (writer, outcome, records)
        })
        .await?;
        match outcome {
            Ok(()) => return Some(back),
            Err(error) => {
                error!(%error, "the audit log cannot be written; trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
        writer = back;
        records = kept;
    }
}

/// `None` when the work was cancelled or panicked.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

fn interrupted(config: &AuditConfig) -> AuditError {
    AuditError::Io {
        path: config.folder.clone(),
        error: std::io::ErrorKind::Interrupted.into(),
    }
}
