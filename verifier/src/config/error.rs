//! What can be wrong with a configuration, said so that it can be put right.

use std::fmt;

/// The kind of a configuration problem. The text of [`ProblemKind::code`] is
/// stable: scripts may match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The file could not be read.
    Unreadable,
    /// The file is larger than [`super::MAX_FILE_BYTES`].
    TooLarge,
    /// The text is not TOML.
    Syntax,
    /// A key that means nothing here; refused, because a misspelt limit must
    /// not silently become the default.
    UnknownKey,
    /// A key that must be there is not.
    MissingKey,
    /// A value of the wrong TOML type.
    WrongType,
    /// A value of the right type that is not acceptable.
    InvalidValue,
    /// Keys that exclude each other, or none of several alternatives.
    Conflict,
    /// A secret's file or environment variable is missing or unusable.
    SecretUnavailable,
}

impl ProblemKind {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 9] = [
        Self::Unreadable,
        Self::TooLarge,
        Self::Syntax,
        Self::UnknownKey,
        Self::MissingKey,
        Self::WrongType,
        Self::InvalidValue,
        Self::Conflict,
        Self::SecretUnavailable,
    ];

    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "config_unreadable",
            Self::TooLarge => "config_too_large",
            Self::Syntax => "config_syntax",
            Self::UnknownKey => "config_unknown_key",
            Self::MissingKey => "config_missing_key",
            Self::WrongType => "config_wrong_type",
            Self::InvalidValue => "config_invalid_value",
            Self::Conflict => "config_conflict",
            Self::SecretUnavailable => "config_secret_unavailable",
        }
    }
}

impl ProblemKind {
    /// One sentence for people.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Unreadable => "the file cannot be read",
            Self::TooLarge => "the file is too large to be a configuration",
            Self::Syntax => "the text is not TOML",
            Self::UnknownKey => "a key that means nothing at this place",
            Self::MissingKey => "a key that must be there is not",
            Self::WrongType => "a value has the wrong TOML type",
            Self::InvalidValue => "a value has the right type but is not acceptable",
            Self::Conflict => "keys exclude each other, or none of several alternatives is there",
            Self::SecretUnavailable => {
                "a secret's file or environment variable is missing or unusable"
            }
        }
    }
}

/// One problem: where it is, and what was expected there. Never contains a
/// secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// What kind of problem.
    pub kind: ProblemKind,
    /// The file's name as it was given.
    pub file: String,
    /// The line, counted from 1; `None` when the problem has no place in the
    /// text (an unreadable file).
    pub line: Option<usize>,
    /// The key's path, as `routes[2].methods`; empty for the whole file.
    pub key: String,
    /// What was expected, and, where it is no secret, what was found.
    pub message: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(formatter, ": {}", self.key)?;
        }
        write!(formatter, ": {} [{}]", self.message, self.kind.code())
    }
}

/// Everything that is wrong with a configuration: all of it at once, so that one
/// run shows all there is to correct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The problems, in the order of the file; never empty.
    pub problems: Vec<ConfigProblem>,
}

impl ConfigError {
    /// The stable code of the first problem.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.problems
            .first()
            .map_or(ProblemKind::InvalidValue.code(), |problem| {
                problem.kind.code()
            })
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct() {
        let mut codes: Vec<_> = ProblemKind::ALL.iter().map(|kind| kind.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ProblemKind::ALL.len());
    }
}
