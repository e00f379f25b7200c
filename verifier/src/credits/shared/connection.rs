//! One connection to the server, made anew when it breaks.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult, cmd};
use tokio::sync::Mutex;
use tracing::warn;

/// Why the server is not fit to count what was paid for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// A restart would forget what was used.
    #[error("the Redis server keeps no append-only file: set appendonly yes")]
    NotDurable,
    /// It would forget what was used to make room for something else.
    #[error("the Redis server may evict any key ({0}): set maxmemory-policy noeviction")]
    Evicts(String),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

/// The server and the connection to it.
pub(super) struct Server {
    client: Client,
    timeout: Duration,
    current: Mutex<Option<MultiplexedConnection>>,
}

impl Server {
    pub(super) fn new(client: Client, timeout: Duration) -> Self {
        Self {
            client,
            timeout,
            current: Mutex::new(None),
        }
    }

    /// The connection, a new one if need be. All who wait share it.
    pub(super) async fn connection(&self) -> Result<MultiplexedConnection, ConnectError> {
        let mut current = self.current.lock().await;
        if let Some(connection) = current.as_ref() {
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout));
        let mut connection = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        // Another server may answer than before, after a restart or a failover.
        let information: String = cmd("INFO").query_async(&mut connection).await?;
        require_fit(&information)?;
        *current = Some(connection.clone());
        Ok(connection)
    }

    /// Looks at what came of a command: a connection that broke is not used again.
    pub(super) fn note<T>(&self, result: &RedisResult<T>) {
        if let Err(error) = result {
            warn!(%error, "the Redis server did not do what it was asked");
            if error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error() {
                self.forget();
            }
        }
    }

    /// Makes the next command connect anew. Does not wait: while the lock is taken,
    /// somebody else is connecting already.
    pub(super) fn forget(&self) {
        if let Ok(mut current) = self.current.try_lock() {
            *current = None;
        }
    }
}

/// Checks an answer to `INFO`. What it does not say is not held against it: some
/// providers hide parts of it.
fn require_fit(information: &str) -> Result<(), Unfit> {
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
    match value("maxmemory_policy") {
        Some(policy) if policy.starts_with("allkeys") => Err(Unfit::Evicts(policy.to_owned())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_forgets_is_refused() {
        let safe = "# Memory\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n";
        assert_eq!(require_fit(safe), Ok(()));
        assert_eq!(require_fit("# Server\r\nredis_version:7.0.15\r\n"), Ok(()));
        let forgetful = safe.replace("aof_enabled:1", "aof_enabled:0");
        assert_eq!(require_fit(&forgetful), Err(Unfit::NotDurable));
        let evicting = safe.replace("noeviction", "allkeys-lru");
        let found = Unfit::Evicts("allkeys-lru".to_owned());
        assert_eq!(require_fit(&evicting), Err(found));
    }
}
