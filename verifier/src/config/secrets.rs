//! `[secrets]`: the keys of nonces, payment ids and session tokens.

use std::path::Path;

use tollgate_client::UnixSeconds;
use tollgate_gate::limits::MAX_KEYS;
use tollgate_gate::siwx::Timestamp;

use super::document::Section;
use super::error::ProblemKind;
use super::secret::{Environment, Secret, secret_key};

/// `[secrets]`: the key of nonces, payment ids and session tokens.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// The key in use. Every replica needs the same.
    pub current: Secret,
    /// Keys before it: still accepted, never used for something new.
    pub previous: Vec<PreviousSecret>,
}

/// A key on its way out.
#[derive(Clone, Debug)]
pub struct PreviousSecret {
    /// The key.
    pub secret: Secret,
    /// From when on it is not accepted any more; `None`: for as long as it is
    /// configured.
    pub not_after: Option<UnixSeconds>,
}

impl PreviousSecret {
    /// A key that is accepted for as long as it is configured.
    #[must_use]
    pub fn new(secret: Secret) -> Self {
        Self {
            secret,
            not_after: None,
        }
    }
}

pub(super) fn secrets(
    section: Section<'_, '_>,
    folder: &Path,
    environment: &Environment<'_>,
) -> Option<Secrets> {
    let current = secret_key(&section, "key", folder, environment);
    if current == Ok(None) {
        section.report(
            ProblemKind::MissingKey,
            "key_file",
            "expected key_file or key_env, but none is there",
        );
    }
    let one = secret_key(&section, "previous_key", folder, environment);
    let several: Vec<_> = section
        .tables("previous")
        .into_iter()
        .map(|section| previous(section, folder, environment))
        .collect();
    let count = several.len() + usize::from(one != Ok(None));
    if count >= MAX_KEYS {
        section.report(
            ProblemKind::InvalidValue,
            "previous",
            format!(
                "expected at most {} previous keys, found {count}",
                MAX_KEYS - 1
            ),
        );
    }
    section.finish();
    Some(Secrets {
        current: current.ok()??,
        previous: one
            .ok()?
            .map(PreviousSecret::new)
            .into_iter()
            .map(Some)
            .chain(several)
            .collect::<Option<_>>()?,
    })
}

/// One of `[[secrets.previous]]`.
fn previous(
    section: Section<'_, '_>,
    folder: &Path,
    environment: &Environment<'_>,
) -> Option<PreviousSecret> {
    const EXPECTED: &str = "a time such as \"2026-12-01T00:00:00Z\"";
    let secret = secret_key(&section, "key", folder, environment);
    if secret == Ok(None) {
        section.report(
            ProblemKind::MissingKey,
            "key_file",
            "expected key_file or key_env, but none is there",
        );
    }
    let not_after = section.optional("not_after", EXPECTED, |text| {
        Timestamp::from_text(text)
            .map(|Timestamp(time)| time)
            .ok_or_else(|| format!("expected {EXPECTED}, found {text:?}"))
    });
    section.finish();
    Some(PreviousSecret {
        secret: secret.ok()??,
        not_after,
    })
}
