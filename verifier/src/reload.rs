//! Changing the configuration of a running verifier.
//!
//! A new configuration is checked as at the start, the chain included, before
//! anything changes. Then it takes the place of the old one in one step: requests
//! that have begun end under the configuration under which they began. What is
//! bound to the process cannot change; a configuration that differs there is
//! refused as a whole, never applied in part.

use std::fmt;

use crate::config::{Config, ConfigError};
use crate::start_error::StartError;

/// Why a new configuration was refused. The old one is in force.
#[derive(Debug)]
pub enum ReloadError {
    /// The file has problems.
    Config(ConfigError),
    /// Settings changed that only a restart can change.
    NeedsRestart(Vec<FixedSetting>),
    /// It could not have been started with either.
    Start(StartError),
    /// The chain cannot be read now, so that nobody knows what the new routes sell.
    ChainUnavailable,
}

impl ReloadError {
    /// The codes that are not those of a [`ConfigError`] or a [`StartError`], each
    /// with its meaning.
    pub const CODES: [(&'static str, &'static str); 2] = [
        (
            "reload_needs_restart",
            "settings changed that only a restart can change; the message names them",
        ),
        (
            "reload_chain_unavailable",
            "the chain cannot be read now, so the new routes' terms are not known",
        ),
    ];

    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Config(error) => error.code(),
            Self::NeedsRestart(_) => "reload_needs_restart",
            Self::Start(error) => error.code(),
            Self::ChainUnavailable => "reload_chain_unavailable",
        }
    }
}

impl fmt::Display for ReloadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(formatter),
            Self::Start(error) => error.fmt(formatter),
            Self::NeedsRestart(settings) => {
                formatter.write_str("only a restart can change ")?;
                for (index, setting) in settings.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(formatter, "{separator}{setting}")?;
                }
                Ok(())
            }
            Self::ChainUnavailable => formatter
                .write_str("the chain cannot be read now, so the new routes' terms are not known"),
        }
    }
}

impl std::error::Error for ReloadError {}

impl From<ConfigError> for ReloadError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<StartError> for ReloadError {
    fn from(error: StartError) -> Self {
        Self::Start(error)
    }
}

/// A setting that is bound to the process, with its two values. Secrets are not
/// among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedSetting {
    /// Its key.
    pub key: &'static str,
    /// The value in force.
    pub running: String,
    /// The value that was asked for.
    pub wanted: String,
}

impl fmt::Display for FixedSetting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            running,
            wanted,
        } = self;
        write!(formatter, "{key} (it is {running}, the file says {wanted})")
    }
}

/// What `wanted` would change that cannot change.
pub(crate) fn fixed_settings(running: &Config, wanted: &Config) -> Vec<FixedSetting> {
    let mut found = Vec::new();
    let mut compare = |key: &'static str, running: String, wanted: String| {
        if running != wanted {
            found.push(FixedSetting {
                key,
                running,
                wanted,
            });
        }
    };
    let text = |value: &dyn fmt::Debug| format!("{value:?}");
    let (was, is) = (&running.server, &wanted.server);
    // Sockets.
    compare("server.listen", text(&was.listen), text(&is.listen));
    compare("admin", text(&running.admin), text(&wanted.admin));
    // Challenges and sessions in callers' hands name it.
    compare(
        "server.public_url",
        was.public_url.to_string(),
        is.public_url.to_string(),
    );
    // The accept loop counts down from it.
    compare(
        "server.max_connections",
        was.max_connections.to_string(),
        is.max_connections.to_string(),
    );
    // Plain connections and TLS ones cannot share a port; certificates can change.
    let tls = |config: &Config| {
        if config.server.tls.is_some() {
            "on"
        } else {
            "off"
        }
    };
    compare(
        "server.tls",
        tls(running).to_owned(),
        tls(wanted).to_owned(),
    );
    compare("log", text(&running.log), text(&wanted.log));
    // What is remembered of the chain was read so. The servers themselves can change.
    let (was, is) = (&running.chain, &wanted.chain);
    let milliseconds = |duration: std::time::Duration| duration.as_millis().to_string();
    for (key, was, is) in [
        (
            "chain.program_id",
            was.program_id.to_string(),
            is.program_id.to_string(),
        ),
        (
            "chain.genesis_hash",
            was.genesis_hash.to_string(),
            is.genesis_hash.to_string(),
        ),
        (
            "chain.commitment",
            text(&was.commitment),
            text(&is.commitment),
        ),
        (
            "chain.request_timeout_ms",
            milliseconds(was.request_timeout),
            milliseconds(is.request_timeout),
        ),
        (
            "chain.max_staleness_ms",
            milliseconds(was.max_staleness),
            milliseconds(is.max_staleness),
        ),
        (
            "chain.negative_lifetime_ms",
            milliseconds(was.negative_lifetime),
            milliseconds(is.negative_lifetime),
        ),
        (
            "chain.max_outage_grace_ms",
            milliseconds(was.max_outage_grace),
            milliseconds(is.max_outage_grace),
        ),
        (
            "chain.heartbeat_timeout_ms",
            milliseconds(was.heartbeat_timeout),
            milliseconds(is.heartbeat_timeout),
        ),
        (
            "chain.ready_within_ms",
            milliseconds(was.ready_within),
            milliseconds(is.ready_within),
        ),
        (
            "chain.warm_up",
            was.warm_up.to_string(),
            is.warm_up.to_string(),
        ),
        (
            "chain.max_in_flight",
            was.max_in_flight.to_string(),
            is.max_in_flight.to_string(),
        ),
        (
            "chain.cache_capacity",
            was.cache_capacity.to_string(),
            is.cache_capacity.to_string(),
        ),
    ] {
        compare(key, was, is);
    }
    let (was, is) = (&running.merchant, &wanted.merchant);
    compare("merchant", text(&was.merchant), text(&is.merchant));
    let audit = |config: &Config| {
        config.audit.as_ref().map(|_| {
            let receipts = config.receipts.as_ref();
            receipts.map(|receipts| receipts.signing_key.public())
        })
    };
    // The log is open, and its checkpoints are signed with the key of receipts.
    if running.audit != wanted.audit || audit(running) != audit(wanted) {
        found.push(unnamed("audit"));
    }
    // The memory of used sign-ins is where it is.
    if running.sign_ins != wanted.sign_ins {
        found.push(unnamed("sign_ins"));
    }
    // The store of counted credits is open, by this process alone.
    if running.credits != wanted.credits {
        found.push(unnamed("credits"));
    }
    // What its keys have begun, they finish.
    if running.relay != wanted.relay {
        found.push(unnamed("relay"));
    }
    found
}

/// A section in which a secret may be what differs.
fn unnamed(key: &'static str) -> FixedSetting {
    FixedSetting {
        key,
        running: "as at the start".to_owned(),
        wanted: "something else".to_owned(),
    }
}
