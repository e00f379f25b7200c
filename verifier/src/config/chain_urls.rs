//! The URLs of `[chain]`, which may be secrets.

use std::path::Path;

use super::chain::MAX_RPC_FALLBACKS;
use super::document::Section;
use super::error::ProblemKind;
use super::secret::{Environment, SecretUrl, secret_text};

/// Where URLs come from: the text, a file or the environment.
pub(super) struct Sources<'a, 'doc, 'text> {
    pub(super) section: &'a Section<'doc, 'text>,
    pub(super) folder: &'a Path,
    pub(super) environment: &'a Environment<'a>,
}

impl Sources<'_, '_, '_> {
    /// The URL of `key`, from exactly one of the three. `Ok(None)` when none of them
    /// is there; `Err(())` when there is a problem, which has been reported.
    pub(super) fn url(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<SecretUrl, String>,
    ) -> Result<Option<SecretUrl>, ()> {
        let section = self.section;
        let secret = secret_text(section, key, self.folder, self.environment)?;
        match (section.has(key), secret) {
            (true, Some(_)) => {
                self.only_one(key);
                Err(())
            }
            (true, None) => section.parsed(key, "a URL", parse).map(Some).ok_or(()),
            (false, Some(text)) => match parse(&text) {
                Ok(url) => Ok(Some(url)),
                Err(message) => {
                    section.report(ProblemKind::InvalidValue, &self.source(key), message);
                    Err(())
                }
            },
            (false, None) => Ok(None),
        }
    }

    /// `rpc_urls`: an array, or a file or variable with one URL a line.
    pub(super) fn fallbacks(&self) -> Vec<SecretUrl> {
        const KEY: &str = "rpc_urls";
        let section = self.section;
        let shown = section.strings(KEY, "an array of URLs", SecretUrl::parse);
        let Ok(secret) = secret_text(section, KEY, self.folder, self.environment) else {
            return Vec::new();
        };
        let urls = match (shown, secret) {
            (Some(_), Some(_)) => {
                self.only_one(KEY);
                Vec::new()
            }
            (Some(urls), None) => urls,
            (None, Some(text)) => {
                let parsed: Result<Vec<_>, _> =
                    text.split_whitespace().map(SecretUrl::parse).collect();
                parsed.unwrap_or_else(|message| {
                    section.report(ProblemKind::InvalidValue, &self.source(KEY), message);
                    Vec::new()
                })
            }
            (None, None) => Vec::new(),
        };
        if urls.len() > MAX_RPC_FALLBACKS {
            section.report(
                ProblemKind::InvalidValue,
                &self.source(KEY),
                format!(
                    "expected at most {MAX_RPC_FALLBACKS} URLs, found {}",
                    urls.len()
                ),
            );
        }
        urls
    }

    fn only_one(&self, key: &str) {
        self.section.report(
            ProblemKind::Conflict,
            key,
            format!("expected only one of {key}, {key}_file and {key}_env"),
        );
    }

    /// The key under which a value was given.
    pub(super) fn source(&self, key: &str) -> String {
        [format!("{key}_file"), format!("{key}_env")]
            .into_iter()
            .find(|key| self.section.has(key))
            .unwrap_or_else(|| key.to_owned())
    }
}
