//! Everything that can go wrong in a command, with a stable code for each.

use std::io;
use std::path::{Path, PathBuf};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read, written or removed.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A program could not be started at all.
    #[error("cannot start `{program}`: {source}")]
    Start {
        /// The program's name.
        program: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A program ran and reported failure.
    #[error("`{command}` ended with {status}")]
    Command {
        /// The program and its arguments.
        command: String,
        /// Its exit status.
        status: String,
    },
    /// A file or a program's output does not have the expected form.
    #[error("{what} has an unexpected form: {detail}")]
    Malformed {
        /// The file or output.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The command was not started by cargo, so the workspace is unknown.
    #[error("the workspace is unknown: run this as `cargo xtask <command>`")]
    NotThroughCargo,
    /// A step needs root.
    #[error("{step} needs root; {otherwise}")]
    NeedsRoot {
        /// The step.
        step: String,
        /// What to do without root.
        otherwise: String,
    },
    /// The system's own package is not good enough, such as too old.
    #[error("this system's {packages} will not do; a newer one has to be installed by hand")]
    Unsuitable {
        /// The packages.
        packages: String,
    },
    /// The recipe needs Debian's package tools.
    #[error(
        "the sBPF recipe needs a Debian machine ({detail}); elsewhere use `anchor build` \
         (see `cargo xtask build-program --help`)"
    )]
    NeedsDebian {
        /// What is missing.
        detail: String,
    },
    /// An artifact kept in the project no longer belongs to its sources.
    #[error("{artifact} is stale: {detail}; {remedy}")]
    Stale {
        /// The artifact.
        artifact: &'static str,
        /// What differs.
        detail: String,
        /// The command that brings it up to date.
        remedy: &'static str,
    },
    /// A measured value exceeds its limit.
    #[error("over the limit: {detail}")]
    OverLimit {
        /// What was measured and its limit.
        detail: String,
    },
    /// Tests or checks failed, or did not run.
    #[error("{detail}")]
    Tests {
        /// Which, and how.
        detail: String,
    },
    /// The IDL could not be built from the program.
    #[error("the IDL could not be built: {detail}")]
    Idl {
        /// The builder's reason.
        detail: String,
    },
}

impl Error {
    /// The code of this kind of failure. It never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Start { .. } => "start",
            Self::Command { .. } => "command",
            Self::Malformed { .. } => "malformed",
            Self::NotThroughCargo => "not_through_cargo",
            Self::NeedsRoot { .. } => "needs_root",
            Self::Unsuitable { .. } => "unsuitable",
            Self::NeedsDebian { .. } => "needs_debian",
            Self::Stale { .. } => "stale",
            Self::OverLimit { .. } => "over_limit",
            Self::Tests { .. } => "tests",
            Self::Idl { .. } => "idl",
        }
    }

    /// Turns an operating system error about `path` into an [`Error`].
    pub fn file(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }

    /// Says that `what` does not have the expected form.
    pub fn malformed(what: impl ToString, detail: impl ToString) -> Self {
        Self::Malformed {
            what: what.to_string(),
            detail: detail.to_string(),
        }
    }
}
