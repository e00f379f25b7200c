//! What can be wrong with a log.

use std::path::PathBuf;

use super::Head;

/// Closed list; [`AuditError::code`] is stable.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A file or folder cannot be used.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// The operating system's words.
        error: std::io::Error,
    },
    /// Another process writes to the folder.
    #[error("another process writes to the audit log in {}", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds no log.
    #[error("there is no audit log in {}", path.display())]
    Empty {
        /// The folder or file.
        path: PathBuf,
    },
    /// A line is not a record: it was changed, or cut off.
    #[error("{}, line {line}: this record was changed or cut off", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
    },
    /// A record does not follow the one before: something was removed, added or
    /// moved.
    #[error("{}, line {line}: this record does not follow the one before it", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
    },
    /// The log ends before, or differs from, a head that is known to have been.
    #[error("the log does not contain the record {0}: its end was cut off or replaced")]
    HeadMissing(Head),
    /// A checkpoint whose signature or content does not hold.
    #[error("a checkpoint does not hold: {0}")]
    Checkpoint(String),
}

impl AuditError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "audit_io",
            Self::Locked { .. } => "audit_locked",
            Self::Empty { .. } => "audit_empty",
            Self::Damaged { .. } => "audit_damaged",
            Self::Broken { .. } => "audit_broken",
            Self::HeadMissing(_) => "audit_head_missing",
            Self::Checkpoint(_) => "audit_checkpoint",
        }
    }

    /// Whether the log is not what was written, rather than not readable.
    #[must_use]
    pub fn is_tampering(&self) -> bool {
        matches!(
            self,
            Self::Damaged { .. } | Self::Broken { .. } | Self::HeadMissing(_) | Self::Checkpoint(_)
        )
    }
}
