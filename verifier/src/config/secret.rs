//! Secrets: read from a file or an environment variable, never from the
//! configuration's text, never printed.

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use super::document::Section;
use super::error::ProblemKind;

/// The fewest bytes of a secret key: as many as the HMAC-SHA256 output, so that
/// guessing the key is no easier than guessing a tag (RFC 2104 section 3).
pub const MIN_SECRET_BYTES: usize = 32;

/// The most bytes of a secret; anything longer is the wrong file.
pub const MAX_SECRET_BYTES: usize = 4096;

/// Bytes that must not be shown. Wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes over `bytes`; `None` when there are fewer than
    /// [`MIN_SECRET_BYTES`] or more than [`MAX_SECRET_BYTES`].
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        let bytes = Zeroizing::new(bytes);
        (MIN_SECRET_BYTES..=MAX_SECRET_BYTES)
            .contains(&bytes.len())
            .then_some(Self(bytes))
    }

    /// A fresh random secret. Challenges and session tokens made with it are
    /// understood by this process only: for `tollgate dev` and tests.
    #[must_use]
    pub fn random() -> Self {
        let bytes: [u8; 32] = rand::random();
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The bytes, for the code that computes with them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret([redacted])")
    }
}

/// A URL that may carry a key in its path, query or user information (RPC
/// providers do that). Shown as scheme and host only.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl {
    full: Zeroizing<String>,
    shown: String,
}

impl SecretUrl {
    /// Checks that `text` is an `http` or `https` URL with a host.
    ///
    /// # Errors
    /// What was expected, without quoting the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::with_scheme(
            text,
            &["http", "https"],
            "expected an http:// or https:// URL with a host",
        )
    }

    /// Checks that `text` is a `ws` or `wss` URL with a host.
    ///
    /// # Errors
    /// What was expected, without quoting the text.
    pub fn parse_websocket(text: &str) -> Result<Self, String> {
        Self::with_scheme(
            text,
            &["ws", "wss"],
            "expected a ws:// or wss:// URL with a host",
        )
    }

    fn with_scheme(text: &str, schemes: &[&str], expected: &str) -> Result<Self, String> {
        let uri: http::Uri = text.parse().map_err(|_| expected.to_owned())?;
        let scheme = uri
            .scheme_str()
            .filter(|scheme| schemes.contains(scheme))
            .ok_or(expected)?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(expected)?;
        let shown = match uri.port_u16() {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        Ok(Self {
            full: Zeroizing::new(text.to_owned()),
            shown,
        })
    }

    /// Stands in while a configuration with problems is read to its end.
    pub(super) fn unset() -> Self {
        Self {
            full: Zeroizing::new(String::new()),
            shown: String::new(),
        }
    }

    /// Host and port, as far as it names one: who answers there.
    #[must_use]
    pub fn authority(&self) -> String {
        let shown = self.shown.split_once("://");
        shown.map_or("", |(_, authority)| authority).to_lowercase()
    }

    /// The whole URL, for the code that connects to it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.full
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SecretUrl({})", self.shown)
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

/// Where secrets come from besides files. Tests hand in a table of their own.
pub type Environment<'env> = dyn Fn(&str) -> Option<String> + 'env;

/// Reads the secret text named by `{key}_file` or `{key}_env` of `section`.
/// Relative paths start at `folder`. `Ok(None)` when neither is there; `Err(())`
/// when there is a problem, which has been reported.
pub(super) fn secret_text(
    section: &Section<'_, '_>,
    key: &str,
    folder: &Path,
    environment: &Environment<'_>,
) -> Result<Option<Zeroizing<String>>, ()> {
    let file_key = format!("{key}_file");
    let env_key = format!("{key}_env");
    let from_file = section.optional(&file_key, "a file's path", |path| Ok(path.to_owned()));
    let from_env = section.optional(&env_key, "an environment variable's name", |name| {
        Ok(name.to_owned())
    });
    if section.has(&file_key) && section.has(&env_key) {
        section.report(
            ProblemKind::Conflict,
            &env_key,
            format!("expected only one of {file_key} and {env_key}"),
        );
        return Err(());
    }
    let (key, found) = if let Some(path) = from_file {
        let found = read_secret_file(&folder.join(&path));
        if let Ok(text) = &found {
            section.note_file(text.as_bytes());
        }
        (file_key, found)
    } else if let Some(name) = from_env {
        let found = environment(&name)
            .map(Zeroizing::new)
            .ok_or_else(|| format!("expected the environment variable {name} to be set"));
        (env_key, found)
    } else if section.has(&file_key) || section.has(&env_key) {
        // Of the wrong type, and reported as such.
        return Err(());
    } else {
        return Ok(None);
    };
    match found {
        Ok(text) => Ok(Some(Zeroizing::new(text.trim().to_owned()))),
        Err(message) => {
            section.report(ProblemKind::SecretUnavailable, &key, message);
            Err(())
        }
    }
}

fn read_secret_file(path: &Path) -> Result<Zeroizing<String>, String> {
    let shown = path.display();
    let length = std::fs::metadata(path)
        .map_err(|error| format!("expected a readable file {shown}: {error}"))?
        .len();
    if length > MAX_SECRET_BYTES as u64 {
        return Err(format!(
            "expected at most {MAX_SECRET_BYTES} bytes in {shown}"
        ));
    }
    std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| format!("expected readable text in {shown}: {error}"))
}

/// The value that `parse` makes of the secret text of `{key}_file` or `{key}_env`;
/// `None` after a problem, which has been reported.
pub(super) fn parsed_secret<T>(
    section: &Section<'_, '_>,
    key: &str,
    folder: &Path,
    environment: &Environment<'_>,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<Option<T>> {
    let Some(text) = secret_text(section, key, folder, environment).ok()? else {
        return Some(None);
    };
    match parse(&text) {
        Ok(value) => Some(Some(value)),
        Err(message) => {
            let file = format!("{key}_file");
            let named = if section.has(&file) {
                file
            } else {
                format!("{key}_env")
            };
            section.report(ProblemKind::SecretUnavailable, &named, message);
            None
        }
    }
}

/// The secret key of `{key}_file` or `{key}_env`.
pub(super) fn secret_key(
    section: &Section<'_, '_>,
    key: &str,
    folder: &Path,
    environment: &Environment<'_>,
) -> Result<Option<Secret>, ()> {
    let parse = |text: &str| {
        Secret::new(text.as_bytes().to_vec()).ok_or_else(|| {
            format!("expected a secret of {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes")
        })
    };
    parsed_secret(section, key, folder, environment, parse).ok_or(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let secret = Secret::new(b"an opening word that nobody may see".to_vec()).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret([redacted])");
        let url =
            SecretUrl::parse("https://user:word@rpc.test:8443/key-1234?api-key=5678").unwrap();
        assert_eq!(url.to_string(), "https://rpc.test:8443");
        assert_eq!(format!("{url:?}"), "SecretUrl(https://rpc.test:8443)");
        assert!(url.expose().ends_with("5678"));
    }

    #[test]
    fn short_secrets_are_refused() {
        assert!(Secret::new(vec![7; MIN_SECRET_BYTES - 1]).is_none());
        assert!(Secret::new(vec![7; MIN_SECRET_BYTES]).is_some());
        assert!(Secret::new(vec![7; MAX_SECRET_BYTES + 1]).is_none());
    }
}
