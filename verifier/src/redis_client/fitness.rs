//! Whether a server is fit to remember what money depends on.

/// What a server has to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// Keys without an expiry.
    Lasting,
    /// Keys with an expiry too, until they expire.
    Expiring,
}

/// Why the server is not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// A restart would forget what was used.
    #[error("the Redis server keeps no append-only file: set appendonly yes")]
    NotDurable,
    /// It would forget what was used to make room for something else.
    #[error("the Redis server may evict keys ({0}): set maxmemory-policy noeviction")]
    Evicts(String),
}

impl Keeps {
    /// Checks an answer to `INFO`. What it does not say is not held against it: some
    /// providers hide parts of it.
    ///
    /// # Errors
    /// [`Unfit`].
    pub(super) fn require(self, information: &str) -> Result<(), Unfit> {
        let value = |name: &str| {
            information
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(found, _)| *found == name)
                .map(|(_, value)| value.trim())
        };
        if value("aof_enabled") == Some("0") {
            return Err(Unfit::NotDurable);
        }
        let evicts = match (self, value("maxmemory_policy")) {
            (_, None | Some("noeviction")) => return Ok(()),
            (Self::Lasting, Some(policy)) if policy.starts_with("volatile") => return Ok(()),
            (Self::Lasting | Self::Expiring, Some(policy)) => policy,
        };
        Err(Unfit::Evicts(evicts.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_forgets_is_refused() {
        let safe = "# Memory\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n";
        for keeps in [Keeps::Lasting, Keeps::Expiring] {
            assert_eq!(keeps.require(safe), Ok(()));
            let silent = "# Server\r\nredis_version:7.0.15\r\n";
            assert_eq!(keeps.require(silent), Ok(()));
            let forgetful = safe.replace("aof_enabled:1", "aof_enabled:0");
            assert_eq!(keeps.require(&forgetful), Err(Unfit::NotDurable));
            let evicting = safe.replace("noeviction", "allkeys-lru");
            let found = Unfit::Evicts("allkeys-lru".to_owned());
            assert_eq!(keeps.require(&evicting), Err(found));
        }
    }

    #[test]
    fn keys_with_an_expiry_are_evicted_where_the_others_are_not() {
        let volatile = "maxmemory_policy:volatile-lru\r\naof_enabled:1\r\n";
        assert_eq!(Keeps::Lasting.require(volatile), Ok(()));
        let found = Unfit::Evicts("volatile-lru".to_owned());
        assert_eq!(Keeps::Expiring.require(volatile), Err(found));
    }
}
