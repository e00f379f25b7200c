//! `[audit]`: the log of what was decided.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::Section;
use super::error::ProblemKind;
use crate::audit::Kind;

/// `[audit]`: where and how decisions are recorded. Left out: they are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditConfig {
    /// The folder of the log's files; made if it is missing. One process at a time.
    pub folder: PathBuf,
    /// The size at which the next file begins, in bytes.
    pub max_file_bytes: u64,
    /// The most records that wait to be written.
    pub queue: usize,
    /// What happens when that many wait.
    pub when_full: WhenFull,
    /// When what was written is forced to the disk.
    pub sync: SyncPolicy,
    /// Which of the decisions are recorded.
    pub kinds: Vec<Kind>,
    /// After how many records a signed checkpoint is written; zero: never. Needs
    /// `[receipts]`.
    pub checkpoint_every: u64,
}

/// What happens to a decision whose record has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits; if there is no room in time, the request is refused with 503.
    /// Nothing is granted without a record.
    Block,
    /// It takes effect, and the missing records are counted in a record.
    Drop,
}

/// When records are forced to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPolicy {
    /// After every batch.
    Always,
    /// At most this long after a write.
    Interval(Duration),
    /// When the operating system likes.
    Never,
}

impl AuditConfig {
    /// The defaults for a folder.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            max_file_bytes: 64 << 20,
            queue: 10_000,
            when_full: WhenFull::Block,
            sync: SyncPolicy::Interval(Duration::from_secs(1)),
            kinds: Kind::DECISIONS.to_vec(),
            checkpoint_every: 1_000,
        }
    }
}

pub(super) fn audit(section: Section<'_, '_>, folder: &Path) -> Option<AuditConfig> {
    const WHEN_FULL: &str = "\"block\" or \"drop\"";
    const SYNC: &str = "\"always\", \"interval\" or \"never\"";
    let place = section.parsed("folder", "a folder's path", |path| {
        if path.is_empty() {
            Err("expected a folder's path".to_owned())
        } else {
            Ok(folder.join(path))
        }
    });
    let mut config = AuditConfig::new(place.clone().unwrap_or_default());
    section.set_integer(
        "max_file_bytes",
        &mut config.max_file_bytes,
        (64 << 10, 1 << 40),
    );
    section.set_count("queue", &mut config.queue, 1_000_000);
    let when_full = section.optional("when_full", WHEN_FULL, |text| match text {
        "block" => Ok(WhenFull::Block),
        "drop" => Ok(WhenFull::Drop),
        _ => Err(format!("expected {WHEN_FULL}, found {text:?}")),
    });
    config.when_full = when_full.unwrap_or(config.when_full);
    let mut interval = Duration::from_secs(1);
    section.set_milliseconds("sync_interval_ms", &mut interval, 60_000);
    let sync = section.optional("sync", SYNC, |text| match text {
        "always" => Ok(SyncPolicy::Always),
        "interval" => Ok(SyncPolicy::Interval(interval)),
        "never" => Ok(SyncPolicy::Never),
        _ => Err(format!("expected {SYNC}, found {text:?}")),
    });
    config.sync = sync.unwrap_or(SyncPolicy::Interval(interval));
    if section.has("sync_interval_ms") && !matches!(config.sync, SyncPolicy::Interval(_)) {
        section.report(
            ProblemKind::Conflict,
            "sync_interval_ms",
            "expected sync = \"interval\" beside it",
        );
    }
    let kinds = section.strings("kinds", "an array of kinds", |text| {
        Kind::DECISIONS
            .into_iter()
            .find(|kind| kind.word() == text)
            .ok_or_else(|| {
                let known: Vec<_> = Kind::DECISIONS.map(Kind::word).to_vec();
                format!("expected one of {}, found {text:?}", known.join(", "))
            })
    });
    config.kinds = kinds.unwrap_or(config.kinds);
    section.set_integer(
        "checkpoint_every",
        &mut config.checkpoint_every,
        (0, 1_000_000),
    );
    section.finish();
    place.map(|_| config)
}
