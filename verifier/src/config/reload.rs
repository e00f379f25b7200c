//! `[reload]`: when the configuration is read again, and how a change is noticed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::document::Section;
use super::sections::ONE_HOUR_MS;
use super::{Config, ConfigError};

/// The least time between two looks: each reads every file of the configuration.
const LEAST_INTERVAL_MS: u64 = 100;

/// `[reload]`. The service reads its configuration again when it is told to
/// (`SIGHUP`); with an interval also by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReloadConfig {
    /// How often the files are looked at; `None`: never.
    pub watch_interval: Option<Duration>,
}

pub(super) fn reload(section: Section<'_, '_>) -> ReloadConfig {
    // Zero stands for "not given": the key has no such value.
    let mut milliseconds = 0;
    section.set_integer(
        "watch_interval_ms",
        &mut milliseconds,
        (LEAST_INTERVAL_MS, ONE_HOUR_MS),
    );
    section.finish();
    ReloadConfig {
        watch_interval: (milliseconds > 0).then(|| Duration::from_millis(milliseconds)),
    }
}

/// What a configuration was read from, as one hash: its text, and the content of every
/// file that it names (secrets, certificates). Two that differ may still mean the same.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceDigest([u8; 32]);

impl fmt::Debug for SourceDigest {
    /// Secrets are among what was hashed.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SourceDigest(..)")
    }
}

/// A [`SourceDigest`] in the making.
#[derive(Default)]
pub(super) struct SourceHasher(Sha256);

impl SourceHasher {
    /// Begins with the text of the configuration.
    pub(super) fn of(text: &str) -> Self {
        let mut this = Self::default();
        this.add(text.as_bytes());
        this
    }

    /// Adds one file's content. Files follow each other in the order of reading,
    /// which the text alone decides.
    pub(super) fn add(&mut self, content: &[u8]) {
        self.0.update(content.len().to_le_bytes());
        self.0.update(content);
    }

    pub(super) fn finish(self) -> SourceDigest {
        SourceDigest(self.0.finalize().into())
    }
}

/// Notices that a configuration changed, by reading it: the one way that works
/// however a file is exchanged (written in place, renamed over, or as Kubernetes does
/// it, by another symbolic link to the folder), and for the files that it names.
///
/// A change is worth judging once two looks in a row found the same: a file that is
/// being written, or is gone between two renames, is not reported as wrong.
#[derive(Debug)]
pub struct ConfigWatch {
    path: PathBuf,
    /// What was put in force or refused.
    judged: Found,
    /// What the last look found, if that is something else.
    candidate: Option<Found>,
}

/// What stands in the files.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Valid(SourceDigest),
    /// The problems: while they are the same, there is nothing new to say.
    Invalid(String),
}

impl Found {
    fn of(loaded: &Result<Config, ConfigError>) -> Self {
        match loaded {
            Ok(config) => Self::Valid(config.source),
            Err(error) => Self::Invalid(error.to_string()),
        }
    }
}

impl ConfigWatch {
    /// Watches the file at `path`, from which the configuration in force was read.
    #[must_use]
    pub fn new(path: &Path, in_force: SourceDigest) -> Self {
        Self {
            path: path.to_path_buf(),
            judged: Found::Valid(in_force),
            candidate: None,
        }
    }

    /// Looks at the files. True when they changed and two looks found the same.
    pub async fn look(&mut self) -> bool {
        let Some(found) = self.found().await else {
            return false;
        };
        if found == self.judged {
            self.candidate = None;
            return false;
        }
        let settled = self.candidate.as_ref() == Some(&found);
        self.candidate = Some(found);
        settled
    }

    /// To be called before the file is read to be put in force: what stands there now
    /// counts as judged when [`ConfigWatch::judged`] says so.
    pub async fn before_judgement(&mut self) {
        self.candidate = self.found().await;
    }

    /// What stood there [before](Self::before_judgement) was put in force or refused for
    /// good, and is not worth judging again.
    pub fn judged(&mut self) {
        if let Some(candidate) = self.candidate.take() {
            self.judged = candidate;
        }
    }

    /// `None` when the reader itself failed, which says nothing about the files.
    async fn found(&self) -> Option<Found> {
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || Found::of(&Config::load(&path)))
            .await
            .ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    const EXAMPLE: &str = include_str!("../../examples/tollgate.toml");

    /// A folder as Kubernetes mounts one: the files are links through `..data`, which
    /// is a link to the folder of one version.
    struct Mounted(tempfile::TempDir);

    impl Mounted {
        fn new(text: &str) -> Self {
            let this = Self(tempfile::tempdir().unwrap());
            this.publish("v1", text);
            for name in ["tollgate.toml", "secret.key"] {
                let link = this.0.path().join(name);
                std::os::unix::fs::symlink(format!("..data/{name}"), link).unwrap();
            }
            this
        }

        /// Makes `version` the current one, in one step.
        fn publish(&self, version: &str, text: &str) {
            let folder = self.0.path().join(version);
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("tollgate.toml"), text).unwrap();
            std::fs::write(folder.join("secret.key"), version.repeat(32)).unwrap();
            let next = self.0.path().join("..data_tmp");
            std::os::unix::fs::symlink(version, &next).unwrap();
            std::fs::rename(next, self.0.path().join("..data")).unwrap();
        }

        fn file(&self) -> PathBuf {
            self.0.path().join("tollgate.toml")
        }

        fn watch(&self) -> ConfigWatch {
            let config = Config::load(&self.file()).unwrap();
            ConfigWatch::new(&self.file(), config.source)
        }
    }

    async fn looks<const N: usize>(watch: &mut ConfigWatch) -> [bool; N] {
        let mut found = [false; N];
        for look in &mut found {
            *look = watch.look().await;
        }
        found
    }

    #[tokio::test]
    async fn an_exchanged_folder_is_one_change_even_if_only_a_secret_differs() {
        let mounted = Mounted::new(EXAMPLE);
        let mut watch = mounted.watch();
        assert_eq!(looks(&mut watch).await, [false; 3]);
        mounted.publish("v2", EXAMPLE);
        assert_eq!(looks(&mut watch).await, [false, true]);
        watch.before_judgement().await;
        watch.judged();
        assert_eq!(looks(&mut watch).await, [false; 3]);
    }

    #[tokio::test]
    async fn what_was_not_judged_for_good_is_found_again() {
        let mounted = Mounted::new(EXAMPLE);
        let mut watch = mounted.watch();
        mounted.publish("v2", EXAMPLE);
        watch.before_judgement().await;
        assert_eq!(looks(&mut watch).await, [true, true]);
        watch.judged();
        assert_eq!(looks(&mut watch).await, [false, false]);
    }

    #[tokio::test]
    async fn what_stands_there_for_a_moment_is_nothing() {
        let mounted = Mounted::new(EXAMPLE);
        let mut watch = mounted.watch();
        let file = mounted.file();
        let aside = mounted.0.path().join("aside");
        // Gone, half written, and as before: what an editor does.
        std::fs::rename(&file, &aside).unwrap();
        assert!(!watch.look().await);
        std::fs::write(&file, "[serv").unwrap();
        assert!(!watch.look().await);
        std::fs::rename(&aside, &file).unwrap();
        assert_eq!(looks(&mut watch).await, [false; 3]);
    }

    #[tokio::test]
    async fn one_mistake_is_reported_once_and_mending_it_is_a_change() {
        let mounted = Mounted::new(EXAMPLE);
        let mut watch = mounted.watch();
        mounted.publish("v2", "[server]\n");
        assert_eq!(looks(&mut watch).await, [false, true]);
        watch.judged();
        assert_eq!(looks(&mut watch).await, [false; 3]);
        mounted.publish("v3", &EXAMPLE.replace("Example Data", "Example"));
        assert_eq!(looks(&mut watch).await, [false, true]);
    }
}
